import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { type Sandbox, startSandbox } from '../../index.ts';

let sandbox: Sandbox;
let agent: Agent;
beforeAll(async () => {
  sandbox = await startSandbox({ clock: systemClock, log: silentLogger, controllers: false });
  agent = new Agent({ connect: { ca: sandbox.ca ?? '' } });
});
afterAll(async () => {
  await agent.close();
  await sandbox.stop();
});

/** The fields that these tests read of what the server answers. */
interface Document {
  kind: string;
  code?: number;
  metadata: { name: string; resourceVersion: string; continue?: string };
  items: Document[];
  data: Record<string, string>;
  spec?: object;
  status: { token: string; userInfo: object };
  groups: { name: string }[];
  resources: { name: string }[];
  columnDefinitions: object[];
}

interface WatchLine {
  type: string;
  object: Document;
}

interface Answer {
  status: number;
  body: Document;
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${sandbox.url}${path}`, {
    method,
    dispatcher: agent,
    headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: response.status, body: (json ? JSON.parse(text) : text) as Document };
}

/** Reads watch events until the wanted number has come. */
async function watch(path: string, count: number, act: () => Promise<unknown> = async () => {}): Promise<WatchLine[]> {
  const response = await fetch(`${sandbox.url}${path}`, {
    dispatcher: agent,
    headers: { authorization: `Bearer ${sandbox.token}` },
  });
  const events: WatchLine[] = [];
  let rest = '';
  const acting = act();
  for await (const chunk of response.body ?? []) {
    rest += Buffer.from(chunk).toString();
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    events.push(...lines.map((line) => JSON.parse(line) as WatchLine));
    if (events.length >= count) break;
  }
  await acting;
  return events;
}

const short = (events: WatchLine[]) =>
  events.map(({ type, object }) => `${type} ${object.metadata?.name ?? object.code}`);
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, labels: Record<string, string> = {}, data = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});

describe('access', () => {
  it('is open for health and version only', async () => {
    const open = { authorization: '' };
    expect((await call('GET', '/readyz', undefined, open)).body).toBe('ok');
    expect((await call('GET', '/version', undefined, open)).body).toMatchObject({ major: '1', minor: '36' });
    expect(await call('GET', '/api/v1/pods', undefined, open)).toMatchObject({
      status: 401,
      body: { reason: 'Unauthorized' },
    });
    expect(await call('GET', '/apis', undefined, { authorization: 'Bearer wrong' })).toMatchObject({ status: 401 });
  });

  it('is given to service accounts by tokens that end with them', async () => {
    await call('POST', '/api/v1/namespaces/default/serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'robot' },
    });
    const made = await call('POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: ['https://kubernetes.default.svc.cluster.local'] },
    });
    expect(made.status).toBe(201);
    const authorization = `Bearer ${made.body.status.token}`;
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const who = () => call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review, { authorization });
    expect((await who()).body.status.userInfo).toMatchObject({
      username: 'system:serviceaccount:default:robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    });
    const token = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: made.body.status.token },
    };
    const reviewed = await call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', token);
    expect(reviewed.body.status).toMatchObject({ authenticated: true });
    await call('DELETE', '/api/v1/namespaces/default/serviceaccounts/robot');
    expect((await who()).status).toBe(401);
  });
});

describe('reading and writing', () => {
  it('answers with Kubernetes’ codes', async () => {
    expect((await call('POST', CONFIG_MAPS, configMap('codes'))).status).toBe(201);
    expect(await call('POST', CONFIG_MAPS, configMap('codes'))).toMatchObject({
      status: 409,
      body: { reason: 'AlreadyExists' },
    });
    expect((await call('GET', `${CONFIG_MAPS}/codes`)).body.metadata).toMatchObject({
      name: 'codes',
      namespace: 'default',
    });
    expect(await call('GET', `${CONFIG_MAPS}/nothing`)).toMatchObject({
      status: 404,
      body: {
        kind: 'Status',
        message: 'configmaps "nothing" not found',
        details: { name: 'nothing', kind: 'configmaps' },
      },
    });
    expect((await call('GET', '/apis/no.such/v1/things')).status).toBe(404);
    expect((await call('PATCH', `${CONFIG_MAPS}/codes`, '{}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await call('POST', CONFIG_MAPS, '{')).status).toBe(400);
    expect(await call('DELETE', `${CONFIG_MAPS}/codes`)).toMatchObject({ status: 200, body: { status: 'Success' } });
  });

  it('changes nothing in a dry run', async () => {
    expect((await call('POST', `${CONFIG_MAPS}?dryRun=All`, configMap('dry'))).status).toBe(201);
    expect((await call('GET', `${CONFIG_MAPS}/dry`)).status).toBe(404);
  });

  it('takes every kind of patch', async () => {
    await call('POST', CONFIG_MAPS, configMap('patched', { a: '1' }, { x: '1' }));
    const patch = (type: string, body: unknown, query = '') =>
      call('PATCH', `${CONFIG_MAPS}/patched${query}`, body, { 'content-type': `application/${type}` });
    expect((await patch('merge-patch+json', { data: { x: null, y: '2' } })).body.data).toEqual({ y: '2' });
    expect((await patch('json-patch+json', [{ op: 'add', path: '/data/z', value: '3' }])).body.data).toEqual({
      y: '2',
      z: '3',
    });
    expect((await patch('strategic-merge-patch+json', { data: { y: '4' } })).body.data).toEqual({ y: '4', z: '3' });
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'patched' }, data: { w: '5' } };
    expect((await patch('apply-patch+yaml', applied, '?fieldManager=me')).body.data).toEqual({
      w: '5',
      y: '4',
      z: '3',
    });
    expect((await patch('apply-patch+yaml', applied)).status).toBe(422);
    const fresh = { ...applied, metadata: { name: 'applied' } };
    const created = await call('PATCH', `${CONFIG_MAPS}/applied?fieldManager=me`, fresh, {
      'content-type': 'application/apply-patch+yaml',
    });
    expect(created.status).toBe(201);
  });

  it('lists by labels and fields, in pages', async () => {
    await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'lists' } });
    const path = '/api/v1/namespaces/lists/configmaps';
    for (const name of ['c', 'a', 'b']) await call('POST', path, configMap(name, { app: name }));
    const names = async (query: string) => (await call('GET', path + query)).body.items.map((i) => i.metadata.name);
    expect(await names('?labelSelector=app')).toEqual(['a', 'b', 'c']);
    expect(await names('?labelSelector=app%20in%20(a,c)')).toEqual(['a', 'c']);
    expect(await names('?fieldSelector=metadata.name=b')).toEqual(['b']);
    const first = (await call('GET', `${path}?limit=2&labelSelector=app`)).body;
    const second = (await call('GET', `${path}?limit=2&labelSelector=app&continue=${first.metadata.continue}`)).body;
    expect([...first.items, ...second.items].map((i) => i.metadata.name)).toEqual(['a', 'b', 'c']);
    expect(second.metadata.continue).toBeUndefined();
    const unknown = await call('GET', `${path}?fieldSelector=data.x=1`);
    expect(unknown).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('field label not supported: data.x') },
    });
    expect((await call('DELETE', `${path}?labelSelector=app!=a`)).status).toBe(200);
    expect(await names('?labelSelector=app')).toEqual(['a']);
  });

  it('shows tables and metadata to who asks for them', async () => {
    const as = (what: string) => ({ accept: `application/json;as=${what};v=v1;g=meta.k8s.io,application/json` });
    const table = await call('GET', '/api/v1/namespaces', undefined, as('Table'));
    expect(table.body).toMatchObject({
      kind: 'Table',
      columnDefinitions: [{ name: 'Name' }, ...Array(table.body.columnDefinitions.length - 1).fill({})],
    });
    const metadata = await call('GET', '/api/v1/namespaces', undefined, as('PartialObjectMetadataList'));
    expect(metadata.body.kind).toBe('PartialObjectMetadataList');
    expect(metadata.body.items[0]).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'default' } });
    expect(metadata.body.items[0]?.spec).toBeUndefined();
    const protobuf = { accept: 'application/vnd.kubernetes.protobuf' };
    expect((await call('GET', '/api/v1/namespaces', undefined, protobuf)).body.kind).toBe('NamespaceList');
    const yaml = await call('GET', '/api/v1/namespaces/default', undefined, { accept: 'application/yaml' });
    expect(yaml.body).toContain('kind: Namespace');
  });

  it('shows events in both groups', async () => {
    const created = await call('POST', '/apis/events.k8s.io/v1/namespaces/default/events', {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      note: 'it happened',
      reason: 'Happened',
      action: 'Happening',
      type: 'Normal',
      reportingController: 'test',
      reportingInstance: 'test-1',
      regarding: { kind: 'ConfigMap', name: 'x', namespace: 'default' },
    });
    expect(created.status).toBe(201);
    const core = await call('GET', '/api/v1/events?fieldSelector=involvedObject.name=x,reason=Happened');
    expect(core.body.items[0]).toMatchObject({ message: 'it happened', involvedObject: { name: 'x' } });
    const fresh = await call('GET', '/apis/events.k8s.io/v1/events?fieldSelector=regarding.name=x');
    expect(fresh.body.items[0]).toMatchObject({ note: 'it happened' });
  });
});

describe('watching', () => {
  it('tells what came before and what comes after, and ends in time', async () => {
    await call('POST', CONFIG_MAPS, configMap('w1', { w: 'yes' }));
    const path = `${CONFIG_MAPS}?watch=true&labelSelector=w=yes`;
    const events = await watch(path, 4, async () => {
      await call('POST', CONFIG_MAPS, configMap('w2', { w: 'yes' }));
      await call('PUT', `${CONFIG_MAPS}/w2`, configMap('w2', { w: 'no' }));
      await call('DELETE', `${CONFIG_MAPS}/w1`);
    });
    expect(short(events)).toEqual(['ADDED w1', 'ADDED w2', 'DELETED w2', 'DELETED w1']);
    expect(
      short(await watch(`${CONFIG_MAPS}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=none`, 1)),
    ).toEqual([]);
  });

  it('goes on from a version', async () => {
    const { resourceVersion } = (await call('GET', CONFIG_MAPS)).body.metadata;
    await call('POST', CONFIG_MAPS, configMap('r1'));
    await call('POST', CONFIG_MAPS, configMap('r2'));
    const path = `${CONFIG_MAPS}?watch=true&resourceVersion=`;
    expect(short(await watch(path + resourceVersion, 2))).toEqual(['ADDED r1', 'ADDED r2']);
  });

  it('marks the end of the initial state', async () => {
    const path =
      '/api/v1/namespaces?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
    const events = await watch(`${path}&fieldSelector=metadata.name=default`, 2);
    expect(short(events)[0]).toBe('ADDED default');
    expect(events[1]).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'Namespace', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  });
});

describe('discovery', () => {
  it('names groups, versions and resources', async () => {
    const groups = (await call('GET', '/apis')).body.groups;
    expect(groups.find((g) => g.name === 'autoscaling')).toMatchObject({
      preferredVersion: { version: 'v2' },
      versions: [{ version: 'v2' }, { version: 'v1' }],
    });
    const apps = (await call('GET', '/apis/apps/v1')).body.resources;
    expect(apps.find((r) => r.name === 'deployments/scale')).toMatchObject({
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
    });
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const all = await call('GET', '/apis', undefined, { accept });
    expect(all.body).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
    expect((await call('GET', '/api', undefined, { accept })).body).toMatchObject({
      items: [{ versions: [{ version: 'v1' }] }],
    });
  });
});
