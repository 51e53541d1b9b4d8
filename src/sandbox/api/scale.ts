import { formatSelector, type LabelSelector } from '../../base/selector.ts';
import { type AnyObject, ApiError, type Patch } from '../types.ts';
import { type Core, read, timestamp } from './core.ts';
import { notFound } from './failures.ts';
import type { WriteContext } from './machinery.ts';
import type { Resource } from './resource.ts';
import { change, type Target } from './write.ts';

const SCALE_TYPE = { group: 'autoscaling', version: 'v1', plural: 'scales', kind: 'Scale', namespaced: true };

/** The autoscaling/v1 Scale of an object. @throws ApiError NotFound */
export function readScale(core: Core, { resource, namespace, name }: Target): AnyObject {
  const object = read(core, resource, namespace, name);
  if (!object || !resource.scale) throw notFound(resource.type, name);
  return scaleOf(resource, object);
}

/** The Scale of an object whose type has the subresource. */
export function scaleOf(resource: Resource, object: AnyObject): AnyObject {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = resource.scale ?? {
    specReplicasPath: '',
    statusReplicasPath: '',
  };
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const wanted = valueAt(object, specReplicasPath);
  const selector = labelSelectorPath === undefined ? undefined : valueAt(object, labelSelectorPath);
  const text =
    typeof selector === 'string' ? selector : selector ? formatSelector(selector as LabelSelector) : undefined;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
      ...(creationTimestamp ? { creationTimestamp } : {}),
    },
    // Kubernetes: zero replicas are left out of the JSON of a Scale.
    spec: wanted ? { replicas: Number(wanted) } : {},
    status: { replicas: Number(valueAt(object, statusReplicasPath) ?? 0), ...(text ? { selector: text } : {}) },
  };
}

/** Sets the replicas that the Scale asks for. */
export async function updateScale(
  core: Core,
  target: Target,
  scale: AnyObject,
  context: WriteContext,
): Promise<AnyObject> {
  return writeScale(core, target, () => scale, context, 'UpdateOptions');
}

/** Patches the Scale and sets the replicas of the result. */
export async function patchScale(core: Core, target: Target, patch: Patch, context: WriteContext): Promise<AnyObject> {
  const compute = (current: AnyObject) =>
    core.machinery.applyPatch({ current, patch, type: SCALE_TYPE, now: timestamp(core), subresource: 'scale' });
  const manager = patch.type === 'apply' ? patch.fieldManager : context.manager;
  return writeScale(core, target, compute, { ...context, manager }, 'PatchOptions');
}

async function writeScale(
  core: Core,
  target: Target,
  compute: (scale: AnyObject) => AnyObject,
  context: WriteContext,
  operation: 'UpdateOptions' | 'PatchOptions',
): Promise<AnyObject> {
  const { resource, name } = target;
  const { scale } = resource;
  if (!scale) throw notFound(resource.type, name);
  const changed = await change(
    core,
    target,
    (current) => {
      const wanted = compute(scaleOf(resource, current));
      const replicas = (wanted.spec as { replicas?: unknown } | undefined)?.replicas ?? 0;
      if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
        const said = JSON.stringify(replicas);
        const message = `Scale.autoscaling "${name}" is invalid: spec.replicas: Invalid value: ${said}: must be greater than or equal to 0`;
        const cause = {
          reason: 'FieldValueInvalid',
          message: message.slice(message.indexOf('Invalid value')),
          field: 'spec.replicas',
        };
        throw new ApiError('Invalid', message, { name, group: 'autoscaling', kind: 'Scale', causes: [cause] });
      }
      const { uid, resourceVersion } = wanted.metadata ?? {};
      const next = withValueAt(current, scale.specReplicasPath, replicas);
      const { uid: _uid, resourceVersion: _version, ...metadata } = next.metadata;
      return {
        ...next,
        metadata: { ...metadata, ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) },
      };
    },
    context,
    { subresource: 'scale', operation },
  );
  return scaleOf(resource, changed);
}

const partsOf = (path: string) => path.split('.').filter((part) => part !== '');

function valueAt(object: unknown, path: string): unknown {
  return partsOf(path).reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined,
    object,
  );
}

function withValueAt<T extends object>(object: T, path: string, value: unknown): T {
  const [first, ...rest] = partsOf(path);
  if (first === undefined) return object;
  const inner = (object as Record<string, unknown>)[first];
  const child = typeof inner === 'object' && inner !== null ? inner : {};
  return { ...object, [first]: rest.length === 0 ? value : withValueAt(child, rest.join('.'), value) };
}
