import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Agent, request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { clusterFacts } from '../../../test/support/admission-facts.ts';
import { aScaledJob, aScaledObject } from '../../../test/support/manifests.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createAuthority, createServingCertificate } from '../certificates/index.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { createAdmissionServer } from './server.ts';
import type { Validation } from './types.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const authority = createAuthority('test', Date.now());
const tls = createServingCertificate(authority, ['localhost', '127.0.0.1'], Date.now());
const SCALED_OBJECT = '/validate-keda-sh-v1alpha1-scaledobject';
const cron = {
  type: 'cron',
  metadata: { timezone: 'UTC', start: '0 8 * * *', end: '0 18 * * *', desiredReplicas: '3' },
};

async function start(facts: ClusterFacts = clusterFacts()) {
  const validations: Validation[] = [];
  const metrics = { validation: (each: Validation) => void validations.push(each) };
  const server = createAdmissionServer({ facts, tls, metrics, log: silentLogger, clock: systemClock });
  undo.push(() => server.close(0));
  const { port } = await server.listen('127.0.0.1', 0);
  const dispatcher = new Agent({ connect: { ca: authority.cert } });
  undo.push(() => dispatcher.close());
  const send = async (path: string, body: string, method: 'POST' | 'GET' = 'POST') => {
    const answer = await request(`https://127.0.0.1:${port}${path}`, {
      method,
      dispatcher,
      headers: { 'content-type': 'application/json' },
      ...(method === 'POST' ? { body } : {}),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, text };
  };
  const ask = async (path: string, requested: object) => {
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: 'u-1', ...requested },
    };
    const { status, text } = await send(path, JSON.stringify(review));
    const { apiVersion, kind, response } = JSON.parse(text) as Record<string, unknown> & {
      response: { allowed: boolean; status?: { code: number; message: string; reason: string }; warnings?: string[] };
    };
    return { http: status, apiVersion, kind, response };
  };
  return { send, ask, validations, server };
}

const creation = (object: object) => ({ operation: 'CREATE', namespace: 'shop', name: 'worker', object });

describe('the webhook server', () => {
  test('accepts a valid object with the uid of the request', async () => {
    const { ask, validations } = await start();
    const answer = await ask(SCALED_OBJECT, creation(aScaledObject({ triggers: [cron] })));
    expect(answer).toEqual({
      http: 200,
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u-1', allowed: true },
    });
    expect(validations).toEqual([{ kind: 'ScaledObject', namespace: 'shop', action: 'create', reasons: [] }]);
  });

  test('refuses with 403 and all problems, each with field, value and what to do', async () => {
    const { ask, validations } = await start();
    const object = aScaledObject({ minReplicaCount: 5, maxReplicaCount: 3, triggers: [{ ...cron, type: 'kron' }] });
    const { response } = await ask(SCALED_OBJECT, creation(object));
    expect(response).toMatchObject({ uid: 'u-1', allowed: false, status: { code: 403, reason: 'Forbidden' } });
    expect(response.status?.message.split('\n')).toEqual([
      '2 problems:',
      '- spec.minReplicaCount (5): must not be greater than maxReplicaCount, which is 3',
      '- spec.triggers[0].type: there is no trigger type "kron"; did you mean "cron"?',
    ]);
    expect(validations).toEqual([
      {
        kind: 'ScaledObject',
        namespace: 'shop',
        action: 'create',
        reasons: ['incorrect-replicas', 'incorrect-triggers'],
      },
    ]);
  });

  test('warns in lines that fit into a header', async () => {
    const { ask } = await start();
    const object = aScaledObject({ minReplicaCount: 1, pollingInterval: 5, cooldownPeriod: 5, triggers: [cron] });
    const { response } = await ask(SCALED_OBJECT, creation(object));
    expect(response.allowed).toBe(true);
    expect(response.warnings?.map((text) => text.split(':')[0])).toEqual([
      'spec.pollingInterval',
      'spec.cooldownPeriod',
    ]);
    for (const text of response.warnings ?? []) expect(text.length).toBeLessThanOrEqual(256);
  });

  test('counts neither what it does not judge nor other kinds', async () => {
    const { ask, validations } = await start();
    const spec = { podIdentity: { provider: 'azure-workload', identityId: '' } };
    const authentication = {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'TriggerAuthentication',
      metadata: { name: 'a' },
      spec,
    };
    const answer = await ask('/validate-keda-sh-v1alpha1-triggerauthentication', creation(authentication));
    expect(answer.response.allowed).toBe(false);
    await ask(SCALED_OBJECT, { operation: 'DELETE', oldObject: aScaledObject() });
    expect(validations).toEqual([]);
  });

  test.each([
    ['no JSON', '{', 400, 'JSON'],
    ['no review', '{"kind":"Pod"}', 400, 'AdmissionReview'],
    ['a review of an older version', '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}', 400, 'v1'],
    ['no request', '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', 400, 'uid'],
  ])('answers 400 to %s', async (_, body, code, word) => {
    const { send } = await start();
    const { status, text } = await send(SCALED_OBJECT, body);
    expect(status).toBe(400);
    const { response } = JSON.parse(text) as {
      response: { allowed: boolean; status: { code: number; message: string } };
    };
    expect(response).toMatchObject({ allowed: false, status: { code } });
    expect(response.status.message).toContain(word);
  });

  test.each([
    ['an object of another kind', creation(aScaledJob())],
    ['no object', { operation: 'UPDATE' }],
  ])('refuses %s with 400 under the uid of the request', async (_, requested) => {
    const { ask } = await start();
    const { http, response } = await ask(SCALED_OBJECT, requested);
    expect(http).toBe(200);
    expect(response).toMatchObject({ uid: 'u-1', allowed: false, status: { code: 400 } });
  });

  test.each([
    ['/elsewhere', 'POST' as const, '{}', 404],
    [SCALED_OBJECT, 'GET' as const, '', 405],
    [SCALED_OBJECT, 'POST' as const, ' '.repeat(7 * 1024 * 1024 + 1), 413],
    ['/healthz', 'GET' as const, '', 200],
  ])('answers %s with %s: %#', async (path, method, body, expected) => {
    const { send } = await start();
    expect((await send(path, body, method)).status).toBe(expected);
  });

  test('answers in time with a warning when the cluster does not', async () => {
    const never: ClusterFacts['scaledObjects'] = (_namespace, _claim, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const { ask } = await start({ ...clusterFacts(), scaledObjects: never });
    const before = performance.now();
    const { response } = await ask(`${SCALED_OBJECT}?timeout=1s`, creation(aScaledObject({ triggers: [cron] })));
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(response.allowed).toBe(true);
    expect(response.warnings?.join()).toContain('did not answer in time');
  });

  test('takes a new certificate for new connections', async () => {
    const { ask, server } = await start();
    server.setTls(createServingCertificate(authority, ['127.0.0.1'], Date.now()));
    expect((await ask(SCALED_OBJECT, creation(aScaledObject({ triggers: [cron] })))).response.allowed).toBe(true);
  });

  test('says so when its port is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    undo.push(() => blocker.close());
    await once(blocker, 'listening');
    const server = createAdmissionServer({ facts: clusterFacts(), tls, log: silentLogger, clock: systemClock });
    const { port } = blocker.address() as AddressInfo;
    await expect(server.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'PortInUse' });
  });
});
