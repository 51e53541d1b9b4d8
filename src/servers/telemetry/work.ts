import type { ControllerMetrics } from '../../controllers/metrics.ts';
import type { Labels, Registry } from './registry.ts';

const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface WorkSeries extends Pick<ControllerMetrics, 'scaleLoop' | 'scalerRequest' | 'emptyResponse'> {
  /** Drops the series of an object that is gone. */
  forget(object: { kind: string; namespace: string; name: string }): void;
}

/** What the scale loops do: how late they are, and what their queries cost. */
export function createWorkSeries(registry: Registry, highCardinality: boolean): WorkSeries {
  const loopLatency = registry.gauge('keda_internal_scale_loop_latency_seconds', 'How late the last scale loop ran.');
  const requests = registry.counter('keda_scaler_http_requests_total', 'HTTP requests made to measure something.');
  const requestSeconds = registry.histogram(
    'keda_scaler_http_request_duration_seconds',
    'How long those requests took.',
    REQUEST_BUCKETS,
  );
  const empty = registry.counter(
    'keda_scaler_empty_upstream_responses_total',
    'Queries of a Prometheus trigger that gave nothing.',
  );
  /** How to drop each series of an object, by its label set. */
  const drops = new Map<string, Map<string, () => void>>();
  const keyOf = (kind: string, namespace: string, name: string) => `${kind}/${namespace}/${name}`;
  const remember = (owner: string, series: { remove(labels: Labels): void }, name: string, labels: Labels) => {
    let own = drops.get(owner);
    if (!own) {
      own = new Map();
      drops.set(owner, own);
    }
    const key = name + JSON.stringify(labels);
    if (!own.has(key)) own.set(key, () => series.remove(labels));
  };

  return {
    scaleLoop({ namespace, kind, name, lateMs }) {
      const labels = { namespace, type: kind.toLowerCase(), resource: name };
      loopLatency.set(labels, lateMs / 1000);
      remember(keyOf(kind, namespace, name), loopLatency, 'loop', labels);
    },
    scalerRequest({ namespace, kind, object, scaler, triggerName, metric, statusCode, tookMs }) {
      const status_code = statusCode === undefined ? 'error' : String(statusCode);
      const labels = {
        namespace,
        scaled_resource: object,
        scaler,
        trigger_name: triggerName,
        metric_name: metric,
        status_code,
      };
      const owner = keyOf(kind, namespace, object);
      requests.add(labels);
      remember(owner, requests, 'requests', labels);
      requestSeconds.observe(highCardinality ? labels : { scaler, status_code }, tookMs / 1000);
      if (highCardinality) remember(owner, requestSeconds, 'seconds', labels);
    },
    emptyResponse({ namespace, object, kind, triggerName, metric, ignoreNullValues }) {
      const labels = {
        namespace,
        scaledResource: object,
        triggerName,
        metricName: metric,
        resourceType: kind.toLowerCase(),
        ignoreNullValues: String(ignoreNullValues),
      };
      empty.add(labels);
      remember(keyOf(kind, namespace, object), empty, 'empty', labels);
    },
    forget({ kind, namespace, name }) {
      const owner = keyOf(kind, namespace, name);
      for (const drop of drops.get(owner)?.values() ?? []) drop();
      drops.delete(owner);
    },
  };
}
