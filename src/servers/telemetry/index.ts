import type { ControllerMetrics, TriggerLabels } from '../../controllers/metrics.ts';
import { addProcessSeries } from './process.ts';
import { createRegistry } from './registry.ts';
import { createWorkSeries } from './work.ts';

export { createTelemetryServer, parseBindAddress, type TelemetryServer } from './server.ts';

export interface BuildInfo {
  version: string;
  gitCommit: string;
}

export interface Validation {
  /** KEDA 2.21 counts refused ScaledJobs among the errors, but no ScaledJob among the validations. */
  kind?: 'ScaledObject' | 'ScaledJob' | undefined;
  namespace: string;
  action: 'create' | 'update';
  /** Why it was refused, one reason each; empty when it was accepted. */
  reasons: readonly string[];
}

/** Everything that is counted; names and labels of the series are KEDA's, so its dashboards and alerts go on working. */
export interface Telemetry {
  controllers: ControllerMetrics;
  validation(validation: Validation): void;
  /** The series as text, one piece per family. */
  render(): IterableIterator<string>;
}

export interface TelemetryOptions {
  build: BuildInfo;
  /** --enable-high-cardinality-metrics-labels */
  highCardinality?: boolean;
}

/** Values of the label `type` of keda_resource_registered_total. */
const RESOURCE_TYPES: Record<string, string> = {
  ScaledObject: 'scaled_object',
  ScaledJob: 'scaled_job',
  TriggerAuthentication: 'trigger_authentication',
  ClusterTriggerAuthentication: 'cluster_trigger_authentication',
  CloudEventSource: 'cloudevent_source',
  ClusterCloudEventSource: 'cloudevent_source',
};

export function createTelemetry({ build, highCardinality = false }: TelemetryOptions): Telemetry {
  const registry = createRegistry();
  addProcessSeries(registry);

  registry.gauge('keda_build_info', 'What this program was built from; always 1.').set(
    {
      version: build.version,
      git_commit: build.gitCommit,
      // KEDA's label for the version of its runtime; ours is Node.js.
      goversion: process.version,
      goos: process.platform,
      goarch: process.arch === 'x64' ? 'amd64' : process.arch,
    },
    1,
  );
  const triggers = createTriggerSeries(registry);
  const objects = createObjectSeries(registry);
  const work = createWorkSeries(registry, highCardinality);
  const validations = registry.counter('keda_webhook_scaled_object_validations_total', 'ScaledObjects judged.');
  const refusals = registry.counter('keda_webhook_scaled_object_validation_errors_total', 'ScaledObjects refused.');

  return {
    controllers: {
      ...triggers,
      ...objects,
      ...work,
      unregistered(object) {
        objects.unregistered(object);
        work.forget(object);
      },
    },
    validation({ kind, namespace, action, reasons }) {
      if (kind !== 'ScaledJob') validations.add({ namespace, action });
      for (const reason of reasons) refusals.add({ namespace, action, reason });
    },
    render: () => registry.render(),
  };
}

type TriggerSeries = Pick<ControllerMetrics, 'triggerRead' | 'forgetTriggers'>;
type ObjectSeries = Omit<ControllerMetrics, keyof TriggerSeries | 'scaleLoop' | 'scalerRequest' | 'emptyResponse'>;

/** The four series per metric of a trigger. An object's own label sets are kept, so that forgetting it costs no search. */
function createTriggerSeries(registry: ReturnType<typeof createRegistry>): TriggerSeries {
  const active = registry.gauge('keda_scaler_active', 'Whether the trigger is active (1) or not (0).');
  const value = registry.gauge('keda_scaler_metrics_value', 'Last value of the trigger.');
  const latency = registry.gauge('keda_scaler_metrics_latency_seconds', 'How long the last successful read took.');
  const errors = registry.counter('keda_scaler_detail_errors_total', 'Reads of the trigger that failed.');
  const known = new Map<string, Map<string, Record<string, string>>>();
  const ownerOf = (kind: string, namespace: string, object: string) => `${kind}/${namespace}/${object}`;
  const keyOf = ({ scaler, triggerIndex, metric }: TriggerLabels) => JSON.stringify([scaler, triggerIndex, metric]);

  const labelsFor = (trigger: TriggerLabels): Record<string, string> => {
    const owner = ownerOf(trigger.kind, trigger.namespace, trigger.object);
    let own = known.get(owner);
    if (!own) {
      own = new Map();
      known.set(owner, own);
    }
    let labels = own.get(keyOf(trigger));
    if (!labels) {
      labels = {
        namespace: trigger.namespace,
        metric: trigger.metric,
        // KEDA 2.21 has the label under this name for ScaledJobs too; `type` tells them apart.
        scaledObject: trigger.object,
        scaler: trigger.scaler,
        triggerIndex: String(trigger.triggerIndex),
        type: trigger.kind.toLowerCase(),
      };
      own.set(keyOf(trigger), labels);
      errors.add(labels, 0);
    }
    return labels;
  };

  return {
    triggerRead(trigger, reading) {
      const labels = labelsFor(trigger);
      if (reading.active !== undefined) active.set(labels, reading.active ? 1 : 0);
      if (reading.failed) {
        errors.add(labels);
        return;
      }
      if (reading.value !== undefined) value.set(labels, reading.value);
      if (reading.tookMs !== undefined) latency.set(labels, reading.tookMs / 1000);
    },
    forgetTriggers(kind, namespace, object, keep) {
      const owner = ownerOf(kind, namespace, object);
      const own = known.get(owner);
      if (!own) return;
      const kept = new Set(keep.map(keyOf));
      for (const [key, labels] of own) {
        if (kept.has(key)) continue;
        for (const series of [active, value, latency, errors]) series.remove(labels);
        own.delete(key);
      }
      if (own.size === 0) known.delete(owner);
    },
  };
}

function createObjectSeries(registry: ReturnType<typeof createRegistry>): ObjectSeries {
  const objectErrors = registry.counter('keda_scaled_object_errors_total', 'Failures of a ScaledObject.');
  const jobErrors = registry.counter('keda_scaled_job_errors_total', 'Failures of a ScaledJob.');
  const paused = registry.gauge('keda_scaled_object_paused', 'Whether the ScaledObject is paused (1) or not (0).');
  const triggersByType = registry.gauge('keda_trigger_registered_total', 'Triggers by type.');
  const resources = registry.gauge('keda_resource_registered_total', 'Objects by kind and namespace.');
  const registered = new Map<string, readonly string[]>();

  const errorSeries = (kind: TriggerLabels['kind'], namespace: string, object: string) =>
    kind === 'ScaledJob'
      ? { series: jobErrors, labels: { namespace, scaledJob: object } }
      : { series: objectErrors, labels: { namespace, scaledObject: object } };
  const keyOf = (object: { kind: string; namespace: string; name: string }) =>
    `${object.kind}/${object.namespace}/${object.name}`;
  const resourceLabels = ({ kind, namespace }: { kind: string; namespace: string }) => ({
    type: RESOURCE_TYPES[kind] ?? kind.toLowerCase(),
    // KEDA 2.21: objects without a namespace are counted under this one.
    namespace: namespace || 'default',
  });
  const count = (types: readonly string[], by: 1 | -1) => {
    for (const type of types) triggersByType.add({ type }, by);
  };
  const isScaled = (kind: string): kind is TriggerLabels['kind'] => kind === 'ScaledObject' || kind === 'ScaledJob';

  return {
    objectError(kind, namespace, object) {
      const { series, labels } = errorSeries(kind, namespace, object);
      series.add(labels);
    },
    paused(kind, namespace, object, isPaused) {
      if (kind === 'ScaledObject') paused.set({ namespace, scaledObject: object }, isPaused ? 1 : 0);
    },
    registered(object, triggerTypes) {
      const key = keyOf(object);
      const before = registered.get(key);
      if (before) count(before, -1);
      else {
        resources.add(resourceLabels(object), 1);
        if (isScaled(object.kind)) {
          const { series, labels } = errorSeries(object.kind, object.namespace, object.name);
          series.add(labels, 0);
        }
      }
      registered.set(key, triggerTypes);
      count(triggerTypes, 1);
    },
    unregistered(object) {
      const key = keyOf(object);
      const before = registered.get(key);
      if (!before) return;
      registered.delete(key);
      count(before, -1);
      resources.add(resourceLabels(object), -1);
      if (!isScaled(object.kind)) return;
      const { series, labels } = errorSeries(object.kind, object.namespace, object.name);
      series.remove(labels);
      // KEDA 2.21 never drops this one, so that an alert on a paused object outlives the object.
      paused.remove({ namespace: object.namespace, scaledObject: object.name });
    },
  };
}
