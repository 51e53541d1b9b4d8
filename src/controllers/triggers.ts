import type { Trigger } from '../api/index.ts';
import { resolveTriggerAuthentication } from '../auth/resolve.ts';
import type { AuthReaders, AuthSettings, ObjectRef, PodTemplate, ResolvedAuth } from '../auth/types.ts';
import type { Clock } from '../base/clock.ts';
import { describeError, WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { externalMetricName } from '../decision/metric-names.ts';
import type { Query, Sampling, Subscription } from '../sampling/types.ts';
import type {
  ClusterReader,
  HttpSettings,
  MetricSpec,
  MetricType,
  ScalerDefinition,
  TriggerContext,
} from '../scalers/definition.ts';
import { parseTrigger } from '../scalers/parse.ts';
import { findDefinition, unknownTypeMessage } from '../scalers/registry.ts';
import { queryIdentity } from '../spec/identity.ts';
import type { ConfigOf, Fields } from '../spec/trigger-fields.ts';
import type { ControllerMetrics } from './metrics.ts';

/** A metric of a trigger under the name that the HPA asks for (`s0-…`); resource metrics have no such name. */
export interface TriggerMetric {
  name: string;
  spec: MetricSpec;
}

/** A trigger that parsed: what it asks, and what the answers are judged by. */
export interface PlannedTrigger {
  index: number;
  type: string;
  name: string | undefined;
  definition: ScalerDefinition;
  metricType: MetricType | undefined;
  useCachedMetrics: boolean;
  onError: Trigger['onError'];
  metrics: TriggerMetric[];
  /** Absent for triggers that Kubernetes measures itself (cpu, memory). */
  query: Query | undefined;
}

export interface TriggerPlan {
  triggers: PlannedTrigger[];
  /** Objects that were read on the way; when one of them changes, the plan has to be made anew. */
  dependencies: ObjectRef[];
  /** Worth telling the user although the triggers work. */
  warnings: string[];
}

export interface PlanRequest {
  kind: 'ScaledObject' | 'ScaledJob';
  namespace: string;
  name: string;
  triggers: readonly Trigger[];
  /** A formula takes the triggers' values: zero targets are allowed. */
  asMetricSource: boolean;
  podTemplate: PodTemplate | undefined;
  envSourceContainerName: string | undefined;
}

export interface PlanDeps {
  readers: AuthReaders;
  settings: AuthSettings;
  clock: Clock;
  log: Logger;
  http: HttpSettings;
  cluster: ClusterReader;
  env: Readonly<Record<string, string | undefined>>;
  metrics?: Pick<ControllerMetrics, 'scalerRequest' | 'emptyResponse'> | undefined;
}

/**
 * Resolves credentials and parses every trigger.
 * @throws InvalidTrigger with the problems of all triggers; KubernetesUnavailable when something cannot be read
 */
export async function planTriggers(request: PlanRequest, deps: PlanDeps): Promise<TriggerPlan> {
  const plan: TriggerPlan = { triggers: [], dependencies: [], warnings: [] };
  const problems: string[] = [];
  for (const [index, trigger] of request.triggers.entries()) {
    const where = trigger.name
      ? `trigger ${index} "${trigger.name}" (${trigger.type})`
      : `trigger ${index} (${trigger.type})`;
    const definition = findDefinition(trigger.type);
    if (!definition) {
      problems.push(`${where}: ${unknownTypeMessage(trigger.type)}`);
      continue;
    }
    const auth = await resolveTriggerAuthentication({
      trigger,
      object: { kind: request.kind, namespace: request.namespace, name: request.name },
      podTemplate: request.podTemplate,
      envSourceContainerName: request.envSourceContainerName,
      readers: deps.readers,
      settings: deps.settings,
    });
    plan.dependencies.push(...auth.dependencies);
    const refused = auth.problems.filter((problem) => problem.severity === 'error');
    const unresolved = auth.problems.filter((problem) => problem.severity === 'warning').map(({ message }) => message);
    const context = contextOf(request, trigger, index, auth);
    const parsed = parseTrigger(definition, { metadata: trigger.metadata, auth: auth.params, env: auth.env, context });
    if (refused.length > 0 || !parsed.ok) {
      // What could not be resolved is usually why a field is missing, so it is told along.
      const all = [
        ...refused.map(({ message }) => message),
        ...parsed.problems.map(({ message }) => message),
        ...unresolved,
      ];
      problems.push(...all.map((message) => `${where}: ${message}`));
      continue;
    }
    plan.warnings.push(
      ...[...unresolved, ...parsed.notices.map(({ message }) => message)].map((m) => `${where}: ${m}`),
    );
    plan.triggers.push(planned(definition, parsed.config, context, trigger, auth, deps));
  }
  if (problems.length > 0) {
    throw new WindlassError('InvalidTrigger', problems.join('; '), {
      hint: 'mend the trigger, or the objects that its authentication refers to; a change of either takes effect at once',
    });
  }
  return plan;
}

function contextOf(request: PlanRequest, trigger: Trigger, index: number, auth: ResolvedAuth): TriggerContext {
  return {
    triggerIndex: index,
    namespace: request.namespace,
    objectName: request.name,
    objectKind: request.kind,
    triggerName: trigger.name || undefined,
    metricType: (trigger.metricType || undefined) as MetricType | undefined,
    podIdentity: auth.podIdentity,
    asMetricSource: request.asMetricSource,
  };
}

function planned(
  definition: ScalerDefinition,
  config: ConfigOf<Fields>,
  context: TriggerContext,
  trigger: Trigger,
  auth: ResolvedAuth,
  deps: PlanDeps,
): PlannedTrigger {
  const specs = definition.metrics(config, context);
  const isExternal = definition.metricsFromSource || specs.some((spec) => spec.kind === 'external');
  const scope =
    definition.scope === 'object'
      ? `${context.objectKind}/${context.namespace}/${context.objectName}`
      : definition.scope === 'namespace'
        ? context.namespace
        : '';
  const key = [definition.type, queryIdentity(config, definition.fields), auth.identity, scope].join('|');
  const { metrics } = deps;
  const labels = {
    namespace: context.namespace,
    kind: context.objectKind,
    object: context.objectName,
    triggerName: context.triggerName ?? '',
    metric: specs[0]?.kind === 'external' ? externalMetricName(context.triggerIndex, specs[0].name) : '',
  };
  const observe = metrics && {
    request: (request: { statusCode: number | undefined; tookMs: number }) =>
      metrics.scalerRequest({ ...labels, scaler: definition.type, ...request }),
    emptyResponse: (ignoreNullValues: boolean) => metrics.emptyResponse({ ...labels, ignoreNullValues }),
  };
  const query: Query = {
    key,
    sourceKey: sourceKeyOf(definition.type, config, auth.identity, scope),
    definition,
    config,
    deps: { clock: deps.clock, log: deps.log, http: deps.http, cluster: deps.cluster, env: deps.env, context, observe },
  };
  return {
    index: context.triggerIndex,
    type: definition.type,
    name: context.triggerName,
    definition,
    metricType: context.metricType,
    useCachedMetrics: trigger.useCachedMetrics ?? false,
    onError: trigger.onError,
    metrics: named(context.triggerIndex, specs),
    query: isExternal ? query : undefined,
  };
}

function named(index: number, specs: readonly MetricSpec[]): TriggerMetric[] {
  return specs.map((spec) => ({ name: spec.kind === 'external' ? externalMetricName(index, spec.name) : '', spec }));
}

/** Where a query goes: the host of its first URL, if it has one, and the credential. */
function sourceKeyOf(type: string, config: ConfigOf<Fields>, identity: string, scope: string): string {
  for (const value of Object.values(config)) {
    if (typeof value !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) continue;
    try {
      return `${type}|${new URL(value).host}|${identity}`;
    } catch {
      // Not every text with "://" is a URL.
    }
  }
  return `${type}|${scope}|${identity}`;
}

/** A planned trigger with its hold on the sampler. */
export interface ActiveTrigger extends PlannedTrigger {
  subscription: Subscription | undefined;
}

/** The running triggers of one object. Replacing a plan keeps every query that stays the same. */
export interface TriggerSet {
  readonly triggers: readonly ActiveTrigger[];
  /**
   * The plan with the metrics of those triggers whose source names them, which is asked if it has not said. A source
   * that does not answer is asked on, and `onSpecs` tells when it has; meanwhile `known` may stand in.
   * @throws the error of the source, with the trigger in front
   */
  complete(
    plan: readonly PlannedTrigger[],
    intervalMs: number,
    known?: (index: number) => readonly MetricSpec[] | undefined,
  ): Promise<PlannedTrigger[]>;
  replace(plan: readonly PlannedTrigger[], intervalMs: number): void;
  close(): void;
}

/** How long a reconcile waits for a source to name its metrics: much for a call, little for who waits for a reconcile. */
const SPECS_WAIT_MS = 2_000;

/**
 * @param onSample a trigger has something new to say
 * @param onSpecs a source names other metrics than those that the triggers were made with: they have to be made anew
 */
export function createTriggerSet(sampling: Sampling, onSample: () => void, onSpecs: () => void = () => {}): TriggerSet {
  let triggers: ActiveTrigger[] = [];
  /** Held by no trigger yet: their sources have not named their metrics, or the plan is not in force. */
  let pending: Subscription[] = [];
  /** First questions that are waited for, by query. */
  const waiting = new Map<string, Promise<unknown>>();

  const subscribe = (query: Query, intervalMs: number): Subscription =>
    sampling.subscribe(query, {
      intervalMs,
      onSample,
      onActive: onSample,
      onSpecs: () => {
        if (!waiting.has(query.key)) onSpecs();
      },
    });

  const specsOf = async (
    trigger: PlannedTrigger,
    query: Query,
    intervalMs: number,
    known: (index: number) => readonly MetricSpec[] | undefined,
  ): Promise<readonly MetricSpec[]> => {
    const { key } = query;
    let subscription = [...triggers.map((each) => each.subscription), ...pending].find((each) => each?.key === key);
    if (!subscription) {
      // The first attempt waits for the answer; later ones take what is known.
      subscription = subscribe(query, intervalMs);
      pending.push(subscription);
      const answer = subscription.fresh({ maxAgeMs: Number.POSITIVE_INFINITY, deadlineMs: SPECS_WAIT_MS });
      waiting.set(
        key,
        answer.finally(() => waiting.delete(key)),
      );
    }
    await waiting.get(key);
    const specs = subscription.specs() ?? known(trigger.index);
    if (specs) return specs;
    const outcome = subscription.latest()?.outcome;
    const error = outcome?.kind === 'error' ? outcome.error : undefined;
    throw new WindlassError(
      error?.code ?? 'SourceTimeout',
      `trigger ${trigger.index} (${trigger.type}) has not named its metrics: ${error ? describeError(error) : 'no answer yet'}`,
      { cause: error, hint: error?.hint ?? 'it is asked again; nothing is scaled by this object until it answers' },
    );
  };

  return {
    get triggers() {
      return triggers;
    },
    async complete(plan, intervalMs, known = () => undefined) {
      const keys = new Set(plan.map(({ query }) => query?.key));
      const wanted = pending.filter(({ key }) => keys.has(key));
      for (const subscription of pending) if (!wanted.includes(subscription)) subscription.close();
      pending = wanted;
      return Promise.all(
        plan.map(async (trigger) => {
          const { query, definition, index } = trigger;
          if (!query || !definition.metricsFromSource) return trigger;
          return { ...trigger, metrics: named(index, await specsOf(trigger, query, intervalMs, known)) };
        }),
      );
    },
    replace(plan, intervalMs) {
      const old = [...triggers, ...pending.map((subscription) => ({ subscription }))];
      pending = [];
      const kept = new Set<Subscription>();
      triggers = plan.map((trigger): ActiveTrigger => {
        if (!trigger.query) return { ...trigger, subscription: undefined };
        const { key } = trigger.query;
        const known = old.find(
          ({ subscription }) => subscription?.key === key && !kept.has(subscription),
        )?.subscription;
        if (known) {
          kept.add(known);
          known.setInterval(intervalMs);
          return { ...trigger, subscription: known };
        }
        return { ...trigger, subscription: subscribe(trigger.query, intervalMs) };
      });
      for (const { subscription } of old) if (subscription && !kept.has(subscription)) subscription.close();
    },
    close() {
      for (const { subscription } of triggers) subscription?.close();
      for (const subscription of pending) subscription.close();
      triggers = [];
      pending = [];
    },
  };
}
