import type { ResourceType } from '../base/object.ts';

/**
 * Where a permission is needed:
 * - `watched`: in every namespace whose objects are scaled, which is all of them or those of WATCH_NAMESPACE;
 * - `own`: in the namespace that the operator runs in;
 * - `cluster`: on objects that are in no namespace, whatever is watched.
 */
export type PermissionScope = 'watched' | 'own' | 'cluster';

/** What has to be chosen at installation for a permission to be needed; each is a value of the Helm chart. */
export type PermissionCondition =
  /** Secrets are read in every watched namespace: the default. */
  | 'secrets-everywhere'
  /** Secrets are read in the operator's namespace although it is not watched, or only there. */
  | 'secrets-own'
  /** Any kind with a /scale subresource may be a target: the default. Without it, Deployments and StatefulSets only. */
  | 'any-target'
  /** Tokens of any service account may be asked for, for boundServiceAccountToken and Vault. */
  | 'tokens-everywhere'
  /** The operator makes its certificates itself: the default. */
  | 'own-certificates'
  /** The operator answers the external metrics API. */
  | 'metrics-api'
  /** The operator judges objects at admission. */
  | 'admission';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** One thing the operator does to the API server, and why. The roles that are installed are made of these. */
export interface Permission {
  scope: PermissionScope;
  group: string;
  /** Plural, with `/subresource`; or `*`. */
  resource: string;
  verbs: readonly Verb[];
  /** Only objects of these names. */
  names?: readonly string[] | undefined;
  when?: PermissionCondition | undefined;
  why: string;
}

/** How a list and a watch of many objects are read. */
export const FOLLOW: readonly Verb[] = ['list', 'watch'];
/** A watch of one object by its name: Kubernetes takes the name in the field selector for resourceNames, too. */
export const FOLLOW_ONE: readonly Verb[] = ['get', 'list', 'watch'];

export interface PermissionOptions {
  scope?: PermissionScope | undefined;
  subresource?: string | undefined;
  names?: readonly string[] | undefined;
  when?: PermissionCondition | undefined;
}

/** A permission on a type; its scope is `watched` for types in namespaces and `cluster` for the others, unless given. */
export function permission(
  type: ResourceType,
  verbs: readonly Verb[],
  why: string,
  options: PermissionOptions = {},
): Permission {
  const { scope = type.namespaced ? 'watched' : 'cluster', subresource, names, when } = options;
  const resource = subresource === undefined ? type.plural : `${type.plural}/${subresource}`;
  return { scope, group: type.group, resource, verbs, names, when, why };
}
