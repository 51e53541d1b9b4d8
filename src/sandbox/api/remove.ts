import { type AnyObject, ApiError, type DeleteOptions } from '../types.ts';
import { type Core, storeKey, timestamp } from './core.ts';
import { conflict, forbidden, notFound } from './failures.ts';
import type { WriteContext } from './machinery.ts';
import { fromStorage, type Resource } from './resource.ts';
import { holdsContent, type Target } from './write.ts';

export interface Removal {
  /** The object as it is now, or as it was last. */
  object: AnyObject;
  /** False while finalizers, a grace period or its content hold it. */
  gone: boolean;
}

const ATTEMPTS = 5;
const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

/** Deletes the object, or marks it when something holds it. @throws ApiError NotFound, Conflict, Forbidden */
export async function remove(
  core: Core,
  target: Target,
  options: DeleteOptions,
  context: WriteContext,
): Promise<Removal> {
  const { resource, namespace, name } = target;
  const key = storeKey(resource.type.namespaced ? namespace : undefined, name);
  for (let attempt = 1; ; attempt++) {
    const stored = core.store.get(resource.storage, key);
    if (!stored) throw notFound(resource.type, name);
    checkPreconditions(resource, stored, options);
    if (resource.storage === '/namespaces' && PROTECTED.has(name)) {
      throw forbidden(resource.type, name, 'this namespace may not be deleted');
    }
    const oldObject = fromStorage(resource, stored);
    const request = { operation: 'DELETE' as const, type: resource.type, name, namespace, oldObject, context };
    const body = { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...options };
    await core.admission?.validate({ ...request, options: body });
    if (core.store.get(resource.storage, key) !== stored) {
      if (attempt >= ATTEMPTS) throw conflict(resource.type, name);
      continue;
    }
    const { object, gone } = removeNow(core, resource, key, stored, options, context.dryRun);
    return { object: fromStorage(resource, object), gone };
  }
}

const PROTECTED = new Set(['default', 'kube-system', 'kube-public']);

function checkPreconditions(resource: Resource, stored: AnyObject, { preconditions = {} }: DeleteOptions): void {
  const { name, uid, resourceVersion } = stored.metadata;
  if (preconditions.uid && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`;
    throw conflict(resource.type, name, why);
  }
  if (preconditions.resourceVersion && preconditions.resourceVersion !== resourceVersion) {
    const why =
      `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ` +
      `ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(resource.type, name, why);
  }
}

function removeNow(
  core: Core,
  resource: Resource,
  key: string,
  stored: AnyObject,
  options: DeleteOptions,
  dryRun: boolean,
): Removal {
  const { metadata } = stored;
  const grace = graceOf(resource, stored, options);
  const finalizers = finalizersFor(resource, stored, options);
  const held = finalizers.length > 0 || grace > 0 || holdsContent(stored);
  if (!held) {
    const last = { ...stored, metadata: withFinalizers(metadata, finalizers) };
    return { object: dryRun ? stored : (core.store.remove(resource.storage, key, last) ?? stored), gone: true };
  }
  const shorter = metadata.deletionTimestamp !== undefined && grace < (metadata.deletionGracePeriodSeconds ?? 0);
  const first = metadata.deletionTimestamp === undefined;
  const at = `${new Date(core.clock.now() + grace * 1000).toISOString().slice(0, 19)}Z`;
  const next: AnyObject = {
    ...stored,
    metadata: {
      ...withFinalizers(metadata, finalizers),
      ...(first || shorter ? { deletionTimestamp: at, deletionGracePeriodSeconds: grace } : {}),
      // Kubernetes: the start of a deletion counts as a change of what is wanted.
      ...(first && metadata.generation ? { generation: metadata.generation + 1 } : {}),
    },
  };
  if (resource.storage === '/namespaces') next.status = { ...(stored.status as object), phase: 'Terminating' };
  if (resource.storage === DEFINITIONS && first) next.status = terminating(stored, timestamp(core));
  const unchanged = !first && !shorter && finalizers.length === (metadata.finalizers?.length ?? 0);
  if (dryRun || unchanged) return { object: unchanged ? stored : next, gone: false };
  return { object: core.store.put(resource.storage, key, next), gone: false };
}

const DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions';

function terminating(crd: AnyObject, now: string) {
  const status = (crd.status ?? {}) as { conditions?: object[] };
  const condition = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: now,
    reason: 'InstanceDeletionPending',
    message: 'CustomResource deletion is in progress',
  };
  return { ...status, conditions: [...(status.conditions ?? []), condition] };
}

function withFinalizers(metadata: AnyObject['metadata'], finalizers: string[]): AnyObject['metadata'] {
  const { finalizers: _old, ...rest } = metadata;
  return finalizers.length > 0 ? { ...rest, finalizers } : rest;
}

/** Only pods have time to stop: those that run, as long as their spec or the request says. */
function graceOf(resource: Resource, stored: AnyObject, options: DeleteOptions): number {
  if (resource.storage !== '/pods') return 0;
  const spec = (stored.spec ?? {}) as { nodeName?: string; terminationGracePeriodSeconds?: number };
  const phase = (stored.status as { phase?: string } | undefined)?.phase;
  if (!spec.nodeName || phase === 'Succeeded' || phase === 'Failed') return 0;
  const wanted = options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
  // Kubernetes: less than nothing means one second.
  const seconds = wanted < 0 ? 1 : wanted;
  const { deletionGracePeriodSeconds: running, deletionTimestamp } = stored.metadata;
  return deletionTimestamp && running !== undefined ? Math.min(seconds, running) : seconds;
}

/** The finalizers that stay, with the garbage collector's own as the propagation policy asks. */
function finalizersFor(resource: Resource, stored: AnyObject, { propagationPolicy }: DeleteOptions): string[] {
  const current = stored.metadata.finalizers ?? [];
  const others = current.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  if (propagationPolicy === 'Orphan') return [...others, ORPHAN];
  if (propagationPolicy === 'Foreground') return [...others, FOREGROUND];
  if (propagationPolicy === 'Background') return others;
  if (current.includes(ORPHAN) || current.includes(FOREGROUND)) return current;
  // Kubernetes: batch/v1 Jobs leave their pods unless the request says otherwise.
  return resource.storage === 'batch/jobs' ? [...others, ORPHAN] : current;
}

/** @throws ApiError BadRequest for options that are not metav1.DeleteOptions */
export function parseDeleteOptions(body: unknown, query: URLSearchParams): DeleteOptions & { dryRun: boolean } {
  const given = (typeof body === 'object' && body !== null ? body : {}) as {
    propagationPolicy?: string;
    orphanDependents?: boolean;
    gracePeriodSeconds?: number;
    preconditions?: { uid?: string; resourceVersion?: string };
    dryRun?: string[];
  };
  const orphan = given.orphanDependents ?? readFlag(query.get('orphanDependents'));
  const policy = given.propagationPolicy ?? query.get('propagationPolicy') ?? (orphan ? 'Orphan' : undefined);
  if (policy !== undefined && policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan') {
    const message = `invalid propagation policy ${JSON.stringify(policy)}: must be Background, Foreground or Orphan`;
    throw new ApiError('BadRequest', message);
  }
  const seconds = given.gracePeriodSeconds ?? query.get('gracePeriodSeconds') ?? undefined;
  if (seconds !== undefined && !Number.isInteger(Number(seconds))) {
    throw new ApiError('BadRequest', `gracePeriodSeconds must be a whole number, not ${JSON.stringify(seconds)}`);
  }
  return {
    ...(policy ? { propagationPolicy: policy } : {}),
    ...(seconds === undefined ? {} : { gracePeriodSeconds: Number(seconds) }),
    ...(given.preconditions ? { preconditions: given.preconditions } : {}),
    dryRun: given.dryRun?.includes('All') === true || query.getAll('dryRun').includes('All'),
  };
}

function readFlag(text: string | null): boolean | undefined {
  return text === null ? undefined : text === 'true' || text === '1';
}
