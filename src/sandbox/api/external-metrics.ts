import type { ExternalMetricsReader } from '../controllers/index.ts';
import type { Aggregation } from './aggregation.ts';
import type { Caller } from './machinery.ts';

const GROUP = 'external.metrics.k8s.io';
const VERSION = 'v1beta1';
/** Kubernetes' autoscaler gives a metrics API as long as any other request; a round should not take longer. */
const TIMEOUT = 10_000;

/** The autoscaler asks under its own name, which the other side may check. */
const AUTOSCALER: Caller = {
  name: 'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
};

/** External metrics as the server behind the APIService of external.metrics.k8s.io answers them. */
export function externalMetrics(aggregation: Aggregation): ExternalMetricsReader {
  return {
    async get(namespace, metric, labelSelector) {
      const query = labelSelector === '' ? '' : `?labelSelector=${encodeURIComponent(labelSelector)}`;
      const path = `/apis/${GROUP}/${VERSION}/namespaces/${encodeURIComponent(namespace)}/${encodeURIComponent(metric)}${query}`;
      const list = await aggregation.fetch(path, GROUP, VERSION, AUTOSCALER, AbortSignal.timeout(TIMEOUT));
      const { items = [] } = list as { items?: { metricName: string; value: string }[] };
      return items.map(({ metricName, value }) => ({ metricName, value }));
    },
  };
}
