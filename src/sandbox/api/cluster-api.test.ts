import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { KubeObject, ResourceType } from '../../base/object.ts';
import { createClusterApi } from '../index.ts';
import type { AnyObject, ClusterApi } from '../types.ts';

const type = (group: string, version: string, plural: string, kind: string, namespaced = true): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced,
});
const CONFIG_MAP = type('', 'v1', 'configmaps', 'ConfigMap');
const DEPLOYMENT = type('apps', 'v1', 'deployments', 'Deployment');
const NAMESPACE = type('', 'v1', 'namespaces', 'Namespace', false);
const SECRET = type('', 'v1', 'secrets', 'Secret');
const POD = type('', 'v1', 'pods', 'Pod');
const CRD = type('apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition', false);

const deployment = (name: string, replicas = 1) => ({
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
});

let api: ClusterApi;
beforeEach(async () => {
  api = await createClusterApi({ clock: systemClock, log: silentLogger });
});

describe('objects', () => {
  it('get uid, creation time and a growing resource version', async () => {
    const a = await api.create(CONFIG_MAP, { metadata: { name: 'a' }, data: { x: '1' } }, 'default');
    const b = await api.create(CONFIG_MAP, { metadata: { generateName: 'b-' } }, 'default');
    expect(a.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(b.metadata.name).toMatch(/^b-[a-z0-9]{5}$/);
    expect(Number(b.metadata.resourceVersion)).toBeGreaterThan(Number(a.metadata.resourceVersion));
    expect(Object.isFrozen(a.metadata)).toBe(true);
  });

  it('are refused with the words of Kubernetes', async () => {
    await api.create(CONFIG_MAP, { metadata: { name: 'a' } }, 'default');
    const again = api.create(CONFIG_MAP, { metadata: { name: 'a' } }, 'default');
    await expect(again).rejects.toMatchObject({ reason: 'AlreadyExists', message: 'configmaps "a" already exists' });
    const nowhere = api.create(CONFIG_MAP, { metadata: { name: 'a' } }, 'nowhere');
    await expect(nowhere).rejects.toMatchObject({ reason: 'NotFound', message: 'namespaces "nowhere" not found' });
    await expect(api.delete(DEPLOYMENT, 'x', 'default')).rejects.toMatchObject({
      message: 'deployments.apps "x" not found',
    });
    const badName = api.create(CONFIG_MAP, { metadata: { name: 'Not_OK' } }, 'default');
    await expect(badName).rejects.toMatchObject({ reason: 'Invalid' });
  });

  it('conflict when written from an old version', async () => {
    const first = await api.create(CONFIG_MAP, { metadata: { name: 'a' } }, 'default');
    await api.update(CONFIG_MAP, { ...first, data: { x: '1' } } as KubeObject);
    await expect(api.update(CONFIG_MAP, { ...first, data: { x: '2' } } as KubeObject)).rejects.toMatchObject({
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  it('stay as they are when an update changes nothing', async () => {
    const first = await api.create(CONFIG_MAP, { metadata: { name: 'a' }, data: { x: '1' } }, 'default');
    const same = await api.patch(CONFIG_MAP, 'a', 'default', { type: 'merge', patch: { data: { x: '1' } } });
    expect(same.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it('fold stringData of a Secret into data', async () => {
    const secret = await api.create(SECRET, { metadata: { name: 's' }, stringData: { user: 'me' } }, 'default');
    expect(secret).toMatchObject({ data: { user: 'bWU=' }, type: 'Opaque' });
    expect(secret.stringData).toBeUndefined();
  });
});

describe('status and generation', () => {
  it('count spec changes only, and keep spec and status apart', async () => {
    const created = await api.create(DEPLOYMENT, { ...deployment('d'), status: { replicas: 9 } }, 'default');
    expect(created.metadata.generation).toBe(1);
    expect(created.status).not.toMatchObject({ replicas: 9 });
    const patchOf = (patch: unknown, sub?: 'status' | 'scale') =>
      api.patch(DEPLOYMENT, 'd', 'default', { type: 'merge', patch }, sub);
    const labelled = await patchOf({ metadata: { labels: { a: 'b' } }, status: { replicas: 7 } });
    expect(labelled.metadata.generation).toBe(1);
    expect(labelled.status).not.toMatchObject({ replicas: 7 });
    const counted = await patchOf({ status: { replicas: 1 }, spec: { replicas: 5 } }, 'status');
    expect(counted).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1 }, status: { replicas: 1 } });
    const scaled = await patchOf({ spec: { replicas: 4 } }, 'scale');
    expect(scaled).toMatchObject({ kind: 'Scale', spec: { replicas: 4 }, status: { replicas: 1, selector: 'app=d' } });
    expect(api.get(DEPLOYMENT, 'd', 'default')).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 4 } });
  });
});

describe('deletion', () => {
  it('waits for finalizers and happens with the last one', async () => {
    await api.create(CONFIG_MAP, { metadata: { name: 'a', finalizers: ['x.dev/hold'] } }, 'default');
    await api.delete(CONFIG_MAP, 'a', 'default');
    expect(api.get(CONFIG_MAP, 'a', 'default')?.metadata.deletionTimestamp).toBeDefined();
    const more = { metadata: { finalizers: ['x.dev/hold', 'x.dev/more'] } };
    await expect(api.patch(CONFIG_MAP, 'a', 'default', { type: 'merge', patch: more })).rejects.toMatchObject({
      reason: 'Invalid',
    });
    await api.patch(CONFIG_MAP, 'a', 'default', { type: 'merge', patch: { metadata: { finalizers: null } } });
    expect(api.get(CONFIG_MAP, 'a', 'default')).toBeUndefined();
  });

  it('gives running pods their grace period and others none', async () => {
    const spec = { terminationGracePeriodSeconds: 5, containers: [{ name: 'c', image: 'i' }] };
    await api.create(POD, { metadata: { name: 'waiting' }, spec }, 'default');
    await api.create(POD, { metadata: { name: 'running' }, spec: { ...spec, nodeName: 'n' } }, 'default');
    await api.delete(POD, 'waiting', 'default');
    await api.delete(POD, 'running', 'default');
    expect(api.get(POD, 'waiting', 'default')).toBeUndefined();
    expect(api.get(POD, 'running', 'default')?.metadata.deletionGracePeriodSeconds).toBe(5);
    await api.delete(POD, 'running', 'default', { gracePeriodSeconds: 0 });
    expect(api.get(POD, 'running', 'default')).toBeUndefined();
  });

  it('of a namespace stops new content and waits for spec.finalizers', async () => {
    await api.create(NAMESPACE, { metadata: { name: 'n' } });
    await api.delete(NAMESPACE, 'n');
    expect(api.get(NAMESPACE, 'n')).toMatchObject({ status: { phase: 'Terminating' } });
    await expect(api.create(CONFIG_MAP, { metadata: { name: 'a' } }, 'n')).rejects.toMatchObject({
      reason: 'Forbidden',
      message:
        'configmaps "a" is forbidden: unable to create new content in namespace n because it is being terminated',
    });
  });
});

describe('watch', () => {
  it('sees every change in order, also those made while watching', async () => {
    const seen: string[] = [];
    const late: string[] = [];
    const stop = api.watch(CONFIG_MAP, ({ type: kind, object }) => {
      seen.push(`${kind} ${object.metadata.name}`);
      if (object.metadata.name === 'a' && kind === 'ADDED') {
        void api.create(CONFIG_MAP, { metadata: { name: 'b' } }, 'default');
      }
    });
    api.watch(CONFIG_MAP, ({ type: kind, object }) => late.push(`${kind} ${object.metadata.name}`));
    await api.create(CONFIG_MAP, { metadata: { name: 'a' } }, 'default');
    await api.delete(CONFIG_MAP, 'a', 'default');
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'DELETED a']);
    expect(late).toEqual(seen);
    stop();
    await api.delete(CONFIG_MAP, 'b', 'default');
    expect(seen).toHaveLength(3);
  });
});

describe('custom resources', () => {
  const crd = {
    metadata: { name: 'things.x.dev' },
    spec: {
      group: 'x.dev',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          subresources: { status: {} },
        },
      ],
    },
  };

  it('are served as soon as the definition exists, and go with it', async () => {
    const created = await api.create(CRD, crd);
    expect(created).toMatchObject({ spec: { names: { singular: 'thing', listKind: 'ThingList' } } });
    const thing = api.resolve('x.dev/v1', 'Thing');
    expect(thing).toMatchObject({ plural: 'things', namespaced: true });
    if (!thing) return;
    await api.create(thing, { metadata: { name: 't', finalizers: ['x.dev/hold'] }, spec: { a: 1 } }, 'default');
    await api.delete(CRD, 'things.x.dev');
    expect(api.get(CRD, 'things.x.dev')).toMatchObject({ metadata: { deletionTimestamp: expect.any(String) } });
    await api.patch(thing, 't', 'default', { type: 'merge', patch: { metadata: { finalizers: null } } });
    await expect.poll(() => api.get<AnyObject>(CRD, 'things.x.dev')).toBeUndefined();
    expect(api.resolve('x.dev/v1', 'Thing')).toBeUndefined();
  });
});
