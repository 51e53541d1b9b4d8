import { isDryRun, SCALED_OBJECT_NAME } from '../../api/annotations.ts';
import { hasInitialConditions, initialConditions } from '../../api/conditions.ts';
import { scaledObjectSettings, scaleTargetOf, usesScalingModifiers } from '../../api/defaults.ts';
import type { ScaledObject } from '../../api/index.ts';
import { SCALED_OBJECTS } from '../../api/resources.ts';
import { checkRules } from '../../api/rules/index.ts';
import type { PodTemplate } from '../../auth/types.ts';
import { WindlassError } from '../../base/errors.ts';
import { apiVersionOf } from '../../base/object.ts';
import { formulaFault } from '../../decision/formula/index.ts';
import { planHpa } from '../../decision/hpa.ts';
import { readModifiers } from '../../decision/modifiers.ts';
import type { ControllerContext } from '../context.ts';
import { claim } from '../finalizer.ts';
import type { Target } from '../targets.ts';
import { type PlannedTrigger, planTriggers } from '../triggers.ts';
import { ensureHpa, type HpaStore, type HpaView, removeHpa } from './hpa.ts';
import { knownSpecs } from './known-metrics.ts';
import type { ScaledObjectState } from './state.ts';

/**
 * Brings everything around a ScaledObject in line with it: finalizer and label, target, triggers, HPA, status. Throws
 * what is wrong; the triggers and the HPA of before then go on. The status is changed, not yet written.
 */
export async function reconcile(
  ctx: ControllerContext,
  hpas: HpaStore,
  state: ScaledObjectState,
  object: ScaledObject,
): Promise<void> {
  const { name, namespace = '' } = object.metadata;
  const settings = scaledObjectSettings(object);
  requireValid(object);
  const target = await findTarget(ctx, object);
  // Before the check: a target that is not there yet is waited for by its name.
  state.target = target;
  const { replicas } = await ctx.targets.check(target);
  state.status.set({
    originalReplicaCount: state.status.current.originalReplicaCount ?? replicas,
    scaleTargetKind: `${apiVersionOf(target.type)}.${target.type.kind}`,
    scaleTargetGVKR: {
      group: target.type.group,
      version: target.type.version,
      kind: target.type.kind,
      resource: target.type.plural,
    },
    triggersTypes: distinct(object.spec.triggers.map(({ type }) => type)),
    authenticationsTypes: distinct(
      object.spec.triggers.flatMap(({ authenticationRef: ref }) => (ref ? [ref.name] : [])),
    ),
  });

  const plan = await planTriggers(
    {
      kind: 'ScaledObject',
      namespace,
      name,
      triggers: object.spec.triggers,
      asMetricSource: usesScalingModifiers(object),
      podTemplate: await templateIfNeeded(ctx, object, target),
      envSourceContainerName: object.spec.scaleTargetRef.envSourceContainerName,
    },
    {
      readers: state.dependencies.readers,
      settings: ctx.auth,
      clock: ctx.clock,
      log: ctx.log.with({ namespace, scaledObject: name }),
      http: ctx.http,
      cluster: ctx.cluster,
      env: ctx.env,
      metrics: ctx.metrics,
    },
  );
  state.dependencies.keep(plan.dependencies);
  for (const note of plan.warnings) {
    ctx.events.record(object, { type: 'Warning', reason: 'KEDAScalerInfo', action: 'ScalerBuild', note });
  }
  const interval = settings.pollingInterval * 1000;
  const { hpaName, externalMetricNames: names } = state.status.current;
  const before = hpaName === undefined ? undefined : hpas.get(namespace, hpaName);
  const hpa = before?.spec.metrics;
  const known = { hpa, names, usesFormula: usesScalingModifiers(object) };
  const triggers = await state.triggers.complete(plan.triggers, interval, (index) =>
    state.runs ? undefined : knownSpecs(known, index),
  );
  if (!state.runs) {
    state.leftOut = leftOutBefore(triggers, hpa);
    state.rests = before !== undefined && before.spec.minReplicas === settings.idleReplicaCount;
  }
  const wanted = planHpa({
    object,
    leaveOut: state.leftOut,
    rests: state.rests,
    target: { apiVersion: apiVersionOf(target.type), kind: target.type.kind, name: target.name },
    triggers,
    version: ctx.version,
  });

  // The old triggers go on until the new ones are known to be sound; from here on they are replaced.
  state.modifiers = readModifiers(object);
  state.triggers.replace(triggers, interval);
  if (isDryRun(object)) await removeHpa(ctx, hpas, object, state.status.current.hpaName);
  else await ensureHpa(ctx, hpas, object, wanted.hpa, state.status.current.hpaName);
  const { externalMetricNames, resourceMetricNames, compositeScalerName } = wanted;
  state.status.set({
    hpaName: isDryRun(object) ? undefined : wanted.hpa.metadata.name,
    externalMetricNames: orAbsent(externalMetricNames),
    resourceMetricNames: orAbsent(resourceMetricNames),
    compositeScalerName,
    triggersActivity: pruned(state.status.current.triggersActivity, externalMetricNames),
    health: pruned(state.status.current.health, externalMetricNames),
  });
}

/** What a former owner has left out of the HPA, which lasts until its source answers: a restart is no event. */
function leftOutBefore(
  triggers: readonly PlannedTrigger[],
  hpa: HpaView['spec']['metrics'] | undefined,
): ReadonlySet<string> {
  if (!hpa) return new Set();
  const there = new Set(hpa.map((metric) => (metric.type === 'External' ? metric.external.metric.name : undefined)));
  const ignored = triggers.filter(({ onError }) => onError === 'ignore').flatMap(({ metrics }) => metrics);
  const missing = ignored.map(({ name }) => name).filter((name) => !there.has(name));
  return new Set(missing.length === triggers.length ? [] : missing);
}

function orAbsent(names: string[]): string[] | undefined {
  return names.length > 0 ? names : undefined;
}

/** The finalizer, the label and the four conditions that every ScaledObject has. */
export async function claimScaledObject(
  ctx: ControllerContext,
  state: ScaledObjectState,
  object: ScaledObject,
): Promise<ScaledObject> {
  const claimed = await claim(ctx.client, SCALED_OBJECTS, object, { [SCALED_OBJECT_NAME]: object.metadata.name });
  if (!hasInitialConditions(state.status.current.conditions)) state.status.set({ conditions: initialConditions() });
  return claimed;
}

function requireValid(object: ScaledObject): void {
  const problems = checkRules('ScaledObject', object, { checkFormula: formulaFault }).filter(
    ({ effect }) => effect !== 'warn',
  );
  if (problems.length === 0) return;
  throw new WindlassError('InvalidObject', problems.map(({ path, message }) => `${path}: ${message}`).join('; '), {
    hint: '`windlass lint` names every problem with its line',
  });
}

/**
 * The resource type and name of what the object scales.
 * @throws TargetNotFound when the cluster does not serve the kind
 */
export async function findTarget(ctx: ControllerContext, object: ScaledObject): Promise<Target> {
  const { apiVersion, kind, name } = scaleTargetOf(object);
  const type = await ctx.discovery.resolve(apiVersion, kind);
  if (type) return { type, namespace: object.metadata.namespace ?? '', name };
  throw new WindlassError(
    'TargetNotFound',
    `the cluster does not serve the scale target's kind ${kind} of ${apiVersion}`,
    {
      hint: 'mend scaleTargetRef.apiVersion and kind, or install what serves that kind',
    },
  );
}

/** The pod template, when a trigger may need the container's environment or its service account. */
async function templateIfNeeded(
  ctx: ControllerContext,
  object: ScaledObject,
  target: Target,
): Promise<PodTemplate | undefined> {
  return needsTemplate(object) ? ctx.targets.podTemplate(target) : undefined;
}

/** Whether what the triggers are made from includes the target's pod template. */
export function needsTemplate(object: ScaledObject): boolean {
  return object.spec.triggers.some(
    ({ metadata, authenticationRef }) =>
      authenticationRef !== undefined || Object.keys(metadata).some((key) => key.endsWith('FromEnv')),
  );
}

function distinct(words: readonly string[]): string | undefined {
  return words.length > 0 ? [...new Set(words)].join(',') : undefined;
}

function pruned<T>(map: Record<string, T> | undefined, names: readonly string[]): Record<string, T> | undefined {
  if (!map) return undefined;
  const entries = Object.entries(map).filter(([name]) => names.includes(name));
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
