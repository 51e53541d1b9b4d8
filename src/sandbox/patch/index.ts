import type { ResourceType } from '../../base/object.ts';
import type { SchemaSource } from '../schema/index.ts';
import { type AnyObject, ApiError, type Patch } from '../types.ts';
import { serverSideApply } from './apply.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMergePatch } from './strategic.ts';

export { type TrackUpdateParams, trackUpdate } from './managed-fields.ts';

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
 * The object that a patch makes of the current one; neither is changed. Defaults and validation come afterwards, and
 * for every type but `apply` also trackUpdate. An apply that changes nothing returns `current` itself.
 * @throws ApiError BadRequest for what is no patch, Invalid when it does not fit the object, Conflict when an apply
 * would change what other managers set
 */
export function applyPatch({ current, patch, type, now, schemas, subresource }: ApplyPatchParams): AnyObject {
  if (patch.type === 'apply')
    return serverSideApply({
      current,
      applied: patch.patch,
      type,
      node: schemas.node(type),
      fieldManager: patch.fieldManager,
      force: patch.force === true,
      subresource,
      statusApart: schemas.hasStatus(type),
      now,
    });
  if (current === undefined) throw new ApiError('NotFound', 'there is no object to patch');
  switch (patch.type) {
    case 'json':
      return jsonPatch(current, patch.patch) as AnyObject;
    case 'merge':
      return mergePatch(current, patch.patch) as AnyObject;
    case 'strategic': {
      const node = schemas.node(type);
      // Kubernetes: only built-in kinds, whose Go types carry the merge keys.
      if (node === undefined || !node.builtin)
        throw new ApiError(
          'UnsupportedMediaType',
          'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
        );
      return strategicMergePatch(node, current, patch.patch) as AnyObject;
    }
  }
}
