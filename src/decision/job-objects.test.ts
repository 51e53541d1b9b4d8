import { describe, expect, it } from 'vitest';
import { scaledJob } from '../../test/support/decision-jobs.ts';
import { jobsBeyondHistory } from './history.ts';
import { jobManifest, jobTemplateOf } from './job-manifest.ts';
import { type JobView, jobView } from './job-view.ts';
import { planRollout } from './rollout.ts';

const KUBECTL = 'kubectl.kubernetes.io/last-applied-configuration';

describe('the Job of a ScaledJob', () => {
  it('carries the names, labels and annotations that KEDA gives', () => {
    const object = scaledJob({
      labels: { team: 'mail', secret: 'x', 'app.kubernetes.io/name': 'own' },
      annotations: { [KUBECTL]: '{}', note: 'hello', 'scaledjob.keda.sh/job-excluded-labels': 'secret' },
    });
    expect(jobManifest(object, '0.1.0')).toEqual({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        generateName: 'mailer-',
        namespace: 'shop',
        labels: {
          'app.kubernetes.io/name': 'own',
          'app.kubernetes.io/version': '0.1.0',
          'app.kubernetes.io/part-of': 'mailer',
          'app.kubernetes.io/managed-by': 'keda-operator',
          'scaledjob.keda.sh/name': 'mailer',
          team: 'mail',
        },
        annotations: {
          'scaledjob.keda.sh/generation': '3',
          'windlass.dev/job-template': jobTemplateOf(object),
          note: 'hello',
          'scaledjob.keda.sh/job-excluded-labels': 'secret',
        },
        ownerReferences: [
          {
            apiVersion: 'keda.sh/v1alpha1',
            kind: 'ScaledJob',
            name: 'mailer',
            uid: 'uid-2',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        template: {
          metadata: { generateName: 'mailer-', labels: { 'scaledjob.keda.sh/name': 'mailer' } },
          spec: { containers: [{ name: 'mail', image: 'mailer:1' }], restartPolicy: 'OnFailure' },
        },
      },
    });
  });

  it('keeps what the template says', () => {
    const template = { metadata: { labels: { app: 'mail' } }, spec: { restartPolicy: 'Never', containers: [] } };
    const { spec } = jobManifest(scaledJob({ spec: { jobTargetRef: { template, backoffLimit: 2 } } }), '0.1.0');
    expect(spec).toMatchObject({
      backoffLimit: 2,
      template: {
        metadata: { labels: { app: 'mail', 'scaledjob.keda.sh/name': 'mailer' } },
        spec: { restartPolicy: 'Never' },
      },
    });
  });
});

describe('the Jobs that a changed ScaledJob replaces', () => {
  const now = scaledJob({});
  const job = (more: Partial<JobView>): JobView => ({ name: 'j', createdAt: 0, ownerUid: 'uid-2', pods: [], ...more });
  it.each<[string, Partial<JobView>, boolean]>([
    ['one of another generation, made by KEDA', { generation: '2' }, true],
    ['none of this generation', { generation: '3' }, false],
    ['one of another jobTargetRef', { generation: '3', template: 'other' }, true],
    [
      'none whose jobTargetRef stayed, like after a change of pollingInterval',
      { generation: '2', template: jobTemplateOf(now) },
      false,
    ],
    ['none without any sign of age', {}, false],
    ['none of another owner', { generation: '2', ownerUid: 'uid-9' }, false],
    ['none that goes already', { generation: '2', deleting: true }, false],
    ['an ended one too', { generation: '2', outcome: 'failed' }, true],
  ])('%s', (_name, more, replaced) => {
    expect(planRollout(now, [job(more)]).delete).toEqual(replaced ? ['j'] : []);
  });

  it('are none with the strategy gradual', () => {
    const gradual = scaledJob({ spec: { rollout: { strategy: 'gradual' } } });
    expect(planRollout(gradual, [job({ generation: '1' })]).delete).toEqual([]);
  });

  it('are told apart by content, not by the order of keys', () => {
    const a = scaledJob({ spec: { jobTargetRef: { backoffLimit: 1, template: { spec: { containers: [] } } } } });
    const b = scaledJob({ spec: { jobTargetRef: { template: { spec: { containers: [] } }, backoffLimit: 1 } } });
    expect(jobTemplateOf(a)).toBe(jobTemplateOf(b));
  });
});

describe('ended Jobs beyond the history limits', () => {
  const job = (name: string, outcome: 'complete' | 'failed', finishedAt?: number): JobView => ({
    name,
    createdAt: 0,
    outcome,
    pods: [],
    ...(finishedAt === undefined ? {} : { finishedAt }),
  });
  const object = scaledJob({ spec: { successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 2 } });

  it('go oldest first, those that failed by when they failed', () => {
    const jobs = [
      job('c3', 'complete', 300),
      job('f4', 'failed', 40),
      job('c1', 'complete', 100),
      job('f1', 'failed', 10),
      job('f2', 'failed', 20),
      job('c2', 'complete', 200),
      job('f3', 'failed', 30),
    ];
    expect(jobsBeyondHistory(object, jobs)).toEqual(['f1', 'f2', 'c1', 'c2']);
  });

  it('are all of them with a limit of zero, and none of what runs', () => {
    const none = scaledJob({ spec: { successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 0 } });
    const jobs: JobView[] = [job('c', 'complete', 1), job('f', 'failed'), { name: 'runs', createdAt: 0, pods: [] }];
    expect(jobsBeyondHistory(none, jobs).toSorted()).toEqual(['c', 'f']);
  });
});

describe('a Job as read from the API server', () => {
  const names = { generation: 'scaledjob.keda.sh/generation', template: 'windlass.dev/job-template' };
  it('has its end from completionTime or from the condition that failed it', () => {
    const metadata = { name: 'a', creationTimestamp: '2026-01-02T12:00:00Z' };
    const at = (status: Parameters<typeof jobView>[0]['status']) => jobView({ metadata, status }, [], names);
    expect(at(undefined).outcome).toBeUndefined();
    expect(at({ conditions: [{ type: 'Complete', status: 'False' }] }).outcome).toBeUndefined();
    expect(at({ conditions: [{ type: 'SuccessCriteriaMet', status: 'True' }] }).outcome).toBeUndefined();
    expect(
      at({ completionTime: '2026-01-02T12:00:05Z', conditions: [{ type: 'Complete', status: 'True' }] }),
    ).toMatchObject({
      outcome: 'complete',
      finishedAt: Date.parse('2026-01-02T12:00:05Z'),
    });
    expect(
      at({ conditions: [{ type: 'Failed', status: 'True', lastTransitionTime: '2026-01-02T12:00:07Z' }] }),
    ).toMatchObject({
      outcome: 'failed',
      finishedAt: Date.parse('2026-01-02T12:00:07Z'),
    });
  });

  it('knows since when its pods work and which of their conditions hold', () => {
    const { pods } = jobView(
      { metadata: { name: 'a' } },
      [
        {
          status: {
            phase: 'Running',
            conditions: [
              { type: 'Ready', status: 'True' },
              { type: 'Other', status: 'False' },
            ],
            containerStatuses: [
              { state: { running: { startedAt: '2026-01-02T12:00:09Z' } } },
              { state: { terminated: { startedAt: '2026-01-02T12:00:08Z' } } },
            ],
          },
        },
        {},
      ],
      names,
    );
    expect(pods).toEqual([
      { phase: 'Running', startedAt: Date.parse('2026-01-02T12:00:08Z'), conditions: ['Ready'] },
      { phase: 'Unknown', startedAt: undefined, conditions: [] },
    ]);
  });
});
