import { describe, expect, it } from 'vitest';
import { noCluster, triggerContext } from '../../../test/support/scaler-deps.ts';
import { conformance } from '../../../test/support/scaler-kit.ts';
import type { ClusterReader, Reading } from '../definition.ts';
import { definition } from './definition.ts';
import { createScaler } from './scaler.ts';

const pod = (phase: string, nodeName: string | undefined = 'n1') => ({ phase, nodeName });
const CONFIG = { podSelector: 'app=web', value: 1, activationValue: 0, groupByNode: false };
const signal = new AbortController().signal;

conformance(definition, { trigger: () => ({ metadata: { podSelector: 'app=web', value: '1' } }) });

/** A cluster whose pods are given; remembers what it was asked. */
function clusterWith(...states: ReturnType<typeof pod>[][]) {
  const asked: string[] = [];
  const cluster: ClusterReader = {
    ...noCluster,
    async listPods(namespace, selector) {
      asked.push(`${namespace} ${selector}`);
      return states[0] ?? [];
    },
    async watchPods(namespace, selector, _signal, onChange) {
      asked.push(`${namespace} ${selector}`);
      for (const state of states) onChange(state);
    },
  };
  return { cluster, asked };
}

describe('counting', () => {
  it.each([
    ['pods in every phase but the finished ones', false, 4],
    ['distinct nodes, pods without one left out', true, 2],
  ])('%s', async (_, groupByNode, value) => {
    const { cluster, asked } = clusterWith([
      pod('Running'),
      pod('Pending', undefined),
      pod('Unknown', 'n2'),
      pod('Running', 'n2'),
      pod('Succeeded', 'n3'),
      pod('Failed', 'n3'),
    ]);
    const scaler = createScaler({ ...CONFIG, groupByNode }, { cluster, context: triggerContext() });
    expect(await scaler.read(signal)).toEqual({ value });
    expect(asked).toEqual(['shop app=web']);
  });

  it('finds none where there is none', async () => {
    const scaler = createScaler(CONFIG, { cluster: clusterWith().cluster, context: triggerContext() });
    expect(await scaler.read(signal)).toEqual({ value: 0 });
  });

  it('hands on the error when pods cannot be listed', async () => {
    const scaler = createScaler(CONFIG, { cluster: noCluster, context: triggerContext() });
    await expect(scaler.read(signal)).rejects.toThrow('this test has no pods');
  });
});

it('follows changes, and is silent while the number stays', async () => {
  const { cluster } = clusterWith([], [pod('Pending')], [pod('Running')], [pod('Running'), pod('Running')], []);
  const scaler = createScaler(CONFIG, { cluster, context: triggerContext() });
  const seen: Reading[] = [];
  await scaler.watch?.(signal, (reading) => seen.push(reading));
  expect(seen.map(({ value }) => value)).toEqual([0, 1, 2, 0]);
});
