import { createHash } from 'node:crypto';
import {
  APP_MANAGED_BY,
  APP_NAME,
  APP_PART_OF,
  APP_VERSION,
  HPA_EXCLUDED_LABELS,
  MANAGER,
  PAUSED_SCALE_IN,
  PAUSED_SCALE_OUT,
  readBooleanAnnotation,
  SCALED_OBJECT_NAME,
} from '../api/annotations.ts';
import { COMPOSITE_METRIC, scaledObjectSettings } from '../api/defaults.ts';
import type { HpaBehavior, ScaledObject } from '../api/index.ts';
import { WindlassError } from '../base/errors.ts';
import type { OwnerReference } from '../base/object.ts';
import { formatInteger, formatMetricValue } from '../base/quantity.ts';
import type { MetricSpec, MetricType, ResourceMetric, ScalerDefinition } from '../scalers/definition.ts';
import { requireUniqueNames } from './metric-names.ts';
import { toMilli } from './milli.ts';
import { readModifiers } from './modifiers.ts';

type MetricTarget =
  | { type: 'AverageValue'; averageValue: string }
  | { type: 'Value'; value: string }
  | { type: 'Utilization'; averageUtilization: number };

/** A metric of an autoscaling/v2 HPA, of the types that we set. */
export type HpaMetric =
  | { type: 'ContainerResource'; containerResource: { name: string; container: string; target: MetricTarget } }
  | {
      type: 'External';
      external: { metric: { name: string; selector: { matchLabels: Record<string, string> } }; target: MetricTarget };
    }
  | { type: 'Resource'; resource: { name: string; target: MetricTarget } };

/** An autoscaling/v2 HPA as we apply it: every field here is ours. */
export interface HorizontalPodAutoscaler {
  apiVersion: 'autoscaling/v2';
  kind: 'HorizontalPodAutoscaler';
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    ownerReferences: OwnerReference[];
  };
  spec: {
    scaleTargetRef: { apiVersion: string; kind: string; name: string };
    minReplicas: number;
    maxReplicas: number;
    metrics: HpaMetric[];
    behavior?: HpaBehavior;
  };
}

/** A trigger's metrics under the names that the HPA asks for. */
export interface HpaTrigger {
  index: number;
  type: string;
  metricType: MetricType | undefined;
  definition: Pick<ScalerDefinition, 'metricTypes'>;
  metrics: readonly { name: string; spec: MetricSpec }[];
}

export interface HpaInput {
  object: ScaledObject;
  /** The target as resolved: with group, version and kind. */
  target: { apiVersion: string; kind: string; name: string };
  triggers: readonly HpaTrigger[];
  /** Names of external metrics that it is not to have for now; see leftOutMetrics. */
  leaveOut?: ReadonlySet<string> | undefined;
  /** The target rests at its idle replicas; see restsAboveZero. */
  rests?: boolean | undefined;
  /** Version of this build, for the label. */
  version: string;
}

export interface HpaPlan {
  hpa: HorizontalPodAutoscaler;
  /** For status.externalMetricNames: the triggers' metrics, also when a formula takes their place in the HPA. */
  externalMetricNames: string[];
  /** For status.resourceMetricNames. KEDA 2.21 leaves metrics of single containers out. */
  resourceMetricNames: string[];
  compositeScalerName: string | undefined;
}

/** kubectl keeps the manifest it applied here; on the HPA it would claim a manifest that the HPA never had. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** On an HPA: fingerprint of what was applied, so that removed labels and fields are noticed without memory of them. */
export const APPLIED = 'windlass.dev/applied';
const LONGEST_LABEL = 63;

/** How the HPA sets a trigger's external metric against its target. */
export function externalMetricType(trigger: Pick<HpaTrigger, 'metricType' | 'definition'>): 'AverageValue' | 'Value' {
  const rule = trigger.definition.metricTypes;
  if (rule && 'always' in rule) return rule.always;
  return trigger.metricType === 'Value' ? 'Value' : 'AverageValue';
}

/**
 * The HPA of a ScaledObject (KEDA 2.21: names, labels, selectors and order of metrics are those that KEDA gives).
 * @throws InvalidTrigger when two metrics have one name, or when the triggers give no metric at all; InvalidObject when
 * the formula cannot be used
 */
export function planHpa(input: HpaInput): HpaPlan {
  const { object, target, triggers, leaveOut, rests } = input;
  const { name, namespace = '' } = object.metadata;
  const settings = scaledObjectSettings(object);
  const composite = readModifiers(object);
  if (composite && 'problem' in composite.formula) throw new WindlassError('InvalidObject', composite.formula.problem);
  const external = triggers.flatMap((trigger) =>
    trigger.metrics.flatMap(({ name: metricName, spec }) =>
      spec.kind === 'external' ? [{ metricName, target: externalTarget(spec, externalMetricType(trigger)) }] : [],
    ),
  );
  const resources = triggers.flatMap(({ metrics }) =>
    metrics.flatMap(({ spec }) => (spec.kind === 'resource' ? [resourceMetric(spec)] : [])),
  );
  const externalMetricNames = external.map(({ metricName }) => metricName);
  requireUniqueNames(externalMetricNames);
  const asked = composite
    ? [
        {
          metricName: COMPOSITE_METRIC,
          target: targetOf(composite.metricType, formatMetricValue(toMilli(composite.target))),
        },
      ]
    : external.filter(({ metricName }) => !leaveOut?.has(metricName));
  const metrics = [
    ...asked.map(
      ({ metricName, target: metricTarget }): HpaMetric => ({
        type: 'External',
        external: {
          metric: { name: metricName, selector: { matchLabels: { [SCALED_OBJECT_NAME]: name } } },
          target: metricTarget,
        },
      }),
    ),
    ...resources,
  ].toSorted((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
  if (metrics.length === 0)
    throw new WindlassError('InvalidTrigger', 'the triggers give no metric to scale on', {
      hint: 'an external scaler has to answer GetMetricSpec with at least one metric',
    });
  const behavior = behaviorOf(object);
  const labels = labelsOf(object, settings.hpaName, input.version);
  const annotations = annotationsOf(object);
  const spec: HorizontalPodAutoscaler['spec'] = {
    scaleTargetRef: { apiVersion: target.apiVersion, kind: target.kind, name: target.name },
    minReplicas: rests ? Math.max(settings.idleReplicaCount ?? 0, 1) : settings.hpaMinReplicas,
    maxReplicas: settings.maxReplicaCount,
    metrics,
    ...(behavior ? { behavior } : {}),
  };
  return {
    hpa: {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: {
        name: settings.hpaName,
        namespace,
        labels,
        annotations: { ...annotations, [APPLIED]: fingerprint({ labels, annotations, spec }) },
        ownerReferences: [
          {
            apiVersion: object.apiVersion,
            kind: object.kind,
            name,
            uid: object.metadata.uid ?? '',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec,
    },
    externalMetricNames,
    resourceMetricNames: resources.flatMap((metric) => (metric.type === 'Resource' ? [metric.resource.name] : [])),
    compositeScalerName: composite ? COMPOSITE_METRIC : undefined,
  };
}

function externalTarget(spec: MetricSpec & { kind: 'external' }, type: 'AverageValue' | 'Value'): MetricTarget {
  const whole = spec.precision === 'int' && Number.isInteger(spec.target);
  return targetOf(type, whole ? formatInteger(spec.target) : formatMetricValue(spec.target));
}

function targetOf(type: 'AverageValue' | 'Value', quantity: string): MetricTarget {
  return type === 'Value' ? { type, value: quantity } : { type, averageValue: quantity };
}

function resourceMetric({ resource, containerName, target }: ResourceMetric): HpaMetric {
  const wanted: MetricTarget =
    target.type === 'Utilization'
      ? { type: 'Utilization', averageUtilization: target.percent }
      : { type: 'AverageValue', averageValue: target.quantity };
  return containerName
    ? { type: 'ContainerResource', containerResource: { name: resource, container: containerName, target: wanted } }
    : { type: 'Resource', resource: { name: resource, target: wanted } };
}

/** KEDA 2.21: the object's labels come last, so that they win over ours; some may be kept out. */
function labelsOf(object: ScaledObject, hpaName: string, version: string): Record<string, string> {
  const excluded = new Set((object.metadata.annotations?.[HPA_EXCLUDED_LABELS] ?? '').split(','));
  const own = Object.entries(object.metadata.labels ?? {}).filter(([key]) => !excluded.has(key));
  return {
    [APP_NAME]: hpaName.slice(0, LONGEST_LABEL).replace(/[^A-Za-z0-9]+$/, ''),
    [APP_VERSION]: version,
    [APP_PART_OF]: object.metadata.name,
    [APP_MANAGED_BY]: MANAGER,
    ...Object.fromEntries(own),
  };
}

function annotationsOf(object: ScaledObject): Record<string, string> {
  const { [LAST_APPLIED]: _kubectl, ...rest } = object.metadata.annotations ?? {};
  return rest;
}

/** The user's behavior; a paused direction is switched off in it. */
function behaviorOf(object: ScaledObject): HpaBehavior | undefined {
  const behavior = object.spec.advanced?.horizontalPodAutoscalerConfig?.behavior;
  const noIn = readBooleanAnnotation(object, PAUSED_SCALE_IN);
  const noOut = readBooleanAnnotation(object, PAUSED_SCALE_OUT);
  if (!noIn && !noOut) return behavior;
  return {
    ...behavior,
    ...(noOut ? { scaleUp: { ...behavior?.scaleUp, selectPolicy: 'Disabled' } } : {}),
    ...(noIn ? { scaleDown: { ...behavior?.scaleDown, selectPolicy: 'Disabled' } } : {}),
  };
}

function fingerprint(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
}

export { hpaNeedsUpdate } from './hpa-update.ts';
