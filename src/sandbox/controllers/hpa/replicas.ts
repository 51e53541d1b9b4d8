/** How far usage may be from its target, as a share of it, before anything is scaled. */
export interface Tolerances {
  up: number;
  down: number;
}

/** Kubernetes: --horizontal-pod-autoscaler-tolerance. */
export const DEFAULT_TOLERANCE = 0.1;

const LARGEST = 2 ** 31 - 1;

export function isWithin({ up, down }: Tolerances, ratio: number): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

/** What a metric asks for: replicas, and usage as the status shows it, in thousandths. */
export interface Proposal {
  replicas: number;
  usage: number;
}

/**
 * For a target per pod (AverageValue): the whole usage over the target. `statusReplicas` is the scale's status.replicas.
 * Usage 35, target 10, 3 pods: ratio 35 / 30 is beyond 10 %, so 4; 32 is within and stays 3.
 */
export function forAverageValue(
  usage: number,
  target: number,
  statusReplicas: number,
  tolerances: Tolerances,
): Proposal {
  const ratio = usage / (target * statusReplicas);
  const replicas = isWithin(tolerances, ratio) ? statusReplicas : Math.min(Math.ceil(usage / target), LARGEST);
  // Go: a division by zero pods gives an infinity, which the conversion to an integer cuts to something meaningless; here the whole usage.
  return { replicas, usage: Math.ceil(usage / (statusReplicas || 1)) };
}

/**
 * For a target as a whole (Value): the ready pods times usage over target. With no replicas (and minReplicas 0) the ratio itself.
 * @throws Error when there are replicas but no pod matches the scale's selector
 */
export function forValue(
  usage: number,
  target: number,
  specReplicas: number,
  pods: { total: number; ready: number },
  tolerances: Tolerances,
): Proposal {
  const ratio = usage / target;
  if (specReplicas === 0) return { replicas: Math.min(Math.ceil(ratio), LARGEST), usage };
  if (isWithin(tolerances, ratio)) return { replicas: specReplicas, usage };
  if (pods.total === 0)
    throw new Error('unable to calculate ready pods: no pods returned by selector while calculating replica count');
  return { replicas: Math.min(Math.ceil(ratio * pods.ready), LARGEST), usage };
}

/** A pod as far as a metric of pods cares, and what is known of its usage (absent: no metric). */
export interface PodSample {
  name: string;
  phase: string;
  deleting: boolean;
  /** Milliseconds since 1970. */
  startTime: number | undefined;
  ready: { status: boolean; since: number } | undefined;
  usage: number | undefined;
  /** When the usage was measured and over how many milliseconds. */
  at: number;
  windowMs: number;
  /** What the pod requests, for utilization. */
  request: number;
}

/** Kubernetes: --horizontal-pod-autoscaler-cpu-initialization-period and -initial-readiness-delay. */
const CPU_INITIALIZATION = 5 * 60_000;
const INITIAL_READINESS = 30_000;

interface Grouped {
  /** Pods whose usage counts from the beginning. */
  counted: PodSample[];
  unready: PodSample[];
  missing: PodSample[];
}

/** Which pods count: none that is deleted or failed; not yet running and, for CPU, not yet settled ones apart; those without a metric apart. */
export function groupPods(pods: PodSample[], isCpu: boolean, now: number): Grouped {
  const groups: Grouped = { counted: [], unready: [], missing: [] };
  for (const pod of pods) {
    if (pod.deleting || pod.phase === 'Failed') continue;
    if (pod.phase === 'Pending') groups.unready.push(pod);
    else if (pod.usage === undefined) groups.missing.push(pod);
    else if (isCpu && isUnready(pod, now)) groups.unready.push(pod);
    else groups.counted.push(pod);
  }
  return groups;
}

function isUnready(pod: PodSample, now: number): boolean {
  if (!pod.ready || pod.startTime === undefined) return true;
  if (pod.startTime + CPU_INITIALIZATION > now) return !pod.ready.status || pod.at < pod.ready.since + pod.windowMs;
  return !pod.ready.status && pod.startTime + INITIAL_READINESS > pod.ready.since;
}

export interface PodsQuestion {
  pods: PodSample[];
  specReplicas: number;
  /** Thousandths per pod, or percent of the request with `utilization`. */
  target: number;
  utilization: boolean;
  isCpu: boolean;
  tolerances: Tolerances;
  now: number;
}

export interface PodsProposal extends Proposal {
  /** Percent of the requests; only with `utilization`. */
  utilization?: number;
}

/**
 * For a metric of every pod. Pods without a metric are taken to use their target (for utilization: all they request) when that would scale
 * down and nothing when it would scale up; unready pods nothing when it would scale up. What that assumption would turn around is left.
 * @throws Error with Kubernetes' words when there is nothing to go by
 */
export function forPods(question: PodsQuestion): PodsProposal {
  const { pods, specReplicas, target, tolerances } = question;
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const { counted, unready, missing } = groupPods(pods, question.isCpu, question.now);
  if (counted.length === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const values = new Map(counted.map((pod) => [pod, pod.usage ?? 0]));
  const first = ratioOf(values, question);
  const keep: PodsProposal = { replicas: specReplicas, ...first.shown };
  const upWithUnready = unready.length > 0 && first.ratio > 1;
  if (!upWithUnready && missing.length === 0)
    return isWithin(tolerances, first.ratio)
      ? keep
      : { replicas: Math.ceil(first.ratio * counted.length), ...first.shown };

  if (first.ratio < 1)
    for (const pod of missing)
      values.set(pod, question.utilization ? (pod.request * Math.max(100, target)) / 100 : target);
  else if (first.ratio > 1) for (const pod of missing) values.set(pod, 0);
  if (upWithUnready) for (const pod of unready) values.set(pod, 0);
  const { ratio } = ratioOf(values, question);
  const turned = (first.ratio < 1 && ratio > 1) || (first.ratio > 1 && ratio < 1);
  if (isWithin(tolerances, ratio) || turned) return keep;
  const replicas = Math.ceil(ratio * values.size);
  if ((ratio < 1 && replicas > specReplicas) || (ratio > 1 && replicas < specReplicas)) return keep;
  return { replicas, ...first.shown };
}

function ratioOf(values: Map<PodSample, number>, { target, utilization }: PodsQuestion) {
  const total = [...values.values()].reduce((sum, value) => sum + value, 0);
  const average = Math.trunc(total / values.size);
  if (!utilization) return { ratio: average / target, shown: { usage: average } };
  const requests = [...values.keys()].reduce((sum, pod) => sum + pod.request, 0);
  if (requests === 0) throw new Error('no metrics returned matched known pods');
  const percent = Math.trunc((total * 100) / requests);
  return { ratio: percent / target, shown: { usage: average, utilization: percent } };
}
