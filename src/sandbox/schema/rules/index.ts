import type { ResourceType } from '../../../base/object.ts';
import type { AnyObject } from '../../types.ts';
import type { FieldError } from '../field-error.ts';
import type { Fields } from '../fields.ts';
import { checkMetadata } from './metadata.ts';

/** What is wrong with an object of a built-in kind; `old` on updates. */
export function checkBuiltin(type: ResourceType, object: Fields, _old: AnyObject | undefined): FieldError[] {
  return checkMetadata(type, object);
}
