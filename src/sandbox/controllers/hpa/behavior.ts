import type { ScalingPolicy, ScalingRules } from './types.ts';

/** A change of the number of replicas, and when. */
export interface ScaleEvent {
  at: number;
  change: number;
}

export interface Recommendation {
  at: number;
  replicas: number;
}

/** What an autoscaler remembers between its rounds. Times are in milliseconds on one clock. */
export interface Memory {
  recommendations: Recommendation[];
  ups: ScaleEvent[];
  downs: ScaleEvent[];
}

export interface Bounds {
  current: number;
  desired: number;
  min: number;
  max: number;
}

export interface Limited {
  replicas: number;
  /** Of the condition ScalingLimited. */
  limited: { status: boolean; reason: string; message: string };
  /** Of the condition AbleToScale, when a window held the recommendation back. */
  stabilized?: { reason: string; message: string };
}

/** Kubernetes: --horizontal-pod-autoscaler-downscale-stabilization. */
const DOWN_WINDOW = 300;

export type Rules = Required<Omit<ScalingRules, 'tolerance'>>;

const DEFAULT_UP: ScalingPolicy[] = [
  { type: 'Pods', value: 4, periodSeconds: 15 },
  { type: 'Percent', value: 100, periodSeconds: 15 },
];
const DEFAULT_DOWN: ScalingPolicy[] = [{ type: 'Percent', value: 100, periodSeconds: 15 }];

/** The rules with Kubernetes' defaults where nothing is said: 4 pods or 100 % in 15 s up, everything down after 300 s. */
export function completeRules(behavior: { scaleUp?: ScalingRules; scaleDown?: ScalingRules } | undefined) {
  const complete = (rules: ScalingRules | undefined, policies: ScalingPolicy[], window: number): Rules => ({
    policies: rules?.policies?.length ? rules.policies : policies,
    selectPolicy: rules?.selectPolicy ?? 'Max',
    stabilizationWindowSeconds: rules?.stabilizationWindowSeconds ?? window,
  });
  return {
    up: complete(behavior?.scaleUp, DEFAULT_UP, 0),
    down: complete(behavior?.scaleDown, DEFAULT_DOWN, DOWN_WINDOW),
  };
}

const WITHIN = {
  status: false,
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};
const LOWER_BEFORE = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};
const HIGHER_BEFORE = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};
const MESSAGES: Record<string, string> = {
  ScaleUpLimit: 'the desired replica count is increasing faster than the maximum scale rate',
  ScaleDownLimit: 'the desired replica count is decreasing faster than the maximum scale rate',
  TooManyReplicas: 'the desired replica count is more than the maximum replica count',
  TooFewReplicas: 'the desired replica count is less than the minimum replica count',
};
const limit = (replicas: number, reason: string): Limited => ({
  replicas,
  limited: { status: true, reason, message: MESSAGES[reason] ?? '' },
});

/**
 * The replicas to set, without `behavior`: the highest recommendation of the last 300 s, at most the larger of 4 and twice the current
 * number, within the bounds. Records the recommendation.
 */
export function limitByDefault({ current, desired, min, max }: Bounds, memory: Memory, now: number): Limited {
  const recent = memory.recommendations.filter((r) => r.at >= now - DOWN_WINDOW * 1000);
  const held = Math.max(desired, ...recent.map((r) => r.replicas));
  memory.recommendations = [...recent, { at: now, replicas: desired }];
  const upLimit = Math.max(2 * current, 4);
  const ceiling = Math.min(max, upLimit);
  const result =
    held < min
      ? limit(min, 'TooFewReplicas')
      : held > ceiling
        ? limit(ceiling, max > upLimit ? 'ScaleUpLimit' : 'TooManyReplicas')
        : { replicas: held, limited: WITHIN };
  return held === desired ? result : { ...result, stabilized: HIGHER_BEFORE };
}

/** The replicas to set under `behavior`: stabilized over its windows, then limited by its policies and the bounds. */
export function limitByRules(bounds: Bounds, rules: { up: Rules; down: Rules }, memory: Memory, now: number): Limited {
  const held = stabilize(bounds, rules, memory, now);
  const result = limitRate({ ...bounds, desired: held }, rules, memory, now);
  if (held === bounds.desired) return result;
  return { ...result, stabilized: bounds.desired >= bounds.current ? LOWER_BEFORE : HIGHER_BEFORE };
}

/** Between the lowest recommendation of the window up and the highest of the window down, as near to the current number as can be. */
function stabilize(
  { current, desired }: Bounds,
  { up, down }: { up: Rules; down: Rules },
  memory: Memory,
  now: number,
) {
  const upFrom = now - up.stabilizationWindowSeconds * 1000;
  const downFrom = now - down.stabilizationWindowSeconds * 1000;
  const recent = memory.recommendations.filter((r) => r.at >= Math.min(upFrom, downFrom));
  const lowest = Math.min(desired, ...recent.filter((r) => r.at > upFrom).map((r) => r.replicas));
  const highest = Math.max(desired, ...recent.filter((r) => r.at > downFrom).map((r) => r.replicas));
  memory.recommendations = [...recent, { at: now, replicas: desired }];
  return Math.min(Math.max(current, lowest), highest);
}

function limitRate(
  { current, desired, min, max }: Bounds,
  rules: { up: Rules; down: Rules },
  memory: Memory,
  now: number,
): Limited {
  if (desired > current) {
    const rate = Math.max(upLimit(current, rules.up, memory, now), current);
    const ceiling = Math.min(max, rate);
    if (desired > ceiling) return limit(ceiling, max > rate ? 'ScaleUpLimit' : 'TooManyReplicas');
  } else if (desired < current) {
    const rate = Math.min(downLimit(current, rules.down, memory, now), current);
    const floor = Math.max(min, rate);
    if (desired < floor) return limit(floor, min < rate ? 'ScaleDownLimit' : 'TooFewReplicas');
  }
  return { replicas: desired, limited: WITHIN };
}

/** The number of replicas at the start of a policy's period, which is what the policy counts from. */
function atPeriodStart(current: number, { periodSeconds }: ScalingPolicy, { ups, downs }: Memory, now: number): number {
  const changed = (events: ScaleEvent[]) =>
    events.reduce((sum, event) => (event.at > now - periodSeconds * 1000 ? sum + event.change : sum), 0);
  return current - changed(ups) + changed(downs);
}

function upLimit(current: number, { policies, selectPolicy }: Rules, memory: Memory, now: number): number {
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map((policy) => {
    const start = atPeriodStart(current, policy, memory, now);
    // Rounded up: otherwise a small percentage of few pods would never add one.
    return policy.type === 'Pods' ? start + policy.value : Math.ceil(start * (1 + policy.value / 100));
  });
  return selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function downLimit(current: number, { policies, selectPolicy }: Rules, memory: Memory, now: number): number {
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map((policy) => {
    const start = atPeriodStart(current, policy, memory, now);
    return policy.type === 'Pods' ? start - policy.value : Math.trunc(start * (1 - policy.value / 100));
  });
  return selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

/** Remembers a change that was made, and forgets those older than any policy looks back. */
export function recordScale(
  memory: Memory,
  rules: { up: Rules; down: Rules },
  from: number,
  to: number,
  now: number,
): void {
  const longest = Math.max(...[...rules.up.policies, ...rules.down.policies].map((p) => p.periodSeconds));
  const keep = (events: ScaleEvent[]) => events.filter((event) => event.at > now - longest * 1000);
  memory.ups = keep(memory.ups);
  memory.downs = keep(memory.downs);
  if (to > from) memory.ups.push({ at: now, change: to - from });
  else memory.downs.push({ at: now, change: from - to });
}
