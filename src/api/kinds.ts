import type { ObjectKind } from '../spec/object-kind.ts';
import { type CloudEventSource, cloudEventSourceKind } from './cloud-event-source.ts';
import { type ClusterCloudEventSource, clusterCloudEventSourceKind } from './cluster-cloud-event-source.ts';
import {
  type ClusterTriggerAuthentication,
  clusterTriggerAuthenticationKind,
} from './cluster-trigger-authentication.ts';
import { type ScaledJob, scaledJobKind } from './scaled-job.ts';
import { type ScaledObject, scaledObjectKind } from './scaled-object.ts';
import { type TriggerAuthentication, triggerAuthenticationKind } from './trigger-authentication.ts';

/** The types of our kinds, by name. */
export interface KindTypes {
  ScaledObject: ScaledObject;
  ScaledJob: ScaledJob;
  TriggerAuthentication: TriggerAuthentication;
  ClusterTriggerAuthentication: ClusterTriggerAuthentication;
  CloudEventSource: CloudEventSource;
  ClusterCloudEventSource: ClusterCloudEventSource;
}

export type KindName = keyof KindTypes;

/** Our kinds, in the order of the reference. */
export const KINDS: Readonly<Record<KindName, ObjectKind>> = {
  ScaledObject: scaledObjectKind,
  ScaledJob: scaledJobKind,
  TriggerAuthentication: triggerAuthenticationKind,
  ClusterTriggerAuthentication: clusterTriggerAuthenticationKind,
  CloudEventSource: cloudEventSourceKind,
  ClusterCloudEventSource: clusterCloudEventSourceKind,
};

/** Whether a manifest's apiVersion and kind name one of our kinds. */
export function kindNamed(apiVersion: unknown, kind: unknown): KindName | undefined {
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) return undefined;
  const { group, version } = KINDS[kind as KindName].type;
  return apiVersion === `${group}/${version}` ? (kind as KindName) : undefined;
}
