import { parseBoolean } from '../../base/boolean.ts';
import {
  DRY_RUN,
  FORCE_ACTIVATION,
  PAUSED,
  PAUSED_REPLICAS,
  PAUSED_SCALE_IN,
  PAUSED_SCALE_OUT,
  PAUSED_UNTIL,
  parseTime,
} from '../annotations.ts';
import type { HpaScalingRules } from '../hpa-behavior.ts';
import type { ScaledObject } from '../scaled-object.ts';
import { type RuleProblem, ruleProblem } from './problem.ts';

/** What KEDA 2.21's webhook lets pass with a warning: settings that do nothing beside a minimum above zero. */
export function checkUnusedSettings({ spec }: ScaledObject): RuleProblem[] {
  if (!(spec.minReplicaCount && spec.minReplicaCount > 0) || spec.idleReplicaCount !== undefined) return [];
  const problems: RuleProblem[] = [];
  const warn = (field: string, message: string, value: number) =>
    problems.push(ruleProblem('no-effect', 'warn', ['spec', field], message, value));
  if (spec.pollingInterval !== undefined && !spec.triggers.some((trigger) => trigger.useCachedMetrics))
    warn(
      'pollingInterval',
      'has little effect while minReplicaCount is above 0, idleReplicaCount is absent and no trigger uses useCachedMetrics: the HPA then asks at its own pace',
      spec.pollingInterval,
    );
  if (spec.cooldownPeriod !== undefined)
    warn(
      'cooldownPeriod',
      'has no effect while minReplicaCount is above 0 and idleReplicaCount is absent: it only delays scaling to zero or idle. Use advanced.horizontalPodAutoscalerConfig.behavior to slow down scaling in',
      spec.cooldownPeriod,
    );
  return problems;
}

/** Kinds of apps/v1 and whether they can be scaled. */
const APPS_KINDS: Record<string, boolean> = {
  Deployment: true,
  StatefulSet: true,
  ReplicaSet: true,
  DaemonSet: false,
  ControllerRevision: false,
};

/** Targets that cannot be found or scaled, as far as the reference alone tells. */
export function checkTarget({ spec }: ScaledObject): RuleProblem[] {
  const { apiVersion, kind } = spec.scaleTargetRef;
  if (!kind || (apiVersion && apiVersion !== 'apps/v1')) return [];
  const scalable = Object.hasOwn(APPS_KINDS, kind) ? APPS_KINDS[kind] : undefined;
  if (scalable === true) return [];
  const at = ['spec', 'scaleTargetRef', 'kind'];
  if (scalable === false)
    return [ruleProblem('scale-target', 'fail', at, `cannot be scaled: ${kind} has no number of replicas`, kind)];
  return [
    ruleProblem(
      'scale-target',
      'fail',
      at,
      apiVersion
        ? `is not a kind of ${apiVersion}: correct scaleTargetRef.apiVersion`
        : 'is not a kind of apps/v1, which an absent apiVersion means: set scaleTargetRef.apiVersion',
      kind,
    ),
  ];
}

/** Values that Kubernetes refuses once the HPA is made, hence after the object was accepted. */
export function checkHpaBehavior({ spec }: ScaledObject): RuleProblem[] {
  const behavior = spec.advanced?.horizontalPodAutoscalerConfig?.behavior;
  return (['scaleUp', 'scaleDown'] as const).flatMap((direction) => {
    const rules = behavior?.[direction];
    return rules === undefined
      ? []
      : checkScalingRules(rules, ['spec', 'advanced', 'horizontalPodAutoscalerConfig', 'behavior', direction]);
  });
}

function checkScalingRules(rules: HpaScalingRules, at: readonly string[]): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const fail = (path: readonly (string | number)[], message: string, value: unknown) =>
    problems.push(ruleProblem('hpa-behavior', 'fail', [...at, ...path], message, value));
  const { selectPolicy, policies } = rules;
  if (selectPolicy !== undefined && !['Max', 'Min', 'Disabled'].includes(selectPolicy))
    fail(['selectPolicy'], 'must be one of Max, Min, Disabled', selectPolicy);
  if (policies?.length === 0) fail(['policies'], 'must have at least one entry, or be absent', policies);
  policies?.forEach(({ type, value, periodSeconds }, index) => {
    if (type !== 'Pods' && type !== 'Percent') fail(['policies', index, 'type'], 'must be Pods or Percent', type);
    if (value <= 0) fail(['policies', index, 'value'], 'must be greater than 0', value);
    if (periodSeconds < 1 || periodSeconds > 1800)
      fail(['policies', index, 'periodSeconds'], 'must be 1 to 1800', periodSeconds);
  });
  return problems;
}

/** Annotations that do not do what their text says. */
export function checkAnnotations({ metadata }: ScaledObject): RuleProblem[] {
  const annotations = metadata.annotations ?? {};
  const problems: RuleProblem[] = [];
  const report = (effect: 'fail' | 'warn', name: string, message: string) =>
    problems.push(ruleProblem('annotations', effect, ['metadata', 'annotations', name], message, annotations[name]));
  problems.push(...checkOwnAnnotations({ metadata }));
  for (const name of [PAUSED, PAUSED_SCALE_IN, PAUSED_SCALE_OUT, FORCE_ACTIVATION]) {
    const text = annotations[name];
    if (text !== undefined && !isBoolean(text))
      report('warn', name, 'is not true or false and therefore counts as true');
  }
  const replicas = annotations[PAUSED_REPLICAS];
  if (replicas === undefined) return problems;
  if (!/^[+-]?\d+$/.test(replicas))
    report('fail', PAUSED_REPLICAS, 'must be a whole number; as it is, the object is paused and not ready');
  const paused = annotations[PAUSED];
  if (paused !== undefined && isBoolean(paused) && !parseBoolean(paused))
    report('warn', PAUSED, 'has no effect: paused-replicas pauses by being there');
  return problems;
}

/** Annotations that are additions of Windlass, on ScaledObjects and ScaledJobs. */
export function checkOwnAnnotations({ metadata }: Pick<ScaledObject, 'metadata'>): RuleProblem[] {
  const { [PAUSED_UNTIL]: until, [DRY_RUN]: dryRun } = metadata.annotations ?? {};
  const at = (name: string) => ['metadata', 'annotations', name];
  const problems: RuleProblem[] = [];
  if (until !== undefined && parseTime(until) === undefined)
    problems.push(
      ruleProblem(
        'annotations',
        'refuse',
        at(PAUSED_UNTIL),
        'must be a time with its zone, such as 2026-01-02T15:04:05Z',
        until,
      ),
    );
  if (dryRun !== undefined && !isBoolean(dryRun))
    problems.push(
      ruleProblem('annotations', 'warn', at(DRY_RUN), 'is not true or false and therefore counts as true', dryRun),
    );
  return problems;
}

function isBoolean(text: string): boolean {
  try {
    parseBoolean(text);
    return true;
  } catch {
    return false;
  }
}
