import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { KINDS, type KindName } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { type ControlPlane, startControlPlane } from '../support/cluster/index.ts';
import { everyField } from '../support/every-field.ts';
import { aScaledJob, aScaledObject } from '../support/manifests.ts';

const root = path.resolve(import.meta.dirname, '../..');
const definitions = path.join(root, 'config/crd/all.yaml');
const kinds = Object.keys(KINDS) as KindName[];

let cluster: ControlPlane;
beforeAll(async () => {
  cluster = await startControlPlane({ nodes: 0 });
});
afterAll(() => cluster?.stop());

/** Gives a manifest to the API server, which says in JSON what it would keep. */
async function create(manifest: object): Promise<KubeObject & { spec: unknown }> {
  const flags = ['create', '--dry-run=server', '--validate=false', '-o', 'json', '-f', '-'];
  return JSON.parse(await cluster.kubectl(flags, { input: JSON.stringify(manifest) }));
}

const manifestOf = (kind: KindName, spec: unknown, name = 'some') => {
  const { group, version } = KINDS[kind].type;
  return { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec };
};

describe('the custom resource definitions', () => {
  // Client-side apply keeps the whole manifest in an annotation, which has 256 KiB at most; KEDA's own need --server-side.
  test('are applied by a plain kubectl apply, and unchanged by a second one', async () => {
    const lines = (output: string) =>
      output
        .trim()
        .split('\n')
        .map((line) => line.split(' ').at(-1));
    expect(lines(await cluster.kubectl(['apply', '-f', definitions]))).toEqual(kinds.map(() => 'created'));
    expect(lines(await cluster.kubectl(['apply', '-f', definitions]))).toEqual(kinds.map(() => 'unchanged'));
  });

  test('are established, with no complaint about their schema', async () => {
    await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=20s', '-f', definitions]);
    const { items } = JSON.parse(await cluster.kubectl(['get', 'crd', '-o', 'json'])) as {
      items: (KubeObject & { status: { conditions: { type: string; message: string }[] } })[];
    };
    expect(items).toHaveLength(kinds.length);
    expect(
      items.flatMap(({ status }) => status.conditions).filter(({ type }) => type === 'NonStructuralSchema'),
    ).toEqual([]);
  });

  test('are found by the short names that KEDA has', async () => {
    const listed = await cluster.kubectl(['api-resources', '--no-headers']);
    const shortNames = Object.fromEntries(
      listed
        .split('\n')
        .filter((line) => line.includes('keda.sh/'))
        .map((line) => {
          const columns = line.split(/ +/);
          return [columns.at(-1), columns.length === 5 ? columns[1] : ''];
        }),
    );
    expect(shortNames).toEqual({
      ScaledObject: 'so',
      ScaledJob: 'sj',
      TriggerAuthentication: 'ta,triggerauth',
      ClusterTriggerAuthentication: 'cta,clustertriggerauth',
      CloudEventSource: '',
      ClusterCloudEventSource: '',
    });
  });

  test('explain their fields', async () => {
    expect(await cluster.kubectl(['explain', 'scaledobject.spec.pollingInterval'])).toContain('<integer>');
  });
});

describe.each(kinds)('%s', (kind) => {
  test('with every field is kept whole', async () => {
    const spec = everyField(KINDS[kind].spec);
    expect((await create(manifestOf(kind, spec))).spec).toEqual(spec);
  });
});

describe('manifests as people have them for KEDA', async () => {
  const text = await readFile(path.join(root, 'test/fixtures/manifests/keda.yaml'), 'utf8');
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as KubeObject & { spec: unknown });

  test.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
    '%s is accepted, and no field of it is dropped',
    async (_, manifest) => {
      // Strict: kubectl refuses a manifest with a field that the API server does not know.
      expect(await cluster.apply([manifest], ['--validate=strict'])).toContain(' created');
      const { kind, metadata } = manifest;
      const live = JSON.parse(await cluster.kubectl(['get', kind, metadata.name, '-o', 'json']));
      expect(live.spec).toMatchObject(manifest.spec as object);
    },
  );

  test('are listed with the columns that KEDA shows', async () => {
    const head = async (kind: string) => (await cluster.kubectl(['get', kind])).split('\n')[0]?.split(/ {2,}/);
    expect(await head('scaledobject')).toEqual([
      'NAME',
      'SCALETARGETKIND',
      'SCALETARGETNAME',
      'MIN',
      'MAX',
      'READY',
      'ACTIVE',
      'FALLBACK',
      'PAUSED',
      'TRIGGERS',
      'AUTHENTICATIONS',
      'AGE',
    ]);
    expect(await head('scaledjob')).toEqual([
      'NAME',
      'MIN',
      'MAX',
      'READY',
      'ACTIVE',
      'PAUSED',
      'TRIGGERS',
      'AUTHENTICATIONS',
      'AGE',
    ]);
  });
});

const scaledObject = aScaledObject().spec;
const scaledJob = aScaledJob().spec;
const fallback = { failureThreshold: 1, replicas: 1 };

test.each<[what: string, kind: KindName, spec: unknown, named: string]>([
  ['no triggers', 'ScaledObject', { ...scaledObject, triggers: [] }, 'spec.triggers'],
  ['no target', 'ScaledObject', { triggers: scaledObject.triggers }, 'spec.scaleTargetRef'],
  ['min above max', 'ScaledObject', { ...scaledObject, minReplicaCount: 3, maxReplicaCount: 2 }, 'minReplicaCount'],
  ['min above the default max', 'ScaledObject', { ...scaledObject, minReplicaCount: 101 }, 'minReplicaCount'],
  ['text for a number', 'ScaledObject', { ...scaledObject, pollingInterval: '5' }, 'spec.pollingInterval'],
  [
    'a number for text',
    'ScaledObject',
    { ...scaledObject, triggers: [{ type: 'a', metadata: { b: 5 } }] },
    'spec.triggers[0].metadata.b',
  ],
  ['no polling', 'ScaledObject', { ...scaledObject, pollingInterval: 0 }, 'spec.pollingInterval'],
  [
    'an unknown fallback',
    'ScaledObject',
    { ...scaledObject, fallback: { ...fallback, behavior: 'x' } },
    'spec.fallback.behavior',
  ],
  [
    'a fallback without replicas',
    'ScaledObject',
    { ...scaledObject, fallback: { failureThreshold: 1 } },
    'spec.fallback.replicas',
  ],
  [
    'an unknown strategy',
    'ScaledJob',
    { ...scaledJob, scalingStrategy: { strategy: 'x' } },
    'spec.scalingStrategy.strategy',
  ],
  ['no template', 'ScaledJob', { ...scaledJob, jobTargetRef: {} }, 'spec.jobTargetRef.template'],
  ['an unknown cloud', 'TriggerAuthentication', { podIdentity: { provider: 'x' } }, 'spec.podIdentity.provider'],
  [
    'a reference without a key',
    'TriggerAuthentication',
    { secretTargetRef: [{ parameter: 'a', name: 'b' }] },
    'spec.secretTargetRef[0].key',
  ],
  ['no destination', 'CloudEventSource', {}, 'spec.destination'],
  [
    'an unknown event',
    'CloudEventSource',
    { destination: {}, eventSubscription: { includedEventTypes: ['x'] } },
    'spec.eventSubscription.includedEventTypes[0]',
  ],
])('%s is refused by name', async (_, kind, spec, named) => {
  await expect(create(manifestOf(kind, spec, 'bad'))).rejects.toThrow(named);
});

test.each<[what: string, kind: KindName, spec: unknown, kept: unknown]>([
  ['an unknown field is dropped', 'ScaledObject', { ...scaledObject, minReplicas: 1 }, scaledObject],
  ['a name without a value is dropped', 'ScaledObject', { ...scaledObject, minReplicaCount: null }, scaledObject],
  [
    'an absent fallback behaviour is static',
    'ScaledObject',
    { ...scaledObject, fallback },
    { ...scaledObject, fallback: { ...fallback, behavior: 'static' } },
  ],
  [
    'an absent OAuth flow is the one of clients',
    'TriggerAuthentication',
    { oauth2: { clientId: 'a', tokenUrl: 'b' } },
    { oauth2: { clientId: 'a', tokenUrl: 'b', type: 'clientCredentials' } },
  ],
])('%s', async (_, kind, spec, kept) => {
  expect((await create(manifestOf(kind, spec))).spec).toEqual(kept);
});
