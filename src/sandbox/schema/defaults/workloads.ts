import { ensure, type Fields, fill, isFields, items, part, text } from '../fields.ts';
import { defaultTemplate } from './pod.ts';

/** Kubernetes: backoffLimit when retries are counted per index (batch/v1 defaults: MaxInt32). */
const NO_OVERALL_LIMIT = 2 ** 31 - 1;

export function defaultDeployment(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = ensure(spec, 'strategy');
  if (text(strategy, 'type') === '') strategy.type = 'RollingUpdate';
  if (strategy.type === 'RollingUpdate')
    fill(ensure(strategy, 'rollingUpdate'), { maxUnavailable: '25%', maxSurge: '25%' });
  defaultTemplate(spec);
}

export function defaultReplicaSet(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(spec, { replicas: 1 });
  defaultTemplate(spec);
}

export function defaultReplicationController(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(spec, { replicas: 1 });
  defaultTemplate(spec);
  fill(spec, { selector: part(part(spec, 'template'), 'metadata').labels });
}

export function defaultStatefulSet(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(spec, { replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady', serviceName: '' });
  const strategy = ensure(spec, 'updateStrategy');
  if (text(strategy, 'type') === '') strategy.type = 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') fill(ensure(strategy, 'rollingUpdate'), { partition: 0 });
  fill(ensure(spec, 'persistentVolumeClaimRetentionPolicy'), { whenDeleted: 'Retain', whenScaled: 'Retain' });
  for (const claim of items(spec, 'volumeClaimTemplates')) {
    fill(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' });
    defaultPersistentVolumeClaim(claim);
  }
  defaultTemplate(spec);
}

export function defaultDaemonSet(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(spec, { revisionHistoryLimit: 10 });
  const strategy = ensure(spec, 'updateStrategy');
  if (text(strategy, 'type') === '') strategy.type = 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') fill(ensure(strategy, 'rollingUpdate'), { maxUnavailable: 1, maxSurge: 0 });
  defaultTemplate(spec);
}

export function defaultJob(object: Fields): void {
  const spec = ensure(object, 'spec');
  // Kubernetes: only with both missing is it a job of one pod; a parallelism alone makes a work queue.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  const perIndex = spec.backoffLimitPerIndex !== undefined;
  fill(spec, {
    parallelism: 1,
    backoffLimit: perIndex ? NO_OVERALL_LIMIT : 6,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
  });
  defaultTemplate(spec);
  const metadata = ensure(object, 'metadata');
  const labels = part(part(part(spec, 'template'), 'metadata'), 'labels');
  if (!isFields(metadata.labels) && Object.keys(labels).length > 0) metadata.labels = { ...labels };
}

export function defaultCronJob(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(spec, {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  });
  defaultTemplate(ensure(ensure(spec, 'jobTemplate'), 'spec'));
}

export function defaultPersistentVolumeClaim(object: Fields): void {
  fill(ensure(object, 'spec'), { volumeMode: 'Filesystem' });
  fill(ensure(object, 'status'), { phase: 'Pending' });
}
