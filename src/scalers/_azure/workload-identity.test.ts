import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import { answerJson, startHttpServer, type TestHttpServer } from '../../../test/support/http-server.ts';
import { scalerDeps } from '../../../test/support/scaler-deps.ts';
import { createHttpClient } from '../_http/client.ts';
import type { PodIdentity } from '../definition.ts';
import { endpointSuffix } from './cloud.ts';
import { workloadIdentity } from './workload-identity.ts';

describe('workload identity', () => {
  let entra: TestHttpServer;
  let folder: string;
  let clock: FakeClock;
  let answer: (response: ServerResponse) => void;
  const signal = new AbortController().signal;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-identity-'));
    await writeFile(path.join(folder, 'token'), 'from-the-kubelet\n');
    clock = createFakeClock();
    let issued = 0;
    answer = (response) => answerJson(response, { access_token: `token-${++issued}`, expires_in: 3600 });
    entra = await startHttpServer((_, response) => answer(response));
  });
  afterEach(async () => {
    await entra.stop();
    await rm(folder, { recursive: true });
  });

  const source = (podIdentity: Partial<PodIdentity> = {}, env: Record<string, string> = {}) => {
    const deps = scalerDeps({
      clock,
      env: {
        AZURE_CLIENT_ID: 'client',
        AZURE_TENANT_ID: 'tenant',
        AZURE_AUTHORITY_HOST: `${entra.url}/`,
        AZURE_FEDERATED_TOKEN_FILE: path.join(folder, 'token'),
        ...env,
      },
    });
    return workloadIdentity({
      scope: 'https://storage.azure.com/.default',
      podIdentity: { provider: 'azure-workload', ...podIdentity },
      defaultAuthority: 'https://login.microsoftonline.com',
      deps,
      http: createHttpClient({ deps }),
    });
  };

  it('exchanges the token of the service account, once for everybody with the same identity', async () => {
    expect(await Promise.all([source()(signal), source()(signal), source()(signal)])).toEqual(
      Array.from({ length: 3 }, () => 'token-1'),
    );
    expect(entra.requests).toHaveLength(1);
    expect(entra.requests[0]?.url).toBe('/tenant/oauth2/v2.0/token');
    expect(Object.fromEntries(new URLSearchParams(entra.requests[0]?.body))).toMatchObject({
      grant_type: 'client_credentials',
      client_id: 'client',
      scope: 'https://storage.azure.com/.default',
      client_assertion: 'from-the-kubelet',
    });
  });

  it('asks again five minutes before the token ends', async () => {
    const token = source();
    expect(await token(signal)).toBe('token-1');
    await clock.advance(54 * 60_000);
    expect(await token(signal)).toBe('token-1');
    await clock.advance(2 * 60_000);
    expect(await token(signal)).toBe('token-2');
  });

  it("prefers the pod identity's own ids", async () => {
    await source({ identityId: 'mine', identityTenantId: 'home' })(signal);
    expect(entra.requests[0]?.url).toBe('/home/oauth2/v2.0/token');
    expect(entra.requests[0]?.body).toContain('client_id=mine');
  });

  it('says what Microsoft Entra refused, and asks again next time', async () => {
    const issue = answer;
    answer = (response) =>
      answerJson(response, { error: 'invalid_client', error_description: 'AADSTS70021: no match\r\nTrace: 1' }, 401);
    const token = source();
    await expect(token(signal)).rejects.toMatchObject({ code: 'CredentialRefused' });
    await expect(token(signal)).rejects.toThrow(/AADSTS70021: no match$/);
    answer = issue;
    expect(await token(signal)).toBe('token-1');
  });

  it.each([
    ['no identity', { AZURE_CLIENT_ID: '' }],
    ['no file', { AZURE_FEDERATED_TOKEN_FILE: '/does/not/exist' }],
  ])('needs an identity of the operator: %s', async (_, env) => {
    await expect(source({}, env)(signal)).rejects.toMatchObject({ code: 'CredentialNotFound' });
  });
});

describe('the end of a host name', () => {
  it.each([
    [undefined, undefined, 'queue.core.windows.net'],
    ['azurepubliccloud', 'ignored', 'queue.core.windows.net'],
    ['AzureUSGovernmentCloud', undefined, 'queue.core.usgovcloudapi.net'],
    ['AzureChinaCloud', undefined, 'queue.core.chinacloudapi.cn'],
    ['Private', 'queue.internal.example', 'queue.internal.example'],
  ])('cloud %s with suffix %s', async (cloud, suffix, expected) => {
    expect(await endpointSuffix('storage', 'queue.', { cloud, suffix }, {})).toBe(expected);
  });

  it('is read from a file for AzureStackCloud', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-cloud-'));
    const file = path.join(folder, 'environment.json');
    await writeFile(file, JSON.stringify({ storageEndpointSuffix: 'local.stack' }));
    const where = { cloud: 'AzureStackCloud', suffix: undefined };
    expect(await endpointSuffix('storage', 'queue.', where, { AZURE_ENVIRONMENT_FILEPATH: file })).toBe(
      'queue.local.stack',
    );
    await expect(endpointSuffix('storage', 'queue.', where, {})).rejects.toMatchObject({ code: 'InvalidTrigger' });
    await rm(folder, { recursive: true });
  });
});
