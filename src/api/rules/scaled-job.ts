import { parseFloatText } from '../../base/float.ts';
import { DEFAULTS } from '../defaults.ts';
import type { ScaledJob } from '../scaled-job.ts';
import type { Trigger } from '../trigger.ts';
import { type RuleProblem, ruleProblem } from './problem.ts';

/** Fields that triggers of ScaledObjects have and those of ScaledJobs do without. */
export function checkJobTriggers(triggers: readonly Trigger[]): RuleProblem[] {
  return triggers.flatMap(({ type, metricType, useCachedMetrics }, index) => {
    const at = ['spec', 'triggers', index];
    const problems: RuleProblem[] = [];
    // KEDA 2.21: the CRD drops the field; where it gets through, reconciling fails.
    if (metricType)
      problems.push(
        ruleProblem(
          'job',
          'fail',
          [...at, 'metricType'],
          'is not for a ScaledJob, which has no HPA: remove it',
          metricType,
        ),
      );
    if (useCachedMetrics)
      problems.push(
        ruleProblem('no-effect', 'warn', [...at, 'useCachedMetrics'], 'has no effect on a ScaledJob: remove it', true),
      );
    if (type === 'cpu' || type === 'memory')
      problems.push(
        ruleProblem(
          'job',
          'warn',
          [...at, 'type'],
          'has no effect on a ScaledJob: no replicas, nothing to measure',
          type,
        ),
      );
    return problems;
  });
}

/** Settings that contradict each other or do nothing. */
export function checkJobSettings({ spec }: ScaledJob): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const warn = (path: readonly string[], message: string, value?: unknown) =>
    problems.push(ruleProblem('no-effect', 'warn', ['spec', ...path], message, value));
  const { minReplicaCount: min, maxReplicaCount: max = DEFAULTS.maxReplicaCount, scalingStrategy } = spec;
  if (min !== undefined && min > max)
    warn(['minReplicaCount'], `is greater than maxReplicaCount and counts as ${max}`, min);
  if (spec.rolloutStrategy && spec.rollout?.strategy && spec.rolloutStrategy !== spec.rollout.strategy)
    warn(
      ['rollout', 'strategy'],
      'has no effect: the deprecated rolloutStrategy wins, remove that',
      spec.rollout.strategy,
    );
  const {
    strategy,
    customScalingQueueLengthDeduction: deduction,
    customScalingRunningJobPercentage: share,
  } = scalingStrategy ?? {};
  if (strategy === 'custom') {
    if (share === undefined || parseFloatText(share) === undefined)
      warn(
        ['scalingStrategy', 'customScalingRunningJobPercentage'],
        'must be a number for strategy custom; as it is, strategy default is used',
        share,
      );
  } else {
    if (deduction !== undefined)
      warn(
        ['scalingStrategy', 'customScalingQueueLengthDeduction'],
        'has an effect with strategy custom only',
        deduction,
      );
    if (share !== undefined)
      warn(['scalingStrategy', 'customScalingRunningJobPercentage'], 'has an effect with strategy custom only', share);
  }
  return problems;
}

/** What Kubernetes refuses about the Job once it is made, as far as the template shows without its full schema. */
export function checkJobTemplate({ spec }: ScaledJob): RuleProblem[] {
  const at = ['spec', 'jobTargetRef', 'template', 'spec'];
  const pod = spec.jobTargetRef.template.spec;
  if (pod === undefined || pod === null || !Array.isArray(pod.containers) || pod.containers.length === 0)
    return [ruleProblem('job', 'fail', [...at, 'containers'], 'is missing: say what the Job runs')];
  const { restartPolicy } = pod;
  if (!restartPolicy || restartPolicy === 'OnFailure' || restartPolicy === 'Never') return [];
  return [ruleProblem('job', 'fail', [...at, 'restartPolicy'], 'must be OnFailure or Never for a Job', restartPolicy)];
}
