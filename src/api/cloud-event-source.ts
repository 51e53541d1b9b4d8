import type { KubeObject } from '../base/object.ts';
import { listOf, object, oneOf, text, type ValueOf } from '../spec/object-fields.ts';
import { defineKind } from '../spec/object-kind.ts';
import { conditions } from './condition-field.ts';
import { CLOUD_EVENT_SOURCES } from './resources.ts';
import { authenticationRef } from './trigger.ts';

/** Types of CloudEvents about ScaledObjects and ScaledJobs. */
export const SCALING_EVENT_TYPES = [
  'keda.scaledobject.ready.v1',
  'keda.scaledobject.failed.v1',
  'keda.scaledobject.removed.v1',
  'keda.scaledobject.paused.v1',
  'keda.scaledobject.unpaused.v1',
  'keda.scaledjob.ready.v1',
  'keda.scaledjob.failed.v1',
  'keda.scaledjob.removed.v1',
  'keda.scaledjob.paused.v1',
  'keda.scaledjob.unpaused.v1',
  'keda.scaledjob.rolloutcleanup.started.v1',
  'keda.scaledjob.rolloutcleanup.completed.v1',
  'keda.scaledjob.rolloutcleanup.failed.v1',
] as const;

/** Types of CloudEvents about authentications. */
export const AUTHENTICATION_EVENT_TYPES = [
  'keda.authentication.triggerauthentication.created.v1',
  'keda.authentication.triggerauthentication.updated.v1',
  'keda.authentication.triggerauthentication.removed.v1',
  'keda.authentication.clustertriggerauthentication.created.v1',
  'keda.authentication.clustertriggerauthentication.updated.v1',
  'keda.authentication.clustertriggerauthentication.removed.v1',
] as const;

export const CLOUD_EVENT_TYPES = [...SCALING_EVENT_TYPES, ...AUTHENTICATION_EVENT_TYPES] as const;
export type CloudEventType = (typeof CLOUD_EVENT_TYPES)[number];

const eventTypes = (description: string) => listOf(description, oneOf('Type of an event.', CLOUD_EVENT_TYPES));

/** The spec of CloudEventSource and ClusterCloudEventSource alike. */
export const cloudEventSpec = object(
  'Which events to send, and where to.',
  {
    clusterName: text('Name of the cluster in the events.', { absent: "the operator's --k8s-cluster-name" }),
    destination: object(
      'Where to send events. http wins when both are given.',
      {
        http: object('A web server that takes CloudEvents.', { uri: text('Its URL.', { required: true }) }),
        azureEventGridTopic: object('A topic of Azure Event Grid.', {
          endpoint: text('Its URL.', { required: true }),
        }),
      },
      { required: true },
    ),
    authenticationRef,
    eventSubscription: object('Which events to send: all unless one of the lists is given.', {
      includedEventTypes: eventTypes('Send only these.'),
      excludedEventTypes: eventTypes('Send all but these.'),
    }),
  },
  { required: true },
);

/** The status of CloudEventSource and ClusterCloudEventSource alike. */
export const cloudEventStatus = object('What was found out; written by the operator.', { conditions });

export const CLOUD_EVENT_COLUMNS = [{ name: 'Active', path: '.status.conditions[?(@.type=="Active")].status' }];

export const cloudEventSourceKind = defineKind({
  type: CLOUD_EVENT_SOURCES,
  singular: 'cloudeventsource',
  shortNames: [],
  description: 'Sends what happens to scaled objects as CloudEvents.',
  columns: CLOUD_EVENT_COLUMNS,
  spec: cloudEventSpec,
  status: cloudEventStatus,
});

export type CloudEventSourceSpec = ValueOf<typeof cloudEventSpec>;
export type CloudEventSourceStatus = ValueOf<typeof cloudEventStatus>;

export interface CloudEventSource extends KubeObject {
  spec: CloudEventSourceSpec;
  status?: CloudEventSourceStatus;
}
