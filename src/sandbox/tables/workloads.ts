import { items, number, part, text } from '../schema/fields.ts';
import type { AnyObject } from '../types.ts';
import { humanDuration, since } from './age.ts';
import {
  AGE,
  CONTAINERS,
  type Column,
  column,
  count,
  labelsText,
  NAME,
  NONE,
  SELECTOR,
  spec,
  status,
  textOr,
} from './column.ts';

export const DEPLOYMENTS: Column[] = [
  NAME,
  column('Ready', (one) => `${count(status(one), 'readyReplicas')}/${count(spec(one), 'replicas')}`),
  column('Up-to-date', (one) => count(status(one), 'updatedReplicas')),
  column('Available', (one) => count(status(one), 'availableReplicas')),
  AGE,
  ...CONTAINERS,
  SELECTOR,
];

export const REPLICA_SETS: Column[] = [
  NAME,
  column('Desired', (one) => count(spec(one), 'replicas'), 'integer'),
  column('Current', (one) => count(status(one), 'replicas'), 'integer'),
  column('Ready', (one) => count(status(one), 'readyReplicas'), 'integer'),
  AGE,
  ...CONTAINERS,
  SELECTOR,
];

export const STATEFUL_SETS: Column[] = [
  NAME,
  column('Ready', (one) => `${count(status(one), 'readyReplicas')}/${count(spec(one), 'replicas')}`),
  AGE,
  ...CONTAINERS,
];

export const DAEMON_SETS: Column[] = [
  NAME,
  column('Desired', (one) => count(status(one), 'desiredNumberScheduled'), 'integer'),
  column('Current', (one) => count(status(one), 'currentNumberScheduled'), 'integer'),
  column('Ready', (one) => count(status(one), 'numberReady'), 'integer'),
  column('Up-to-date', (one) => count(status(one), 'updatedNumberScheduled'), 'integer'),
  column('Available', (one) => count(status(one), 'numberAvailable'), 'integer'),
  column('Node Selector', (one) => labelsText(part(part(spec(one), 'template'), 'spec').nodeSelector)),
  AGE,
  ...CONTAINERS,
  SELECTOR,
];

export const JOBS: Column[] = [
  NAME,
  column('Status', jobStatus),
  column('Completions', completions),
  column('Duration', jobDuration),
  AGE,
  ...CONTAINERS,
  SELECTOR,
];

export const CRON_JOBS: Column[] = [
  NAME,
  column('Schedule', (one) => text(spec(one), 'schedule')),
  column('Timezone', (one) => textOr(spec(one).timeZone, NONE)),
  column('Suspend', (one) => spec(one).suspend === true, 'boolean'),
  column('Active', (one) => items(status(one), 'active').length, 'integer'),
  column('Last Schedule', (one, now) =>
    status(one).lastScheduleTime === undefined ? NONE : since(status(one).lastScheduleTime, now),
  ),
  AGE,
  ...CONTAINERS.map((one) => ({ ...one, cell: (cron: AnyObject, now: number) => one.cell(jobOf(cron), now) })),
  { ...SELECTOR, cell: (cron, now) => SELECTOR.cell(jobOf(cron), now) },
];

const jobOf = (cron: AnyObject): AnyObject => ({ ...cron, spec: part(spec(cron), 'jobTemplate').spec });

/** Kubernetes' order of what a job's conditions say. */
function jobStatus(job: AnyObject): string {
  const has = (type: string) =>
    items(status(job), 'conditions').some((one) => one.type === type && one.status === 'True');
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

function completions(job: AnyObject): string {
  const succeeded = count(status(job), 'succeeded');
  const wanted = number(spec(job), 'completions');
  if (wanted !== undefined) return `${succeeded}/${wanted}`;
  const parallelism = count(spec(job), 'parallelism');
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: AnyObject, now: number): string {
  const { startTime, completionTime } = status(job);
  if (typeof startTime !== 'string') return '';
  const end = typeof completionTime === 'string' ? Date.parse(completionTime) : now;
  return humanDuration((end - Date.parse(startTime)) / 1000);
}
