import { describeError } from '../../../base/errors.ts';
import { formatQuantity, parseQuantity, quantityOfMilli, quantityToMilli } from '../../../base/quantity.ts';
import type { LabelSelector, SelectorRequirement } from '../../../base/selector.ts';
import { formatSelector } from '../../../base/selector.ts';
import type { Container, Pod } from '../kinds.ts';
import type { PodUsage, PodUsageReader } from '../pod-usage.ts';
import { readyCondition } from '../pods.ts';
import { forAverageValue, forPods, forValue, type PodSample, type PodsProposal, type Tolerances } from './replicas.ts';
import type { MetricSpec, MetricTarget } from './types.ts';

/** Reads external metrics as the aggregated API gives them. */
export interface ExternalMetricsReader {
  /** The values of a metric; `labelSelector` as text, empty for none. Rejects when the API cannot be asked or refuses. */
  get(namespace: string, metric: string, labelSelector: string): Promise<{ metricName: string; value: string }[]>;
}

export interface MetricReaders {
  external: ExternalMetricsReader | undefined;
  podUsage: PodUsageReader | undefined;
}

/** What a metric is evaluated against. */
export interface ScaleState {
  namespace: string;
  specReplicas: number;
  statusReplicas: number;
  selector: SelectorRequirement[];
  pods: Pod[];
  tolerances: Tolerances;
  now: number;
}

export interface MetricResult {
  replicas: number;
  /** Of autoscaling/v2 status.currentMetrics. */
  status: object;
  /** The metric in words, for reasons and messages. */
  name: string;
}

/** A metric that cannot be evaluated: the reason of the condition ScalingActive, and the words of event and error. */
export class MetricFailure extends Error {
  override readonly name = 'MetricFailure';
  readonly reason: string;
  /** With what the caller was after in front. */
  readonly full: string;

  constructor(reason: string, message: string, prefix: string) {
    super(message);
    this.reason = reason;
    this.full = `${prefix}: ${message}`;
  }
}

const milli = (quantity: string | number) => Number(quantityToMilli(parseQuantity(String(quantity))));
const quantity = (milliValue: number) => formatQuantity(quantityOfMilli(BigInt(Math.ceil(milliValue))));

/** Evaluates one metric of an autoscaler. @throws MetricFailure */
export async function evaluate(spec: MetricSpec, scale: ScaleState, readers: MetricReaders): Promise<MetricResult> {
  if (spec.type === 'External' && spec.external) return evaluateExternal(spec.external, scale, readers.external);
  if (spec.type === 'Resource' && spec.resource) {
    const { name, target } = spec.resource;
    const { replicas, current, words } = evaluateResource('Resource', name, undefined, target, scale, readers.podUsage);
    return { replicas, status: { type: 'Resource', resource: { name, current } }, name: words };
  }
  if (spec.type === 'ContainerResource' && spec.containerResource) {
    const { name, container, target } = spec.containerResource;
    const { replicas, current, words } = evaluateResource(
      'ContainerResource',
      name,
      container,
      target,
      scale,
      readers.podUsage,
    );
    return {
      replicas,
      status: { type: 'ContainerResource', containerResource: { name, container, current } },
      name: words,
    };
  }
  const metric = spec.pods?.metric.name ?? spec.object?.metric.name;
  if (metric !== undefined) {
    const what = `${spec.type.toLowerCase()} metric value`;
    const why = `unable to get metric ${metric}: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered`;
    throw new MetricFailure(`FailedGet${spec.type}Metric`, why, `failed to get ${what}`);
  }
  const message = `unknown metric source type "${spec.type}"`;
  throw new MetricFailure('InvalidMetricSourceType', message, 'invalid metric');
}

async function evaluateExternal(
  { metric, target }: NonNullable<MetricSpec['external']>,
  scale: ScaleState,
  reader: ExternalMetricsReader | undefined,
): Promise<MetricResult> {
  const { name, selector } = metric;
  const fail = (why: string) =>
    new MetricFailure(
      'FailedGetExternalMetric',
      why,
      `failed to get ${name} external metric value: failed to get ${name} external metric`,
    );
  const isAverage = target.averageValue !== undefined;
  const wanted = target.averageValue ?? target.value;
  if (wanted === undefined)
    throw fail('invalid external metric source: neither a value target nor an average value target was set');
  const prefix = `unable to get external metric ${scale.namespace}/${name}/${goSelector(selector)}`;
  let values: { value: string }[];
  try {
    if (!reader) throw new Error('no external metrics API (external.metrics.k8s.io) registered');
    values = await reader.get(scale.namespace, name, selector ? formatSelector(selector) : '');
  } catch (error) {
    throw fail(`${prefix}: unable to fetch metrics from external metrics API: ${describeError(error)}`);
  }
  if (values.length === 0) throw fail(`${prefix}: no metrics returned from external metrics API`);
  let usage: number;
  try {
    usage = values.reduce((sum, { value }) => sum + milli(value), 0);
  } catch (error) {
    throw fail(`${prefix}: ${describeError(error)}`);
  }
  const words = `external metric ${name}(${goSelector(selector)})`;
  const identifier = { name, ...(selector ? { selector } : {}) };
  const statusOf = (current: object) => ({ type: 'External', external: { metric: identifier, current } });
  if (isAverage) {
    const proposal = forAverageValue(usage, milli(wanted), scale.statusReplicas, scale.tolerances);
    return { replicas: proposal.replicas, status: statusOf({ averageValue: quantity(proposal.usage) }), name: words };
  }
  try {
    const ready = scale.pods.filter((pod) => pod.status?.phase === 'Running' && readyCondition(pod)?.status === 'True');
    const pods = { total: scale.pods.length, ready: ready.length };
    const proposal = forValue(usage, milli(wanted), scale.specReplicas, pods, scale.tolerances);
    return { replicas: proposal.replicas, status: statusOf({ value: quantity(proposal.usage) }), name: words };
  } catch (error) {
    throw fail(describeError(error));
  }
}

function evaluateResource(
  type: 'Resource' | 'ContainerResource',
  name: string,
  container: string | undefined,
  target: MetricTarget,
  scale: ScaleState,
  reader: PodUsageReader | undefined,
): { replicas: number; current: object; words: string } {
  const utilization = target.averageValue === undefined;
  const goal = target.averageValue === undefined ? target.averageUtilization : milli(target.averageValue);
  const what = `failed to get ${container ?? name} ${container === undefined ? 'resource' : 'container'} metric value`;
  const fail = (why: string) => new MetricFailure(`FailedGet${type}Metric`, why, what);
  if (goal === undefined)
    throw fail(
      'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
    );
  try {
    const samples = sampleAll(scale, name, container, utilization, reader);
    const proposal: PodsProposal = forPods({
      pods: samples,
      specReplicas: scale.specReplicas,
      target: goal,
      utilization,
      isCpu: name === 'cpu',
      tolerances: scale.tolerances,
      now: scale.now,
    });
    const current = {
      ...(proposal.utilization === undefined ? {} : { averageUtilization: proposal.utilization }),
      averageValue: quantity(proposal.usage),
    };
    const part = container === undefined ? '' : 'container ';
    const words = utilization ? `${name} ${part}resource utilization (percentage of request)` : `${name} resource`;
    return { replicas: proposal.replicas, current, words };
  } catch (error) {
    throw fail(`failed to get ${name} ${utilization ? 'utilization' : 'usage'}: ${describeError(error)}`);
  }
}

function sampleAll(
  scale: ScaleState,
  resource: string,
  container: string | undefined,
  utilization: boolean,
  reader: PodUsageReader | undefined,
): PodSample[] {
  const prefix = `unable to get metrics for resource ${resource}`;
  if (!reader)
    throw new Error(`${prefix}: unable to fetch metrics from resource metrics API: no metrics.k8s.io registered`);
  const usages = new Map<string, PodUsage>();
  for (const usage of reader()) if (usage.namespace === scale.namespace) usages.set(usage.name, usage);
  const samples = scale.pods.map((pod) => sampleOf(pod, usages.get(pod.metadata.name), resource, container));
  if (samples.length > 0 && samples.every((sample) => sample.usage === undefined))
    throw new Error(`${prefix}: no metrics returned from resource metrics API`);
  if (utilization)
    for (const [i, pod] of scale.pods.entries()) {
      const sample = samples[i];
      if (sample) sample.request = requestOf(pod, resource, container);
    }
  return samples;
}

function sampleOf(pod: Pod, usage: PodUsage | undefined, resource: string, container: string | undefined): PodSample {
  const ready = readyCondition(pod);
  const time = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text));
  const containers = usage?.containers.filter((c) => container === undefined || c.name === container) ?? [];
  const value = containers.reduce(
    (sum, c) => sum + (resource === 'cpu' ? Math.ceil(c.cpuMilli) : c.memoryBytes * 1000),
    0,
  );
  const known = containers.length > 0 && (resource === 'cpu' || resource === 'memory');
  return {
    name: pod.metadata.name,
    phase: pod.status?.phase ?? 'Pending',
    deleting: pod.metadata.deletionTimestamp !== undefined,
    startTime: time(pod.status?.startTime),
    ready: ready && { status: ready.status !== 'False', since: time(ready.lastTransitionTime) ?? 0 },
    usage: known ? value : undefined,
    at: usage?.at ?? 0,
    windowMs: usage?.windowMs ?? 0,
    request: 0,
  };
}

/** Thousandths of what the pod's containers request. @throws Error naming a container without a request */
function requestOf(pod: Pod, resource: string, container: string | undefined): number {
  const sidecars = (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  const all: Container[] = [...pod.spec.containers, ...sidecars];
  const chosen = all.filter((c) => container === undefined || c.name === container);
  if (chosen.length === 0) throw new Error(`container ${container} not found in Pod ${pod.metadata.name}`);
  return chosen.reduce((sum, c) => {
    const given = c.resources?.requests?.[resource] ?? c.resources?.limits?.[resource];
    if (given === undefined)
      throw new Error(`missing request for ${resource} in container ${c.name} of Pod ${pod.metadata.name}`);
    return sum + milli(given);
  }, 0);
}

/** A label selector as Go prints it, which is how Kubernetes puts it into these messages. */
function goSelector(selector: LabelSelector | undefined): string {
  if (!selector) return 'nil';
  const labels = Object.entries(selector.matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`);
  const expressions = (selector.matchExpressions ?? []).map(
    (e) => `LabelSelectorRequirement{Key:${e.key},Operator:${e.operator},Values:[${(e.values ?? []).join(' ')}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}
