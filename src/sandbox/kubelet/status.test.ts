import { describe, expect, it } from 'vitest';
import type { ContainerState, ContainerStatus, Pod } from '../controllers/kinds.ts';
import { phaseOf, podStatusOf } from './status.ts';

const at = '2026-01-01T00:00:00Z';
const ended = (exitCode: number): ContainerState => ({ terminated: { exitCode, startedAt: at, finishedAt: at } });
const states: Record<string, Partial<ContainerStatus>> = {
  waits: { state: { waiting: { reason: 'ContainerCreating' } } },
  runs: { state: { running: { startedAt: at } }, ready: true, started: true },
  good: { state: ended(0) },
  bad: { state: ended(1) },
  loops: { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: ended(1) },
};
const status = (name: string): ContainerStatus => ({
  name,
  image: '',
  imageID: '',
  ready: false,
  restartCount: 0,
  lastState: {},
  state: {},
  ...states[name],
});
const pod = (restartPolicy: 'Always' | 'OnFailure' | 'Never', init = 0): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { restartPolicy, containers: [], initContainers: Array.from({ length: init }, (_, i) => ({ name: `i${i}` })) },
});

describe('the phase of a pod', () => {
  it.each([
    ['Never', '', 'waits', 'Pending'],
    ['Never', '', 'runs', 'Running'],
    ['Never', '', 'runs waits', 'Pending'],
    ['Never', '', 'runs bad', 'Running'],
    ['Never', '', 'good good', 'Succeeded'],
    ['Never', '', 'good bad', 'Failed'],
    ['OnFailure', '', 'good', 'Succeeded'],
    ['OnFailure', '', 'bad', 'Running'],
    ['OnFailure', '', 'good loops', 'Running'],
    ['Always', '', 'good', 'Running'],
    ['Always', '', 'loops', 'Running'],
    ['Never', 'runs', 'waits', 'Pending'],
    ['Never', 'good', 'runs', 'Running'],
    ['Never', 'bad', 'waits', 'Failed'],
    ['OnFailure', 'loops', 'waits', 'Pending'],
  ] as const)('restartPolicy %s, init %j, containers %j: %s', (policy, init, main, phase) => {
    const list = (text: string) => (text === '' ? [] : text.split(' ').map(status));
    expect(phaseOf(pod(policy, list(init).length), list(init), list(main))).toBe(phase);
  });

  it('stays when it is final', () => {
    const done = { ...pod('Never'), status: { phase: 'Failed' as const } };
    const facts = { pod: done, init: [], main: [status('good')], startTime: at, now: Date.parse(at) };
    expect(podStatusOf(facts).phase).toBe('Failed');
  });

  it('is final when a deleted pod has ended, even if it would be restarted', () => {
    const leaving = { ...pod('Always'), metadata: { name: 'p', deletionTimestamp: at } };
    const facts = { pod: leaving, init: [], main: [status('good')], startTime: at, now: Date.parse(at) };
    expect(podStatusOf(facts).phase).toBe('Succeeded');
  });
});
