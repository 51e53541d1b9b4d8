import { apiVersionOf } from '../../base/object.ts';
import { type AnyObject, ApiError } from '../types.ts';
import type { Core } from './core.ts';
import { conflict, forbidden, invalid } from './failures.ts';
import { type Resource, resourceName } from './resource.ts';

/** @throws ApiError BadRequest when the body is not an object of the resource */
export function checkKind(resource: Resource, object: AnyObject): void {
  const { kind, apiVersion } = object;
  const expected = apiVersionOf(resource.type);
  if (kind === resource.type.kind && apiVersion === expected) return;
  if (!kind || !apiVersion) {
    const missing = kind ? 'apiVersion' : 'kind';
    throw new ApiError(
      'BadRequest',
      `Object '${missing}' is missing in the body of a ${resourceName(resource.type)} request`,
    );
  }
  if (kind !== resource.type.kind) {
    const message = `the object provided is unrecognized (must be of type ${resource.type.kind}): it is of kind ${kind}`;
    throw new ApiError('BadRequest', message);
  }
  throw new ApiError(
    'BadRequest',
    `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
  );
}

/** Sets the namespace of the URL, or (with `keep`) only compares. @throws ApiError BadRequest when the two differ */
export function placeInNamespace(
  resource: Resource,
  object: AnyObject,
  namespace: string | undefined,
  keep = false,
): void {
  const own = object.metadata.namespace;
  if (!resource.type.namespaced) {
    if (!keep) delete object.metadata.namespace;
    return;
  }
  if (own && namespace && own !== namespace) {
    const message = 'the namespace of the provided object does not match the namespace sent on the request';
    throw new ApiError('BadRequest', message);
  }
  if (!keep && namespace) object.metadata.namespace = namespace;
}

/** @throws ApiError NotFound or Forbidden when nothing can be created in the namespace */
export function checkNamespace(core: Core, resource: Resource, namespace: string | undefined, name: string): void {
  if (!resource.type.namespaced) return;
  if (!namespace) throw new ApiError('BadRequest', 'an empty namespace may not be set during creation');
  const found = core.store.get('/namespaces', namespace);
  if (!found)
    throw new ApiError('NotFound', `namespaces "${namespace}" not found`, { name: namespace, kind: 'namespaces' });
  if (!found.metadata.deletionTimestamp) return;
  const failure = forbidden(
    resource.type,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  throw new ApiError('Forbidden', failure.message, { ...failure.details, causes: [cause] });
}

/** @throws ApiError Conflict for another uid or version, Invalid for new finalizers on what is being deleted */
export function checkPreconditions(resource: Resource, current: AnyObject, wanted: AnyObject): void {
  const { name } = current.metadata;
  const { uid, resourceVersion, finalizers = [] } = wanted.metadata;
  if (uid && uid !== current.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`;
    throw conflict(resource.type, name, why);
  }
  if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) throw conflict(resource.type, name);
  if (!current.metadata.deletionTimestamp) return;
  const added = finalizers.filter((finalizer) => !current.metadata.finalizers?.includes(finalizer));
  if (added.length === 0) return;
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  throw invalid(resource.type, name, [{ reason: 'FieldValueForbidden', field: 'metadata.finalizers', message }]);
}
