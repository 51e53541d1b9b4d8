import type { ResourceType } from '../../../base/object.ts';
import type { AnyObject } from '../../types.ts';
import { checkDefinition } from '../custom/definition.ts';
import type { FieldError } from '../field-error.ts';
import type { Fields } from '../fields.ts';
import { checkMetadata } from './metadata.ts';

/** What is wrong with an object of a built-in kind; `old` on updates. */
export function checkBuiltin(type: ResourceType, object: Fields, old: AnyObject | undefined): FieldError[] {
  return [...checkMetadata(type, object), ...(RULES[`${type.group}/${type.kind}`]?.(object, old) ?? [])];
}

const RULES: Record<string, (object: Fields, old: Fields | undefined) => FieldError[]> = {
  'apiextensions.k8s.io/CustomResourceDefinition': checkDefinition,
};
