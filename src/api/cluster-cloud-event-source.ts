import type { KubeObject } from '../base/object.ts';
import { defineKind } from '../spec/object-kind.ts';
import {
  CLOUD_EVENT_COLUMNS,
  type CloudEventSourceSpec,
  type CloudEventSourceStatus,
  cloudEventSpec,
  cloudEventStatus,
} from './cloud-event-source.ts';
import { CLUSTER_CLOUD_EVENT_SOURCES } from './resources.ts';

export const clusterCloudEventSourceKind = defineKind({
  type: CLUSTER_CLOUD_EVENT_SOURCES,
  singular: 'clustercloudeventsource',
  shortNames: [],
  description: 'Sends what happens to scaled objects of all namespaces as CloudEvents.',
  columns: CLOUD_EVENT_COLUMNS,
  spec: cloudEventSpec,
  status: cloudEventStatus,
});

export interface ClusterCloudEventSource extends KubeObject {
  spec: CloudEventSourceSpec;
  status?: CloudEventSourceStatus;
}
