import { CONTROLLER_PERMISSIONS } from '../src/controllers/permissions.ts';
import type { Permission, PermissionCondition, PermissionScope, Verb } from '../src/kube/permission.ts';
import { SERVER_PERMISSIONS } from '../src/servers/permissions.ts';

/** A rule of a role: permissions that allow the same verbs under the same conditions. */
export interface Rule {
  scope: PermissionScope;
  when: PermissionCondition | undefined;
  group: string;
  resources: string[];
  verbs: Verb[];
  names: readonly string[] | undefined;
  whys: string[];
}

export const PERMISSIONS: readonly Permission[] = [...CONTROLLER_PERMISSIONS, ...SERVER_PERMISSIONS];

/**
 * The rules of one scope. Permissions on one resource become one; what is allowed without a condition is not repeated
 * under one; resources with the same verbs share a rule.
 */
export function rulesOf(scope: PermissionScope, permissions: readonly Permission[] = PERMISSIONS): Rule[] {
  const byResource = new Map<string, Rule>();
  for (const { when, group, resource, verbs, names, why } of permissions.filter((each) => each.scope === scope)) {
    const key = JSON.stringify([when, group, resource, names]);
    const known = byResource.get(key);
    if (known) {
      known.verbs = [...new Set([...known.verbs, ...verbs])];
      known.whys.push(why);
    } else byResource.set(key, { scope, when, group, resources: [resource], verbs: [...verbs], names, whys: [why] });
  }
  const all = [...byResource.values()];
  const needed = all.flatMap((rule) => {
    if (rule.when === undefined) return [rule];
    const always = all.find(
      (other) => other.when === undefined && other.group === rule.group && other.resources[0] === rule.resources[0],
    );
    const verbs = rule.verbs.filter((verb) => !always?.verbs.includes(verb));
    return verbs.length > 0 ? [{ ...rule, verbs }] : [];
  });
  const merged = new Map<string, Rule>();
  for (const rule of needed) {
    const key = JSON.stringify([rule.when, rule.group, rule.names, [...rule.verbs].sort()]);
    const known = merged.get(key);
    if (known) {
      known.resources.push(...rule.resources);
      known.whys = [...new Set([...known.whys, ...rule.whys])];
    } else merged.set(key, { ...rule, resources: [...rule.resources] });
  }
  return [...merged.values()];
}

/** A rule as it stands in a role. */
export function policyRule({ group, resources, verbs, names }: Rule): Record<string, unknown> {
  return {
    apiGroups: [group],
    resources,
    ...(names ? { resourceNames: names } : {}),
    verbs,
  };
}
