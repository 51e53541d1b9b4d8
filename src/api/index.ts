export type {
  AuthPodIdentity,
  AwsSecretManager,
  AzureKeyVault,
  GcpSecretManager,
  HashiCorpVault,
  OAuth2,
  TriggerAuthenticationSpec,
  TriggerAuthenticationStatus,
} from './authentication-spec.ts';
export type {
  CloudEventSource,
  CloudEventSourceSpec,
  CloudEventSourceStatus,
  CloudEventType,
} from './cloud-event-source.ts';
export type { ClusterCloudEventSource } from './cluster-cloud-event-source.ts';
export type { ClusterTriggerAuthentication } from './cluster-trigger-authentication.ts';
export type { Condition, ConditionType } from './conditions.ts';
export type { HpaBehavior, HpaScalingRules } from './hpa-behavior.ts';
export type { KindName, KindTypes } from './kinds.ts';
export type { Container, EnvFromSource, EnvVar, KeyRef, PodSpec, PodTemplate } from './pod.ts';
export type { JobSpec, ScaledJob, ScaledJobSpec, ScaledJobStatus, ScalingStrategy } from './scaled-job.ts';
export type {
  Fallback,
  ScaledObject,
  ScaledObjectSpec,
  ScaledObjectStatus,
  ScalingModifiers,
} from './scaled-object.ts';
export type { AuthenticationRef, Trigger } from './trigger.ts';
export type { TriggerAuthentication } from './trigger-authentication.ts';
