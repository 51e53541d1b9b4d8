import type { AnyObject } from '../types.ts';
import type { DefinitionSpec } from './registry.ts';

interface Condition {
  type: string;
  status: 'True' | 'False';
  lastTransitionTime: string;
  reason: string;
  message: string;
}

interface DefinitionStatus {
  conditions: Condition[];
  acceptedNames: DefinitionSpec['names'];
  storedVersions: string[];
}

/**
 * The status of a CustomResourceDefinition: established at once, unless another definition of the group has one of its
 * names. Conditions of other types (Terminating) stay.
 */
export function definitionStatus(
  crd: AnyObject,
  old: AnyObject | undefined,
  definitions: Iterable<AnyObject>,
  now: string,
): DefinitionStatus {
  // Called before validation, so nothing can be taken for granted.
  const spec = (crd.spec ?? {}) as DefinitionSpec;
  const before = old?.status as Partial<DefinitionStatus> | undefined;
  const taken = takenName(crd.metadata.name, spec, definitions);
  const condition = (type: string, status: boolean, reason: string, message: string): Condition => {
    const value = status ? 'True' : 'False';
    const same = before?.conditions?.find((c) => c.type === type && c.status === value);
    return { type, status: value, lastTransitionTime: same?.lastTransitionTime ?? now, reason, message };
  };
  const own = taken
    ? [
        condition('NamesAccepted', false, 'NameConflict', `${JSON.stringify(taken)} is already in use`),
        condition('Established', false, 'NotAccepted', 'not all names are accepted'),
      ]
    : [
        condition('NamesAccepted', true, 'NoConflicts', 'no conflicts found'),
        condition('Established', true, 'InitialNamesAccepted', 'the initial names have been accepted'),
      ];
  const others = (before?.conditions ?? []).filter((c) => c.type !== 'NamesAccepted' && c.type !== 'Established');
  const versions = Array.isArray(spec.versions) ? spec.versions : [];
  const stored = versions.filter((version) => version.storage).map((version) => version.name);
  return {
    conditions: [...own, ...others],
    acceptedNames: taken ? (before?.acceptedNames ?? { plural: '', kind: '' }) : spec.names,
    storedVersions: [...new Set([...(before?.storedVersions ?? []), ...stored])],
  };
}

function takenName(name: string, spec: DefinitionSpec, definitions: Iterable<AnyObject>): string | undefined {
  for (const other of definitions) {
    if (other.metadata.name === name) continue;
    const theirs = other.spec as DefinitionSpec;
    if (theirs.group !== spec.group || !isEstablished(other)) continue;
    if (theirs.names.kind === spec.names?.kind) return theirs.names.kind;
    if (theirs.names.plural === spec.names?.plural) return theirs.names.plural;
  }
  return undefined;
}

/** Whether the definition's types are served. */
export function isEstablished(crd: AnyObject): boolean {
  const status = crd.status as Partial<DefinitionStatus> | undefined;
  return status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') === true;
}
