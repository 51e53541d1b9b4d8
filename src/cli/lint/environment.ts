import type { Container, KeyRef, PodSpec } from '../../api/index.ts';
import { nothingKnown, nothingThere, type PartlyKnown } from '../../scalers/partly-known.ts';
import type { ManifestIndex } from './objects.ts';
import { dataOf, give } from './values.ts';

/** The environment of a container as far as the files tell it; of an unknown container, anything may be there. */
export function environmentOf(
  pod: PodSpec | undefined,
  containerName: string | undefined,
  namespace: string,
  index: ManifestIndex,
): PartlyKnown {
  const containers = Array.isArray(pod?.containers) ? pod.containers : [];
  const container = containerName ? containers.find(({ name }) => name === containerName) : containers[0];
  if (container === undefined) return nothingKnown();
  const values = nothingThere();
  addWhole(container, namespace, index, values);
  for (const { name, value, valueFrom } of asList(container.env)) {
    if (valueFrom?.secretKeyRef) give(values, name, lookUp('Secret', valueFrom.secretKeyRef, namespace, index));
    else if (valueFrom?.configMapKeyRef)
      give(values, name, lookUp('ConfigMap', valueFrom.configMapKeyRef, namespace, index));
    // fieldRef and resourceFieldRef are never resolved (KEDA 2.21), so such a variable is not there.
    else if (valueFrom === undefined && value !== undefined)
      // A text that refers to others is not worked out here: it exists, that is enough.
      give(values, name, value.includes('$(') ? undefined : String(value));
  }
  return values;
}

function addWhole(container: Container, namespace: string, index: ManifestIndex, values: PartlyKnown): void {
  for (const { prefix = '', secretRef, configMapRef } of asList(container.envFrom)) {
    const kind = secretRef ? 'Secret' : 'ConfigMap';
    const name = secretRef?.name ?? configMapRef?.name;
    const found = name === undefined ? undefined : index.find('', kind, namespace, name);
    if (found === undefined) values.any = true;
    else for (const [key, text] of Object.entries(dataOf(found.object))) give(values, `${prefix}${key}`, text);
  }
}

function lookUp(
  kind: 'Secret' | 'ConfigMap',
  ref: KeyRef,
  namespace: string,
  index: ManifestIndex,
): string | undefined {
  const found = index.find('', kind, namespace, ref.name ?? '');
  return found === undefined ? undefined : dataOf(found.object)[ref.key];
}

function asList<T>(value: T[] | undefined): T[] {
  return Array.isArray(value) ? value : [];
}
