import type { ResourceType } from '../../base/object.ts';
import type { SchemaSource } from '../schema/index.ts';
import { type AnyObject, ApiError, type Patch } from '../types.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';

export interface ApplyPatchParams {
  /** Absent only for an apply that creates. */
  current: AnyObject | undefined;
  patch: Patch;
  type: ResourceType;
  /** RFC 3339, for managedFields. */
  now: string;
  schemas: SchemaSource;
  subresource?: string | undefined;
}

/**
 * The object that a patch makes of the current one; neither is changed. Defaults and validation come afterwards.
 * @throws ApiError BadRequest for what is no patch, Invalid when it does not fit the object
 */
export function applyPatch({ current, patch }: ApplyPatchParams): AnyObject {
  if (current === undefined) throw new ApiError('NotFound', 'there is no object to patch');
  switch (patch.type) {
    case 'json':
      return jsonPatch(current, patch.patch) as AnyObject;
    case 'merge':
      return mergePatch(current, patch.patch) as AnyObject;
    default:
      throw new ApiError('UnsupportedMediaType', `patches of type ${patch.type} are not served`);
  }
}
