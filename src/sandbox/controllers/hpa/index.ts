import { isDeepStrictEqual } from 'node:util';
import { describeError } from '../../../base/errors.ts';
import { keyOf, parseApiVersion, type ResourceType } from '../../../base/object.ts';
import { parseQuantity, quantityToNumber } from '../../../base/quantity.ts';
import { parseSelector } from '../../../base/selector.ts';
import type { AnyObject, Running } from '../../types.ts';
import type { ControllerContext } from '../context.ts';
import { setCondition, timestamp, writeStatus } from '../context.ts';
import type { Condition, Pod } from '../kinds.ts';
import { HORIZONTAL_POD_AUTOSCALERS, namespaceOf, PODS } from '../kinds.ts';
import { createQueue, splitKey } from '../queue.ts';
import { completeRules, limitByDefault, limitByRules, type Memory, recordScale } from './behavior.ts';
import { evaluate, MetricFailure, type MetricReaders, type ScaleState } from './metrics.ts';
import { DEFAULT_TOLERANCE, type Tolerances } from './replicas.ts';
import type { HorizontalPodAutoscaler, HpaStatus, ScalingRules } from './types.ts';

export interface HpaOptions {
  readers: MetricReaders;
  /** Milliseconds between rounds; Kubernetes: --horizontal-pod-autoscaler-sync-period, 15 s. */
  syncPeriodMs?: number | undefined;
}

interface Scale {
  type: ResourceType;
  specReplicas: number;
  statusReplicas: number;
  selector: string;
}

/** One round over one autoscaler, built up step by step. */
interface Round {
  hpa: HorizontalPodAutoscaler;
  conditions: Condition[];
  metrics: object[];
}

/** Scales workloads by their HorizontalPodAutoscaler, every 15 s and when one is made or changed. */
export function startHpaController(context: ControllerContext, options: HpaOptions): Running {
  const { api, clock, log, events } = context;
  const period = options.syncPeriodMs ?? 15_000;
  const memories = new Map<string, Memory>();

  const queue = createQueue({
    name: 'horizontalpodautoscaler',
    clock,
    log,
    workers: 5,
    async reconcile(key) {
      const [namespace, name] = splitKey(key);
      const hpa = api.get<HorizontalPodAutoscaler>(HORIZONTAL_POD_AUTOSCALERS, name, namespace);
      if (!hpa) return void memories.delete(key);
      try {
        await sync(hpa, key);
      } catch (error) {
        // What went wrong is in conditions and events; Kubernetes too tries again at its period, not sooner.
        log.debug('autoscaler round failed', { key, error });
      }
      return { after: period };
    },
  });

  const sync = async (hpa: HorizontalPodAutoscaler, key: string) => {
    const round: Round = { hpa, conditions: hpa.status?.conditions ?? [], metrics: [] };
    const set = (type: string, status: Condition['status'], reason: string, message: string) => {
      round.conditions = setCondition(round.conditions, { type, status, reason, message }, clock.now());
    };
    let scale: Scale;
    try {
      scale = await readScale(hpa);
    } catch (error) {
      events.record(hpa, 'Warning', 'FailedGetScale', describeError(error));
      const why = `the HPA controller was unable to get the target's current scale: ${describeError(error)}`;
      set('AbleToScale', 'False', 'FailedGetScale', why);
      await save(round, hpa.status ?? {});
      throw error;
    }
    set('AbleToScale', 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
    const current = scale.specReplicas;
    const memory = memories.get(key) ?? {
      recommendations: [{ at: clock.monotonic(), replicas: current }],
      ups: [],
      downs: [],
    };
    memories.set(key, memory);
    const { minReplicas: min = 1, maxReplicas: max, behavior } = hpa.spec;
    const rules = completeRules(behavior);

    let desired = current;
    let why = '';
    if (current === 0 && min !== 0) {
      set(
        'ScalingActive',
        'False',
        'ScalingDisabled',
        'scaling is disabled since the replica count of the target is zero',
      );
    } else if (current > max) {
      desired = max;
      why = 'Current number of replicas above Spec.MaxReplicas';
    } else if (current < min) {
      desired = min;
      why = 'Current number of replicas below Spec.MinReplicas';
    } else {
      const wanted = await compute(round, scale, set).catch(async (error: unknown) => {
        await save(round, {
          ...hpa.status,
          currentReplicas: current,
          desiredReplicas: hpa.status?.desiredReplicas ?? 0,
        });
        events.record(hpa, 'Warning', 'FailedComputeMetricsReplicas', describeError(error));
        throw error;
      });
      if (wanted.replicas > current) why = `${wanted.name} above target`;
      if (wanted.replicas < current) why = 'All metrics below target';
      const bounds = { current, desired: wanted.replicas, min, max };
      const limited = behavior
        ? limitByRules(bounds, rules, memory, clock.monotonic())
        : limitByDefault(bounds, memory, clock.monotonic());
      const { reason, message } = limited.stabilized ?? {
        reason: 'ReadyForNewScale',
        message: 'recommended size matches current size',
      };
      set('AbleToScale', 'True', reason, message);
      const { status, reason: limit, message: limitMessage } = limited.limited;
      set('ScalingLimited', status ? 'True' : 'False', limit, limitMessage);
      desired = limited.replicas;
    }

    const rescale = desired !== current;
    if (rescale) {
      try {
        await api.patch(
          scale.type,
          hpa.spec.scaleTargetRef.name,
          namespaceOf(hpa),
          { type: 'merge', patch: { spec: { replicas: desired } } },
          'scale',
        );
      } catch (error) {
        const failure = `New size: ${desired}; reason: ${why}; error: ${describeError(error)}`;
        events.record(hpa, 'Warning', 'FailedRescale', failure);
        const unable = `the HPA controller was unable to update the target scale: ${describeError(error)}`;
        set('AbleToScale', 'False', 'FailedUpdateScale', unable);
        await save(round, { ...hpa.status, currentReplicas: current });
        throw error;
      }
      const done = `the HPA controller was able to update the target scale to ${desired}`;
      set('AbleToScale', 'True', 'SucceededRescale', done);
      events.record(hpa, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${why}`);
      if (behavior) recordScale(memory, rules, current, desired, clock.monotonic());
    }
    await save(round, {
      ...hpa.status,
      currentReplicas: current,
      desiredReplicas: desired,
      ...(rescale ? { lastScaleTime: timestamp(clock.now()) } : {}),
    });
  };

  /** The highest of what the metrics ask for. @throws Error when none can be evaluated, or not all and the rest would scale down */
  const compute = async (
    round: Round,
    scale: Scale,
    set: (type: string, status: Condition['status'], reason: string, message: string) => void,
  ): Promise<{ replicas: number; name: string }> => {
    const { hpa } = round;
    const namespace = namespaceOf(hpa);
    if (scale.selector === '') {
      events.record(hpa, 'Warning', 'SelectorRequired', 'selector is required');
      set('ScalingActive', 'False', 'InvalidSelector', "the HPA target's scale is missing a selector");
      throw new Error('selector is required');
    }
    const selector = parseSelector(scale.selector);
    const state: ScaleState = {
      namespace,
      specReplicas: scale.specReplicas,
      statusReplicas: scale.statusReplicas,
      selector,
      pods: api.list<Pod>(PODS, { namespace, labels: selector }),
      tolerances: tolerancesOf(hpa),
      now: clock.now(),
    };
    const specs = hpa.spec.metrics ?? [];
    const failures: MetricFailure[] = [];
    let best: { replicas: number; name: string } | undefined;
    for (const spec of specs) {
      try {
        const result = await evaluate(spec, state, options.readers);
        round.metrics.push(result.status);
        if (!best || result.replicas > best.replicas) best = result;
      } catch (error) {
        if (!(error instanceof MetricFailure)) throw error;
        events.record(hpa, 'Warning', error.reason, error.message);
        failures.push(error);
      }
    }
    const [first] = failures;
    if (first && (!best || best.replicas < scale.specReplicas)) {
      const message = `the HPA was unable to compute the replica count: ${first.message}`;
      set('ScalingActive', 'False', first.reason, message);
      const count = `${failures.length} invalid out of ${specs.length}`;
      throw new Error(`invalid metrics (${count}), first error is: ${first.full}`);
    }
    if (!best) throw new Error('no metrics to scale by');
    const found = `the HPA was able to successfully calculate a replica count from ${best.name}`;
    set('ScalingActive', 'True', 'ValidMetricFound', found);
    return best;
  };

  const readScale = async ({ spec, metadata }: HorizontalPodAutoscaler): Promise<Scale> => {
    const { apiVersion = 'apps/v1', kind, name } = spec.scaleTargetRef;
    const type = api.resolve(apiVersion, kind);
    if (!type) throw new Error(`no matches for kind "${kind}" in group "${parseApiVersion(apiVersion).group}"`);
    // A patch without content is how this API reads a subresource: nothing is written.
    const nothing = { type: 'merge' as const, patch: {} };
    const scale = await api.patch<AnyObject>(type, name, metadata.namespace, nothing, 'scale');
    const wanted = scale.spec as { replicas?: number } | undefined;
    const seen = scale.status as { replicas?: number; selector?: string } | undefined;
    return {
      type,
      specReplicas: wanted?.replicas ?? 0,
      statusReplicas: seen?.replicas ?? 0,
      selector: seen?.selector ?? '',
    };
  };

  const save = async ({ hpa, conditions, metrics }: Round, status: HpaStatus) => {
    const current = api.get<HorizontalPodAutoscaler>(
      HORIZONTAL_POD_AUTOSCALERS,
      hpa.metadata.name,
      hpa.metadata.namespace,
    );
    if (!current || current.metadata.uid !== hpa.metadata.uid) return;
    const { currentMetrics: _old, ...rest } = status;
    const next: HpaStatus = {
      currentReplicas: 0,
      desiredReplicas: 0,
      ...rest,
      conditions,
      ...(metrics.length > 0 ? { currentMetrics: metrics } : {}),
    };
    await writeStatus(api, HORIZONTAL_POD_AUTOSCALERS, current, next);
  };

  const stop = api.watch<HorizontalPodAutoscaler>(HORIZONTAL_POD_AUTOSCALERS, ({ object, previous }) => {
    // Its own status must not wake it.
    if (!previous || !isDeepStrictEqual(previous.spec, object.spec)) queue.add(keyOf(object));
  });
  for (const hpa of api.list<HorizontalPodAutoscaler>(HORIZONTAL_POD_AUTOSCALERS)) queue.add(keyOf(hpa));

  return {
    async stop() {
      stop();
      await queue.stop();
    },
  };
}

function tolerancesOf({ spec }: HorizontalPodAutoscaler): Tolerances {
  const read = (rules: ScalingRules | undefined) =>
    rules?.tolerance === undefined ? DEFAULT_TOLERANCE : quantityToNumber(parseQuantity(String(rules.tolerance)));
  return { up: read(spec.behavior?.scaleUp), down: read(spec.behavior?.scaleDown) };
}
