import { describe, expect, it } from 'vitest';
import { forAverageValue, forPods, forValue, type PodSample } from './replicas.ts';

const TEN_PERCENT = { up: 0.1, down: 0.1 };

describe('a target per pod (AverageValue)', () => {
  it.each([
    // usage, target, status replicas -> replicas, usage per pod; all in thousandths
    [35_000, 10_000, 3, 4, 11_667],
    [33_000, 10_000, 3, 3, 11_000],
    [33_001, 10_000, 3, 4, 11_001],
    [27_000, 10_000, 3, 3, 9_000],
    [26_999, 10_000, 3, 3, 9_000],
    [20_000, 10_000, 3, 2, 6_667],
    [0, 10_000, 3, 0, 0],
    [1, 10_000, 3, 1, 1],
    [150_000, 1_000, 1, 150, 150_000],
    [5_000, 10_000, 0, 1, 5_000],
    // Kubernetes: TestReplicaCalcScaleUpPerPodCMExternal and …ScaleDownPerPodCMExternal.
    [8_600, 2_150, 3, 4, 2_867],
    [8_600, 2_867, 5, 3, 1_720],
  ])('%i over %i with %i pods: %i', (usage, target, pods, replicas, average) => {
    expect(forAverageValue(usage, target, pods, TEN_PERCENT)).toEqual({ replicas, usage: average });
  });

  it('has a tolerance for each way', () => {
    const narrowUp = { up: 0.01, down: 0.5 };
    expect(forAverageValue(31_000, 10_000, 3, narrowUp).replicas).toBe(4);
    expect(forAverageValue(16_000, 10_000, 3, narrowUp).replicas).toBe(3);
  });
});

describe('a target as a whole (Value)', () => {
  it.each([
    // usage, target, spec replicas, ready of total -> replicas
    [8_600, 4_400, 3, 3, 3, 6],
    [8_600, 9_000, 3, 3, 3, 3],
    [8_600, 4_400, 3, 2, 3, 4],
    [8_600, 14_334, 5, 5, 5, 3],
    [100, 50, 0, 0, 0, 2],
    [0, 50, 0, 0, 0, 0],
  ])('%i over %i at %i replicas with %i of %i ready: %i', (usage, target, spec, ready, total, replicas) => {
    expect(forValue(usage, target, spec, { ready, total }, TEN_PERCENT).replicas).toBe(replicas);
  });

  it('cannot tell without pods', () => {
    expect(() => forValue(100, 10, 3, { ready: 0, total: 0 }, TEN_PERCENT)).toThrow('no pods returned by selector');
  });
});

const NOW = 10_000_000;
const pod = (usage: number | undefined, extra: Partial<PodSample> = {}): PodSample => ({
  name: 'p',
  phase: 'Running',
  deleting: false,
  startTime: NOW - 3_600_000,
  ready: { status: true, since: NOW - 3_600_000 },
  usage,
  at: NOW,
  windowMs: 15_000,
  request: 1000,
  ...extra,
});
const starting = (usage: number) =>
  pod(usage, { startTime: NOW - 60_000, ready: { status: false, since: NOW - 60_000 } });
const ask = (pods: PodSample[], specReplicas: number, target: number, utilization = true) =>
  forPods({ pods, specReplicas, target, utilization, isCpu: true, tolerances: TEN_PERCENT, now: NOW });

describe('a metric of every pod', () => {
  it.each([
    // Kubernetes' own replica calculator tests: requests of 1 CPU each.
    ['scales up', [300, 500, 700].map((u) => pod(u)), 3, 30, 5, 50],
    ['scales down', [100, 300, 500, 250, 250].map((u) => pod(u)), 5, 50, 3, 28],
    ['stays within the tolerance', [1010, 1030, 1020].map((u) => pod(u)), 3, 100, 3, 102],
    ['with an unready pod counts it as idle when scaling up', [starting(300), pod(500), pod(700)], 3, 30, 4, 60],
    ['with unready pods that change nothing stays', [starting(400), pod(500), starting(700)], 3, 30, 3, 50],
    [
      'does not count unready pods when scaling down',
      [pod(100), pod(300), pod(500), starting(250), starting(250)],
      5,
      50,
      2,
      30,
    ],
    [
      'does not count failed pods',
      [pod(500), pod(700), pod(0, { phase: 'Failed' }), pod(0, { phase: 'Failed' })],
      2,
      30,
      4,
      60,
    ],
    [
      'takes a pending pod for idle when scaling up',
      [pod(500), pod(700), pod(undefined, { phase: 'Pending' })],
      3,
      30,
      4,
      60,
    ],
    [
      'takes a missing metric for the whole request when scaling down',
      [pod(400), pod(95), pod(undefined)],
      3,
      50,
      3,
      24,
    ],
    ['takes a missing metric for nothing when scaling up', [pod(1000), pod(undefined)], 2, 20, 5, 100],
    ['stays when the missing metrics would turn it around', [pod(undefined), pod(1000)], 2, 100, 2, 100],
    ['may need nothing', [pod(0), pod(0)], 2, 50, 0, 0],
  ])('%s', (_name, pods, spec, target, replicas, utilization) => {
    expect(ask(pods, spec, target)).toMatchObject({ replicas, utilization });
  });

  it('by average value compares usage itself', () => {
    expect(ask([pod(300), pod(500), pod(700)], 3, 250, false)).toEqual({ replicas: 6, usage: 500 });
  });

  it('says when there is nothing to go by', () => {
    expect(() => ask([], 3, 50)).toThrow('no pods returned by selector while calculating replica count');
    expect(() => ask([starting(100)], 1, 50)).toThrow(
      'did not receive metrics for targeted pods (pods might be unready)',
    );
  });
});
