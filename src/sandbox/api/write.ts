import { randomUUID } from 'node:crypto';
import { sameJson } from '../store/freeze.ts';
import { type AnyObject, ApiError, type Patch } from '../types.ts';
import { checkKind, checkNamespace, checkPreconditions, placeInNamespace } from './checks.ts';
import { type Core, freeClusterIp, read, storeKey, timestamp } from './core.ts';
import { alreadyExists, conflict, invalid, notFound } from './failures.ts';
import type { AdmissionRequest, WriteContext } from './machinery.ts';
import { checkName, generateName } from './names.ts';
import { fromStorage, type Resource, toStorage } from './resource.ts';
import { applyStrategy } from './strategy.ts';

export interface Target {
  resource: Resource;
  namespace: string | undefined;
  name: string;
}

/** How often a write is computed again when somebody else wrote while webhooks were asked. */
const ATTEMPTS = 5;
/** Kubernetes 1.30+: a generated name that is taken is drawn again up to seven times. */
const NAME_ATTEMPTS = 8;

/** Creates the object. @throws ApiError AlreadyExists, Invalid, Forbidden, NotFound (namespace), BadRequest */
export async function create(
  core: Core,
  resource: Resource,
  input: AnyObject,
  namespace: string | undefined,
  context: WriteContext,
): Promise<AnyObject> {
  checkKind(resource, input);
  const object = structuredClone(input);
  const metadata = object.metadata ?? {};
  object.metadata = metadata;
  if (metadata.resourceVersion) {
    throw new ApiError('BadRequest', 'resourceVersion should not be set on objects to be created');
  }
  placeInNamespace(resource, object, namespace);
  const generated = !metadata.name && metadata.generateName ? metadata.generateName : undefined;
  if (!metadata.name && generated === undefined) {
    const message = 'Required value: name or generateName is required';
    throw invalid(resource.type, '', [{ reason: 'FieldValueRequired', field: 'metadata.name', message }]);
  }
  if (isEmpty(metadata.labels)) delete metadata.labels;
  if (isEmpty(metadata.annotations)) delete metadata.annotations;
  for (const field of ['selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'managedFields']) {
    delete (metadata as unknown as Record<string, unknown>)[field];
  }
  for (let attempt = 1; ; attempt++) {
    if (generated !== undefined) metadata.name = generateName(generated);
    try {
      return await createNamed(core, resource, structuredClone(object), context);
    } catch (error) {
      const taken = error instanceof ApiError && error.reason === 'AlreadyExists';
      if (generated === undefined || !taken || attempt >= NAME_ATTEMPTS) throw error;
    }
  }
}

async function createNamed(
  core: Core,
  resource: Resource,
  input: AnyObject,
  context: WriteContext,
): Promise<AnyObject> {
  const { type } = resource;
  const { name, namespace } = input.metadata;
  checkName(type, name);
  checkNamespace(core, resource, namespace, name);
  const now = timestamp(core);
  input.metadata.uid = randomUUID();
  input.metadata.creationTimestamp = now;
  if (resource.status) delete input.status;
  applyStrategy(resource.storage, input, undefined, strategyContext(core, now));
  const prepared = await admitted(core, resource, input, undefined, context, {
    operation: 'CREATE',
    type,
    name,
    namespace,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    context,
  });
  const version = resource.generation ? withGeneration(prepared, 1) : prepared;
  const tracked = input.metadata.managedFields
    ? version
    : core.machinery.trackUpdate({ before: undefined, after: version, manager: context.manager, now });
  await core.admission?.validate({ operation: 'CREATE', type, name, namespace, object: tracked, context });
  const key = storeKey(namespace, name);
  if (core.store.get(resource.storage, key)) throw alreadyExists(type, name);
  if (context.dryRun) return tracked;
  return fromStorage(resource, core.store.put(resource.storage, key, toStorage(resource, tracked)));
}

/** Replaces the object, or its status. @throws ApiError NotFound, Conflict, Invalid, BadRequest */
export async function update(
  core: Core,
  target: Target,
  input: AnyObject,
  context: WriteContext,
  subresource?: 'status',
): Promise<AnyObject> {
  const { resource, namespace, name } = target;
  checkKind(resource, input);
  const own = input.metadata?.name;
  if (own !== name) {
    const said = own
      ? `the name of the object (${own}) does not match the name on the URL (${name})`
      : 'name must be provided';
    throw new ApiError('BadRequest', said);
  }
  placeInNamespace(resource, input, namespace, true);
  if (resource.createOnUpdate && subresource === undefined && !read(core, resource, namespace, name)) {
    const { resourceVersion: _version, ...metadata } = input.metadata;
    return create(core, resource, { ...input, metadata }, namespace, context);
  }
  if (!input.metadata.resourceVersion && !resource.unconditionalUpdate) {
    const message = 'Invalid value: 0: must be specified for an update';
    throw invalid(resource.type, name, [{ reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message }]);
  }
  return change(core, target, () => input, context, { subresource, operation: 'UpdateOptions' });
}

/** Changes the object by a patch; an apply creates it when it does not exist. */
export async function patch(
  core: Core,
  target: Target,
  how: Patch,
  context: WriteContext,
  subresource?: 'status',
): Promise<AnyObject> {
  const { resource, namespace, name } = target;
  const now = timestamp(core);
  const type = resource.type;
  if (how.type === 'strategic' && resource.crd) {
    throw new ApiError('UnsupportedMediaType', STRATEGIC_REFUSED);
  }
  const manager = how.type === 'apply' ? how.fieldManager : context.manager;
  if (how.type === 'apply' && subresource === undefined && !read(core, resource, namespace, name)) {
    const applied = core.machinery.applyPatch({ current: undefined, patch: how, type, now });
    const object = structuredClone(applied);
    object.metadata = { ...object.metadata, name };
    checkKind(resource, object);
    placeInNamespace(resource, object, namespace);
    return createNamed(core, resource, object, { ...context, manager });
  }
  const compute = (current: AnyObject) => core.machinery.applyPatch({ current, patch: how, type, now, subresource });
  return change(
    core,
    target,
    compute,
    { ...context, manager },
    {
      subresource,
      operation: 'PatchOptions',
      applied: how.type === 'apply',
    },
  );
}

const STRATEGIC_REFUSED =
  'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, ' +
  'application/merge-patch+json, application/apply-patch+yaml';

export interface ChangeOptions {
  subresource?: 'status' | 'scale' | 'binding' | undefined;
  operation: 'UpdateOptions' | 'PatchOptions';
  /** managedFields were set by the computation. */
  applied?: boolean;
}

/** Computes the next form of an object from the current one and stores it, again when somebody else was faster. */
export async function change(
  core: Core,
  { resource, namespace, name }: Target,
  compute: (current: AnyObject) => AnyObject,
  context: WriteContext,
  options: ChangeOptions,
): Promise<AnyObject> {
  const { type } = resource;
  const key = storeKey(resource.type.namespaced ? namespace : undefined, name);
  const now = timestamp(core);
  for (let attempt = 1; ; attempt++) {
    const before = core.store.get(resource.storage, key);
    if (!before) throw notFound(type, name);
    const current = fromStorage(resource, before);
    const wanted = compute(current);
    // An apply that changes nothing hands back what there is.
    if (wanted === current) return current;
    checkPreconditions(resource, current, wanted);
    const next = structuredClone(mergeParts(resource, current, wanted, options));
    if (options.subresource !== 'status') applyStrategy(resource.storage, next, before, strategyContext(core, now));
    const request: AdmissionRequest = {
      operation: 'UPDATE',
      type,
      subresource: options.subresource,
      name,
      namespace,
      oldObject: current,
      options: { kind: options.operation, apiVersion: 'meta.k8s.io/v1' },
      context,
    };
    const prepared = await admitted(core, resource, next, current, context, request);
    const counts = resource.generation && specChanged(resource, current, prepared);
    const version = counts ? withGeneration(prepared, (current.metadata.generation ?? 0) + 1) : prepared;
    const { manager } = context;
    const tracked = options.applied
      ? version
      : core.machinery.trackUpdate({ before: current, after: version, manager, subresource: options.subresource, now });
    await core.admission?.validate({ ...request, object: tracked });
    const conditional = Boolean(wanted.metadata.resourceVersion) && options.operation === 'UpdateOptions';
    if (core.store.get(resource.storage, key) !== before) {
      if (conditional || attempt >= ATTEMPTS) throw conflict(type, name);
      continue;
    }
    if (context.dryRun || sameApartFromTimes(current, tracked)) return context.dryRun ? tracked : current;
    return fromStorage(resource, save(core, resource, key, toStorage(resource, tracked)));
  }
}

function withGeneration(object: AnyObject, generation: number): AnyObject {
  return { ...object, metadata: { ...object.metadata, generation } };
}

/** Stores the object, or removes it when it was waiting only for its last finalizer. */
export function save(core: Core, resource: Resource, key: string, object: AnyObject): AnyObject {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  const held = (finalizers?.length ?? 0) > 0 || (deletionGracePeriodSeconds ?? 0) > 0 || holdsContent(object);
  if (!deletionTimestamp || held) return core.store.put(resource.storage, key, object);
  return core.store.remove(resource.storage, key, object) ?? object;
}

/** Kubernetes: a namespace is also held by spec.finalizers, until its content is gone. */
export function holdsContent(object: AnyObject): boolean {
  if (object.kind !== 'Namespace' || object.apiVersion !== 'v1') return false;
  return ((object.spec as { finalizers?: string[] } | undefined)?.finalizers?.length ?? 0) > 0;
}

/** Prunes, fills defaults, validates, and lets mutating webhooks change the object. */
async function admitted(
  core: Core,
  resource: Resource,
  object: AnyObject,
  old: AnyObject | undefined,
  context: WriteContext,
  request: AdmissionRequest,
): Promise<AnyObject> {
  const prepare = (candidate: AnyObject, warn: boolean) => {
    const prepared = core.machinery.prepare(resource.type, candidate, {
      operation: old ? 'update' : 'create',
      fieldValidation: context.fieldValidation,
      old,
    });
    if (warn) prepared.warnings.forEach(context.warn);
    return prepared.object;
  };
  let first: AnyObject;
  try {
    first = prepare(object, true);
  } catch (error) {
    // A mutating webhook may fill in what is missing: Kubernetes validates after those.
    if (!(error instanceof ApiError) || error.reason !== 'Invalid') throw error;
    const mutation = core.admission?.mutate({ ...request, object });
    if (!mutation) throw error;
    return prepare(await mutation, true);
  }
  const mutation = core.admission?.mutate({ ...request, object: first });
  if (!mutation) return first;
  const mutated = await mutation;
  return mutated === first ? first : prepare(mutated, false);
}

function strategyContext(core: Core, now: string) {
  return {
    now,
    freeClusterIp: () => freeClusterIp(core),
    definitions: () => core.store.entries('apiextensions.k8s.io/customresourcedefinitions').values(),
  };
}

// Go leaves empty maps and lists out of the JSON.
const isEmpty = (map: object | undefined | null) => !map || Object.keys(map).length === 0;

/** Of the wanted object the parts that this request may change, of the current one the rest. */
function mergeParts(resource: Resource, current: AnyObject, wanted: AnyObject, options: ChangeOptions): AnyObject {
  if (options.subresource === 'status') {
    const next: AnyObject = { ...current, status: wanted.status };
    if (wanted.status === undefined) delete next.status;
    const { managedFields } = wanted.metadata;
    if (options.applied && managedFields) next.metadata = { ...current.metadata, managedFields };
    return next;
  }
  const { labels, annotations, finalizers, ownerReferences, managedFields } = wanted.metadata;
  const {
    labels: _l,
    annotations: _a,
    finalizers: _f,
    ownerReferences: _o,
    managedFields: old,
    ...fixed
  } = current.metadata;
  const kept = options.applied || (Array.isArray(managedFields) && managedFields.length > 0) ? managedFields : old;
  const next: AnyObject = {
    ...wanted,
    metadata: {
      ...fixed,
      ...(isEmpty(labels) ? {} : { labels }),
      ...(isEmpty(annotations) ? {} : { annotations }),
      ...(finalizers && finalizers.length > 0 ? { finalizers } : {}),
      ...(ownerReferences && ownerReferences.length > 0 ? { ownerReferences } : {}),
      ...(kept ? { managedFields: kept } : {}),
    },
  };
  if (resource.status) {
    if (current.status === undefined) delete next.status;
    else next.status = current.status;
  }
  return next;
}

function specChanged(resource: Resource, before: AnyObject, after: AnyObject): boolean {
  const { metadata: _beforeMetadata, status: beforeStatus, ...beforeRest } = before;
  const { metadata: _afterMetadata, status: afterStatus, ...afterRest } = after;
  if (!sameJson(beforeRest, afterRest)) return true;
  // Kubernetes: without a status subresource the status is a field like any other.
  return resource.crd !== undefined && !resource.status && !sameJson(beforeStatus, afterStatus);
}

/** Kubernetes stores nothing when only the times of field managers would change. */
function sameApartFromTimes(before: AnyObject, after: AnyObject): boolean {
  const plain = (object: AnyObject) => ({
    ...object,
    metadata: {
      ...object.metadata,
      managedFields: object.metadata.managedFields?.map((entry) => ({ ...(entry as object), time: undefined })),
    },
  });
  return sameJson(plain(before), plain(after));
}
