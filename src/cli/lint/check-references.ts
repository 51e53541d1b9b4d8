import { TRANSFER_HPA_OWNERSHIP, VALIDATE_HPA_OWNERSHIP } from '../../api/annotations.ts';
import { hpaNameOf, scaleTargetOf } from '../../api/defaults.ts';
import type { ScaledObject, TriggerAuthenticationSpec } from '../../api/index.ts';
import { parseApiVersion } from '../../base/object.ts';
import type { Path } from '../../spec/object-path.ts';
import { groupOf, type ManifestIndex, metadataOf, sameNamespace, titleOf } from './objects.ts';
import type { Manifest } from './parse-manifests.ts';
import { dataOf } from './values.ts';

export interface ReferenceFinding {
  manifest: Manifest;
  path: Path;
  severity: 'error' | 'warning';
  message: string;
}

/** A ScaledObject of the files, as far as it is well-formed. */
export interface ScaledObjectManifest {
  manifest: Manifest;
  object: ScaledObject;
}

const placeOf = (manifest: Manifest) => `${titleOf(manifest)} (${manifest.file}:${manifest.locate([]).line})`;

/** Objects that stand in each other's way: two ScaledObjects, or a ScaledObject and an HPA, on one workload. */
export function checkRivals(objects: readonly ScaledObjectManifest[], index: ManifestIndex): ReferenceFinding[] {
  const findings: ReferenceFinding[] = [];
  objects.forEach(({ manifest, object }, position) => {
    const error = (path: Path, message: string) => findings.push({ manifest, path, severity: 'error', message });
    for (const earlier of objects.slice(0, position)) {
      if (!sameNamespace(object.metadata.namespace ?? '', earlier.object.metadata.namespace ?? '')) continue;
      // The same object twice is told elsewhere.
      if (object.metadata.name === earlier.object.metadata.name) continue;
      if (targetKey(object) === targetKey(earlier.object))
        error(
          ['spec', 'scaleTargetRef', 'name'],
          `is scaled by ${placeOf(earlier.manifest)} already: put all triggers into one ScaledObject`,
        );
      else if (hpaNameOf(object) === hpaNameOf(earlier.object))
        error(
          ['spec', 'advanced', 'horizontalPodAutoscalerConfig', 'name'],
          `is the HPA of ${placeOf(earlier.manifest)} already: give each its own`,
        );
    }
    for (const hpa of index.all) {
      const message = rivalHpa(object, hpa);
      if (message !== undefined) error(['spec', 'scaleTargetRef', 'name'], message);
    }
  });
  return findings;
}

function targetKey(object: ScaledObject): string {
  const { apiVersion, kind, name } = scaleTargetOf(object);
  return `${apiVersion}/${kind}/${name}`;
}

/** KEDA 2.21's webhook: an HPA on the same workload is refused unless it is this object's, exempt, or handed over. */
function rivalHpa(object: ScaledObject, hpa: Manifest): string | undefined {
  if (groupOf(hpa.object.apiVersion) !== 'autoscaling' || hpa.object.kind !== 'HorizontalPodAutoscaler')
    return undefined;
  const { namespace, name, annotations, ownerReferences } = metadataOf(hpa.object);
  if (!sameNamespace(namespace, object.metadata.namespace ?? '')) return undefined;
  const spec = hpa.object.spec as
    | { scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string } }
    | undefined;
  const target = spec?.scaleTargetRef;
  if (`${target?.apiVersion}/${target?.kind}/${target?.name}` !== targetKey(object)) return undefined;
  if (annotations?.[VALIDATE_HPA_OWNERSHIP] === 'false') return undefined;
  if (ownerReferences?.some((owner) => owner.kind === 'ScaledObject' && owner.name === object.metadata.name))
    return undefined;
  if (object.metadata.annotations?.[TRANSFER_HPA_OWNERSHIP] !== 'true')
    return `is scaled by ${placeOf(hpa)} already: remove that, or hand it over with the annotation ${TRANSFER_HPA_OWNERSHIP}: "true"`;
  return object.spec.advanced?.horizontalPodAutoscalerConfig?.name === name
    ? undefined
    : `is scaled by ${placeOf(hpa)}, which is to be taken over: set spec.advanced.horizontalPodAutoscalerConfig.name to ${name}`;
}

/** The same object in two places: whichever is applied last wins. */
export function checkDuplicates({ all }: ManifestIndex): ReferenceFinding[] {
  const first = new Map<string, Manifest>();
  const findings: ReferenceFinding[] = [];
  for (const manifest of all) {
    const { namespace, name } = metadataOf(manifest.object);
    if (name === '') continue;
    const key = [groupOf(manifest.object.apiVersion), manifest.object.kind, namespace, name].join('/');
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, manifest);
    else
      findings.push({
        manifest,
        path: ['metadata', 'name'],
        severity: 'warning',
        message: `is also in ${earlier.file}:${earlier.locate([]).line}: whichever is applied last wins`,
      });
  }
  return findings;
}

/** The pod template of a ScaledObject's target, and a warning when the files do not have the target. */
export function findTarget(object: ScaledObject, index: ManifestIndex): Manifest | undefined {
  const { apiVersion, kind, name } = scaleTargetOf(object);
  return index.find(parseApiVersion(apiVersion).group, kind, object.metadata.namespace ?? '', name);
}

/** Keys that a Secret or ConfigMap of the files does not have. */
export function checkKeys(
  manifest: Manifest,
  spec: TriggerAuthenticationSpec,
  index: ManifestIndex,
): ReferenceFinding[] {
  const { namespace } = metadataOf(manifest.object);
  const lists = [
    ['secretTargetRef', 'Secret'],
    ['configMapTargetRef', 'ConfigMap'],
  ] as const;
  return lists.flatMap(([field, kind]) =>
    (spec[field] ?? []).flatMap(({ name, key }, position): ReferenceFinding[] => {
      const found = index.find('', kind, namespace, name);
      if (found === undefined || key === undefined) return [];
      const keys = Object.keys(dataOf(found.object));
      if (keys.includes(key)) return [];
      return [
        {
          manifest,
          path: ['spec', field, position, 'key'],
          severity: 'error',
          message: `"${key}" is not in ${placeOf(found)}, which has ${keys.length === 0 ? 'nothing' : keys.join(', ')}`,
        },
      ];
    }),
  );
}
