import { describe, expect, it } from 'vitest';
import { scaledJob } from '../../test/support/decision-jobs.ts';
import { failing, NOW, noData, pending, secondsAgo, trigger, value } from '../../test/support/decision-objects.ts';
import type { ScaledJob } from '../api/index.ts';
import type { ExpectedJob, JobView } from './job-view.ts';
import { decideJobs } from './jobs.ts';
import { explain } from './record.ts';
import type { ExternalTriggerState, TriggerState } from './trigger-state.ts';

interface Case {
  spec?: Partial<ScaledJob['spec']>;
  annotations?: Record<string, string>;
  status?: ScaledJob['status'];
  triggers?: TriggerState[];
  jobs?: JobView[] | undefined;
  expected?: ExpectedJob[];
}

const decide = ({ spec, annotations, status, ...rest }: Case) =>
  decideJobs({
    object: scaledJob({ spec, annotations, status }),
    cause: 'poll',
    now: NOW,
    lastActiveAt: undefined,
    triggers: rest.triggers ?? [queue(0)],
    jobs: 'jobs' in rest ? rest.jobs : [],
    expected: rest.expected ?? [],
  });

let made = 0;
const job = (more: Partial<JobView> = {}): JobView => ({
  name: `job-${++made}`,
  createdAt: secondsAgo(600),
  pods: [],
  ...more,
});
/** Works since long ago. */
const working = (startedSecondsAgo = 500): JobView =>
  job({ pods: [{ phase: 'Running', startedAt: secondsAgo(startedSecondsAgo), conditions: ['Ready'] }] });
const waiting = (): JobView => job({ pods: [{ phase: 'Pending', conditions: [] }] });
const ended = (endedSecondsAgo: number): JobView =>
  job({
    outcome: 'complete',
    finishedAt: secondsAgo(endedSecondsAgo),
    pods: [{ phase: 'Succeeded', startedAt: secondsAgo(500), conditions: [] }],
  });
const many = (count: number, make: () => JobView): JobView[] => Array.from({ length: count }, make);
const queue = (length: number, more: Partial<ExternalTriggerState> = {}) =>
  trigger(value(length), { target: 1, ...more });

const strategy = (name: 'default' | 'custom' | 'accurate' | 'eager', more = {}) => ({
  scalingStrategy: { strategy: name, ...more },
});

describe('how many Jobs are created', () => {
  it.each<[string, Case, number, string]>([
    ['one for each message', { triggers: [queue(7)] }, 7, 'jobs-queue'],
    ['one for each target’s worth, rounded up', { triggers: [queue(7, { target: 3 })] }, 3, 'jobs-queue'],
    ['at most as many as allowed', { triggers: [queue(150)], spec: { maxReplicaCount: 30 } }, 30, 'jobs-max'],
    ['at most 100 without a maximum', { triggers: [queue(500)] }, 100, 'jobs-max'],
    ['none for an empty queue', { triggers: [queue(0)] }, 0, 'jobs-inactive'],
    ['none for a queue that is all taken care of', { triggers: [queue(3)], jobs: many(3, working) }, 0, 'jobs-covered'],
    ['the missing ones', { triggers: [queue(5)], jobs: many(3, working) }, 2, 'jobs-queue'],
    ['a target of zero asks for nothing', { triggers: [queue(5, { target: 0 })] }, 0, 'jobs-covered'],
    ['below the activation nothing', { triggers: [queue(5, { activation: 5 })] }, 0, 'jobs-inactive'],
    ['ended Jobs are no Jobs', { triggers: [queue(5)], jobs: many(9, () => ended(100)) }, 5, 'jobs-queue'],
    [
      'Jobs on their way out still run',
      { triggers: [queue(5)], jobs: many(2, () => ({ ...working(), deleting: true })) },
      3,
      'jobs-queue',
    ],
    [
      'Jobs that no list shows yet count',
      {
        triggers: [queue(5)],
        expected: [
          { name: 'a', createdAt: NOW },
          { name: 'b', createdAt: NOW },
        ],
      },
      3,
      'jobs-queue',
    ],
    [
      'but not twice',
      { triggers: [queue(5)], jobs: [job({ name: 'a' })], expected: [{ name: 'a', createdAt: NOW }] },
      4,
      'jobs-queue',
    ],
    [
      'and not for ever',
      { triggers: [queue(5)], expected: [{ name: 'a', createdAt: secondsAgo(301) }] },
      5,
      'jobs-queue',
    ],
    [
      'paused creates none',
      { annotations: { 'autoscaling.keda.sh/paused': 'true' }, triggers: [queue(5)] },
      0,
      'jobs-paused',
    ],
    ['an unknown list of Jobs creates none', { triggers: [queue(5)], jobs: undefined }, 0, 'jobs-unknown'],
    ['an error creates none', { triggers: [trigger(failing)] }, 0, 'jobs-error-hold'],
    ['no data creates none', { triggers: [trigger(noData)] }, 0, 'jobs-no-data-hold'],
    ['no answer yet creates none', { triggers: [trigger(pending, { lastKnownActive: true })] }, 0, 'jobs-no-data-hold'],
    [
      'an error beside a queue hinders nothing',
      { triggers: [trigger(failing), queue(2, { index: 1 })] },
      2,
      'jobs-queue',
    ],
    // minimum
    ['the minimum always runs', { spec: { minReplicaCount: 3 }, jobs: many(1, working) }, 2, 'jobs-min'],
    ['whatever the source says', { spec: { minReplicaCount: 3 }, triggers: [trigger(failing)] }, 3, 'jobs-min'],
    [
      'Jobs for the queue come on top of it',
      { spec: { minReplicaCount: 3, maxReplicaCount: 10 }, triggers: [queue(20)], jobs: many(3, working) },
      7,
      'jobs-max',
    ],
    [
      'a minimum above the maximum is the maximum',
      { spec: { minReplicaCount: 9, maxReplicaCount: 4 }, triggers: [queue(20)] },
      4,
      'jobs-min',
    ],
    [
      'and leaves no room for more',
      { spec: { minReplicaCount: 9, maxReplicaCount: 4 }, triggers: [queue(20)], jobs: many(4, working) },
      0,
      'jobs-max',
    ],
    // strategies
    [
      'default subtracts what runs',
      { spec: { ...strategy('default'), maxReplicaCount: 10 }, triggers: [queue(8)], jobs: many(6, working) },
      2,
      'jobs-queue',
    ],
    [
      'custom subtracts a number and a share',
      {
        spec: strategy('custom', { customScalingQueueLengthDeduction: 1, customScalingRunningJobPercentage: '0.5' }),
        triggers: [queue(10)],
        jobs: many(3, working),
      },
      7,
      'jobs-queue',
    ],
    [
      'custom with a larger deduction',
      {
        spec: strategy('custom', { customScalingQueueLengthDeduction: 5, customScalingRunningJobPercentage: '1' }),
        triggers: [queue(10)],
        jobs: many(3, working),
      },
      2,
      'jobs-strategy',
    ],
    [
      'custom without a share is default',
      {
        spec: strategy('custom', { customScalingQueueLengthDeduction: 5 }),
        triggers: [queue(10)],
        jobs: many(3, working),
      },
      7,
      'jobs-queue',
    ],
    [
      'custom stays within the maximum',
      {
        spec: { ...strategy('custom', { customScalingRunningJobPercentage: '0' }), maxReplicaCount: 5 },
        triggers: [queue(10)],
        jobs: many(4, working),
      },
      1,
      'jobs-max',
    ],
    [
      'accurate takes the queue as free of what is worked on',
      { spec: strategy('accurate'), triggers: [queue(5)], jobs: many(3, working) },
      5,
      'jobs-queue',
    ],
    [
      'but not of what still waits',
      { spec: strategy('accurate'), triggers: [queue(5)], jobs: [...many(3, working), ...many(2, waiting)] },
      3,
      'jobs-queue',
    ],
    [
      'nor of what has just started',
      { spec: strategy('accurate'), triggers: [queue(5)], jobs: many(2, () => working(1)) },
      3,
      'jobs-queue',
    ],
    [
      'accurate stays within the maximum',
      { spec: { ...strategy('accurate'), maxReplicaCount: 6 }, triggers: [queue(5)], jobs: many(4, working) },
      2,
      'jobs-max',
    ],
    [
      'eager fills the room',
      { spec: { ...strategy('eager'), maxReplicaCount: 10 }, triggers: [queue(20)], jobs: many(4, working) },
      6,
      'jobs-max',
    ],
    [
      'eager makes no Job for work that has one',
      { spec: { ...strategy('eager'), maxReplicaCount: 10 }, triggers: [queue(2)], jobs: many(2, waiting) },
      0,
      'jobs-covered',
    ],
    [
      'pendingPodConditions say what still waits',
      {
        spec: strategy('accurate', { pendingPodConditions: ['Ready', 'Initialized'] }),
        triggers: [queue(5)],
        jobs: many(2, working),
      },
      3,
      'jobs-queue',
    ],
    // several triggers
    ['the longest queue counts', { triggers: [queue(3), queue(5, { index: 1 })] }, 5, 'jobs-queue'],
    [
      'or the shortest',
      {
        spec: { scalingStrategy: { multipleScalersCalculation: 'min' } },
        triggers: [queue(3), queue(5, { index: 1 })],
      },
      3,
      'jobs-queue',
    ],
    [
      'or the mean',
      {
        spec: { scalingStrategy: { multipleScalersCalculation: 'avg' } },
        triggers: [queue(3), queue(6, { index: 1 })],
      },
      5,
      'jobs-queue',
    ],
    [
      'or the sum',
      {
        spec: { scalingStrategy: { multipleScalersCalculation: 'sum' } },
        triggers: [queue(3), queue(5, { index: 1 })],
      },
      8,
      'jobs-queue',
    ],
    [
      'inactive triggers do not count',
      {
        spec: { scalingStrategy: { multipleScalersCalculation: 'min' } },
        triggers: [queue(3, { activation: 3 }), queue(5, { index: 1 })],
      },
      5,
      'jobs-queue',
    ],
  ])('%s', (_name, options, create, rule) => {
    const decision = decide(options);
    expect([decision.create, decision.record.rule]).toEqual([create, rule]);
  });

  it('does not count a Job that ended since the reading as free', () => {
    // Twelve messages, ten of them with a Job; since then five of these ended, so two lack one, not seven.
    const jobs = [...many(5, working), ...many(5, () => ended(1))];
    const triggers = [queue(12, { ageMs: 3_000 })];
    expect(decide({ triggers, jobs, spec: { maxReplicaCount: 20 } }).create).toBe(2);
  });

  it('knows that the work of a Job that ended before the reading is not in it', () => {
    const jobs = [...many(5, working), ...many(5, () => ended(10))];
    expect(decide({ triggers: [queue(12, { ageMs: 3_000 })], jobs, spec: { maxReplicaCount: 20 } }).create).toBe(7);
  });

  it('does not let Jobs that ended take the room of a long queue', () => {
    const jobs = [...many(25, working), ...many(5, () => ended(1))];
    expect(decide({ triggers: [queue(150, { ageMs: 3_000 })], jobs, spec: { maxReplicaCount: 30 } }).create).toBe(5);
  });
});

describe('what is kept and told', () => {
  it('tells when work comes and when it is gone, and nothing in between', () => {
    const reasons = (length: number, status: 'True' | 'False') =>
      decide({ triggers: [queue(length)], status: { conditions: [{ type: 'Active', status }] } }).events.map(
        (e) => e.reason,
      );
    expect(reasons(1, 'False')).toEqual(['ScaledJobActive']);
    expect(reasons(1, 'True')).toEqual([]);
    expect(reasons(0, 'True')).toEqual(['ScaledJobInactive']);
  });

  it('leaves Active alone while nothing is known', () => {
    const conditions = [{ type: 'Active' as const, status: 'True' as const }];
    const decision = decide({ triggers: [trigger(failing, { lastKnownActive: true })], status: { conditions } });
    expect(decision.conditions).toBe(conditions);
  });

  it('gives back the very conditions when nothing changed', () => {
    const conditions = [...decide({ triggers: [queue(4)] }).conditions];
    expect(decide({ triggers: [queue(5)], status: { conditions } }).conditions).toBe(conditions);
  });

  it('reads to a person as sentences', () => {
    expect(explain(decide({ triggers: [queue(150)], spec: { maxReplicaCount: 30 } }).record)).toEqual([
      'trigger 0 (rabbitmq): value 150 against target 1, active above 0, read 0.2 s ago: it is active and asks for 150 Jobs.',
      '0 Jobs now, 30 wanted; 0 to 30 allowed.',
      '30 Jobs are created.',
      'Rule jobs-max: There is more work than Jobs may run at a time: maxReplicaCount limits them. (strategy default, 0 running, 0 of them pending)',
    ]);
  });
});
