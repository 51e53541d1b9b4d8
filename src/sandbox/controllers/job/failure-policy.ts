import type { ContainerStatus, Pod } from '../kinds.ts';
import { namespaceOf } from '../kinds.ts';
import type { JobSpec, PodFailureRule } from './types.ts';

export interface FailurePolicyVerdict {
  /** Why the whole Job fails, when a FailJob rule matched. */
  failJob?: string;
  /** False when an Ignore rule matched: the failure does not count towards backoffLimit. */
  counts: boolean;
}

/** The first rule of the Job's podFailurePolicy that matches a failed pod decides; none means the failure counts. */
export function judgeFailure(spec: JobSpec, pod: Pod): FailurePolicyVerdict {
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const why = matchExitCodes(rule, pod) ?? matchConditions(rule, pod);
    if (why === undefined) continue;
    if (rule.action === 'Ignore') return { counts: false };
    if (rule.action === 'FailJob')
      return { counts: true, failJob: `${why} matching ${rule.action} rule at index ${index}` };
    return { counts: true };
  }
  return { counts: true };
}

function matchExitCodes(rule: PodFailureRule, pod: Pod): string | undefined {
  const wanted = rule.onExitCodes;
  if (!wanted) return undefined;
  const statuses: ContainerStatus[] = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
  ];
  for (const { name, state } of statuses) {
    if (wanted.containerName !== undefined && wanted.containerName !== name) continue;
    const code = state.terminated?.exitCode;
    if (code === undefined || code === 0) continue;
    if (wanted.values.includes(code) === (wanted.operator === 'In'))
      return `Container ${name} for pod ${namespaceOf(pod)}/${pod.metadata.name} failed with exit code ${code}`;
  }
  return undefined;
}

function matchConditions(rule: PodFailureRule, pod: Pod): string | undefined {
  for (const { type, status = 'True' } of rule.onPodConditions ?? []) {
    const match = pod.status?.conditions?.some((c) => c.type === type && c.status === status);
    if (match) return `Pod ${namespaceOf(pod)}/${pod.metadata.name} has condition ${type}`;
  }
  return undefined;
}
