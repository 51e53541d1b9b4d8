import type { AnyObject } from '../types.ts';

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

/** Leaves out fields that are undefined, so that a conversion there and back changes nothing. */
function present(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A core v1 Event as events.k8s.io/v1. */
export function newEvent(event: AnyObject): AnyObject {
  const { message, involvedObject, source, firstTimestamp, lastTimestamp, count, reportingComponent, ...rest } = event;
  return {
    ...rest,
    ...present({
      apiVersion: 'events.k8s.io/v1',
      note: message,
      regarding: involvedObject,
      deprecatedSource: source,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
      deprecatedCount: count,
      reportingController: reportingComponent,
    }),
  } as AnyObject;
}

/** An events.k8s.io/v1 Event as core v1, the form in which events are kept. */
export function coreEvent(event: AnyObject): AnyObject {
  if (event.apiVersion === 'v1') return event;
  const {
    note,
    regarding,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    reportingController,
    ...rest
  } = event;
  return {
    ...rest,
    ...present({
      apiVersion: 'v1',
      message: note,
      involvedObject: regarding,
      source: deprecatedSource,
      firstTimestamp: deprecatedFirstTimestamp,
      lastTimestamp: deprecatedLastTimestamp,
      count: deprecatedCount,
      reportingComponent: reportingController,
    }),
  } as AnyObject;
}

// Kubernetes keeps what v1 cannot say in this annotation of the v1 form.
const METRICS_ANNOTATION = 'autoscaling.alpha.kubernetes.io/metrics';
const BEHAVIOR_ANNOTATION = 'autoscaling.alpha.kubernetes.io/behavior';

function isCpuUtilization(metric: unknown): boolean {
  const { type, resource } = fieldsOf(metric);
  return (
    type === 'Resource' &&
    fieldsOf(resource).name === 'cpu' &&
    fieldsOf(fieldsOf(resource).target).type === 'Utilization'
  );
}

/** An autoscaling/v2 HorizontalPodAutoscaler as v1. */
export function toAutoscalingV1(hpa: AnyObject): AnyObject {
  const { metrics, behavior, ...spec } = fieldsOf(hpa.spec);
  const all = Array.isArray(metrics) ? metrics : [];
  const cpu = all.find(isCpuUtilization);
  const others = all.filter((metric) => metric !== cpu);
  const { currentMetrics: _metrics, conditions: _conditions, ...status } = fieldsOf(hpa.status);
  const annotations = present({
    ...hpa.metadata.annotations,
    [METRICS_ANNOTATION]: others.length > 0 ? JSON.stringify(others) : undefined,
    [BEHAVIOR_ANNOTATION]: behavior === undefined ? undefined : JSON.stringify(behavior),
  }) as Record<string, string>;
  return {
    ...hpa,
    apiVersion: 'autoscaling/v1',
    metadata: { ...hpa.metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: present({
      ...spec,
      targetCPUUtilizationPercentage: fieldsOf(fieldsOf(fieldsOf(cpu).resource).target).averageUtilization,
    }),
    ...(hpa.status === undefined ? {} : { status }),
  };
}

/** An autoscaling/v1 HorizontalPodAutoscaler as v2, the form in which they are kept. */
export function toAutoscalingV2(hpa: AnyObject): AnyObject {
  if (hpa.apiVersion === 'autoscaling/v2') return hpa;
  const { targetCPUUtilizationPercentage: percent, ...spec } = fieldsOf(hpa.spec);
  const {
    [METRICS_ANNOTATION]: metricsText,
    [BEHAVIOR_ANNOTATION]: behaviorText,
    ...annotations
  } = hpa.metadata.annotations ?? {};
  const metrics: unknown[] = parseOr(metricsText, []);
  if (percent !== undefined) {
    const target = { type: 'Utilization', averageUtilization: percent };
    metrics.push({ type: 'Resource', resource: { name: 'cpu', target } });
  }
  const { annotations: _old, ...metadata } = hpa.metadata;
  return {
    ...hpa,
    apiVersion: 'autoscaling/v2',
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: present({
      ...spec,
      metrics: metrics.length > 0 ? metrics : undefined,
      behavior: parseOr(behaviorText, undefined),
    }),
  };
}

/** The annotation is written by clients: what cannot be read is as if it were not there. */
function parseOr<T>(text: string | undefined, otherwise: T): T {
  if (text === undefined) return otherwise;
  try {
    return JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
}
