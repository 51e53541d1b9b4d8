import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../base/object.ts';
import { type Applied, applyIfChanged, applyWouldChange } from './apply.ts';

const wanted = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: {
    name: 'keda-hpa-web',
    namespace: 'shop',
    labels: { 'app.kubernetes.io/name': 'keda-hpa-web' },
    ownerReferences: [
      { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'web', uid: 'u1', controller: true },
    ],
  },
  spec: {
    maxReplicas: 10,
    metrics: [
      {
        type: 'External',
        external: { metric: { name: 's0-x' }, target: { type: 'AverageValue', averageValue: '1500m' } },
      },
    ],
  },
} satisfies Applied & { spec: unknown };

type Change = (
  live: { metadata: Record<string, unknown>; spec: Record<string, unknown> },
  fields: Record<string, unknown>,
) => void;

/** The live object after `wanted` was applied, with what the server adds, and then changed. */
function liveAfter(change: Change = () => {}): KubeObject {
  const live = structuredClone(wanted) as unknown as {
    metadata: Record<string, unknown>;
    spec: Record<string, unknown>;
  };
  live.metadata.uid = 'u9';
  live.metadata.resourceVersion = '7';
  live.spec.minReplicas = 1;
  const fields: Record<string, unknown> = {
    'f:metadata': {
      'f:labels': { 'f:app.kubernetes.io/name': {} },
      'f:ownerReferences': { 'k:{"uid":"u1"}': {} },
    },
    'f:spec': { 'f:maxReplicas': {}, 'f:metrics': {} },
  };
  change(live, fields);
  live.metadata.managedFields = [
    { manager: 'kube-controller-manager', operation: 'Update', subresource: 'status', fieldsV1: { 'f:status': {} } },
    { manager: 'windlass', operation: 'Apply', apiVersion: 'autoscaling/v2', fieldsType: 'FieldsV1', fieldsV1: fields },
  ];
  return live as unknown as KubeObject;
}

describe('applying', () => {
  it.each<[string, boolean, Change]>([
    ['nothing changed', false, () => {}],
    ['the server set defaults and a status', false, (live) => Object.assign(live, { status: { currentReplicas: 3 } })],
    [
      'somebody added a label and an owner',
      false,
      (live) => {
        Object.assign(live.metadata.labels as object, { team: 'a' });
        (live.metadata.ownerReferences as unknown[]).unshift({ uid: 'u0' });
      },
    ],
    ['somebody changed a value', true, (live) => Object.assign(live.spec, { maxReplicas: 20 })],
    ['somebody removed a label', true, (live) => Object.assign(live.metadata, { labels: {} })],
    [
      'the server wrote a quantity in another way',
      false,
      (live) => {
        live.spec.metrics = JSON.parse(JSON.stringify(live.spec.metrics).replace('1500m', '1.5'));
      },
    ],
    [
      'a quantity is another one',
      true,
      (live) => {
        live.spec.metrics = JSON.parse(JSON.stringify(live.spec.metrics).replace('1500m', '1501m'));
      },
    ],
    [
      'the metrics are more than wanted',
      true,
      (live) => {
        (live.spec.metrics as unknown[]).push({ type: 'Resource' });
      },
    ],
    [
      'a metric has a field that is wanted no longer',
      true,
      (live) => {
        live.spec.metrics = JSON.parse(
          JSON.stringify(live.spec.metrics).replace('"name":"s0-x"', '"name":"s0-x","selector":{}'),
        );
      },
    ],
    [
      'somebody changed our owner reference',
      true,
      (live) => {
        Object.assign((live.metadata.ownerReferences as object[])[0] ?? {}, { controller: false });
      },
    ],
    [
      'we own a field that is wanted no longer',
      true,
      (live, fields) => {
        Object.assign(live.spec, { behavior: {} });
        Object.assign(fields['f:spec'] as object, { 'f:behavior': {} });
      },
    ],
    [
      'the value is as wanted but another manager’s alone',
      true,
      (_, fields) => {
        delete (fields['f:spec'] as Record<string, unknown>)['f:maxReplicas'];
      },
    ],
    [
      'we own an owner reference that is wanted no longer',
      true,
      (live, fields) => {
        (live.metadata.ownerReferences as unknown[]).push({ uid: 'u2' });
        Object.assign((fields['f:metadata'] as Record<string, object>)['f:ownerReferences'] ?? {}, {
          'k:{"uid":"u2"}': {},
        });
      },
    ],
  ])('when %s writes: %s', (_, expected, change) => {
    expect(applyWouldChange(liveAfter(change), wanted)).toBe(expected);
  });

  it('writes when nothing says what is ours, as after a stripped read or another manager’s write', () => {
    const live = liveAfter();
    delete live.metadata.managedFields;
    expect(applyWouldChange(live, wanted)).toBe(true);
    expect(applyWouldChange(liveAfter(), wanted, 'somebody-else')).toBe(true);
  });

  it('does not take a label that looks like a quantity for one', () => {
    const labelled = (value: string): Applied => ({
      ...wanted,
      metadata: { ...wanted.metadata, labels: { 'app.kubernetes.io/name': value } },
    });
    const live = liveAfter((object) => Object.assign(object.metadata, { labels: { 'app.kubernetes.io/name': '1' } }));
    expect(applyWouldChange(live, labelled('1000m'))).toBe(true);
    expect(applyWouldChange(live, labelled('1'))).toBe(false);
  });

  it('reads once and writes only what differs', async () => {
    const live = liveAfter();
    const calls: unknown[] = [];
    const client = {
      find: async () => live,
      patch: async (...args: unknown[]) => {
        calls.push(args.slice(1));
        return live;
      },
    } as never;
    const type = {
      group: 'autoscaling',
      version: 'v2',
      plural: 'horizontalpodautoscalers',
      kind: wanted.kind,
      namespaced: true,
    };
    expect(await applyIfChanged(client, type, wanted)).toEqual({ object: live, written: false });
    const more = { ...wanted, spec: { ...wanted.spec, maxReplicas: 11 } };
    expect((await applyIfChanged(client, type, more)).written).toBe(true);
    expect(calls).toEqual([
      ['keda-hpa-web', more, { namespace: 'shop', type: 'apply', fieldManager: 'windlass', force: true }],
    ]);
  });
});
