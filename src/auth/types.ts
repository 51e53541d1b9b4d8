import type { TriggerAuthenticationSpec } from '../api/authentication-spec.ts';
import type { Container } from '../api/pod.ts';

/** Where an object lives. */
export interface ObjectRef {
  kind: string;
  /** Empty for cluster-scoped kinds. */
  namespace: string;
  name: string;
}

export interface PodIdentityRecord {
  provider: 'none' | 'azure-workload' | 'gcp' | 'aws' | 'aws-eks';
  identityId?: string;
  identityTenantId?: string;
  identityAuthorityHost?: string;
  identityOwner?: 'keda' | 'workload';
  roleArn?: string;
  externalID?: string;
}

export type { TriggerAuthenticationSpec };

/** The parts of a container that its environment depends on. */
export type ContainerEnv = Pick<Container, 'name' | 'env' | 'envFrom'>;

/** A pod template's spec, or a ScaledJob's. */
export interface PodTemplate {
  serviceAccountName?: string | undefined;
  containers: readonly ContainerEnv[];
}

/**
 * How objects are read; each answers undefined when there is no such object and throws when it cannot be known
 * (API server away, access refused). Values of Secrets are decoded already.
 */
export interface AuthReaders {
  triggerAuthentication(namespace: string, name: string): Promise<TriggerAuthenticationSpec | undefined>;
  clusterTriggerAuthentication(name: string): Promise<TriggerAuthenticationSpec | undefined>;
  secret(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  configMap(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Annotations of a service account. */
  serviceAccount(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** A token of that service account (TokenRequest), shared and renewed ahead of its expiry by the reader. */
  serviceAccountToken(namespace: string, name: string): Promise<string | undefined>;
  /** The text of a file under the root for file authentication; undefined when the operator has no such root. */
  file?: ((relativePath: string) => Promise<string>) | undefined;
}

export interface AuthSettings {
  /** Namespace for what a ClusterTriggerAuthentication refers to (KEDA_CLUSTER_OBJECT_NAMESPACE or our own). */
  clusterObjectNamespace: string;
  /** KEDA_RESTRICT_SECRET_ACCESS: Secrets are read in clusterObjectNamespace only. */
  restrictSecretAccess: boolean;
}

/** One thing that did not resolve. A warning leaves the parameter empty, as KEDA does; an error ends the trigger. */
export interface AuthProblem {
  severity: 'warning' | 'error';
  /** Parameter of the trigger it concerns, if one. */
  parameter: string | undefined;
  /** What is missing, on which object and key, and what to do. Never holds a value. */
  message: string;
}

export interface ResolveRequest {
  /** Only what a trigger's metadata and authentication name is read of the target's environment. */
  trigger: {
    metadata?: Readonly<Record<string, string>> | undefined;
    authenticationRef?: { name: string; kind?: string | undefined } | undefined;
  };
  object: { kind: 'ScaledObject' | 'ScaledJob'; namespace: string; name: string };
  /** The target's pod template; undefined for targets without one (custom resources). */
  podTemplate: PodTemplate | undefined;
  /** spec.scaleTargetRef.envSourceContainerName. */
  envSourceContainerName?: string | undefined;
  readers: AuthReaders;
  settings: AuthSettings;
}

export interface ResolvedAuth {
  /** Authentication parameters of the trigger. */
  params: Record<string, string>;
  podIdentity: PodIdentityRecord;
  /** Environment of the target container, for `…FromEnv` fields. */
  env: Record<string, string>;
  /** A digest of params and podIdentity: equal credentials have equal identities. Not reversible. */
  identity: string;
  problems: AuthProblem[];
  /** Everything that was read, missing objects included; a change of one of them asks for a new resolution. */
  dependencies: ObjectRef[];
}
