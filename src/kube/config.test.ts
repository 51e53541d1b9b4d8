import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LoadOptions, loadConnection, proxyFor } from './config.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

const write = async (name: string, content: unknown) => {
  const file = path.join(folder, name);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};
const load = (options: LoadOptions) =>
  loadConnection({ env: {}, homeFolder: folder, serviceAccountFolder: folder, ...options });
const config = (user: object = {}, cluster: object = {}, context: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'dev',
  contexts: [{ name: 'dev', context: { cluster: 'c', user: 'u', ...context } }],
  clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443/', ...cluster } }],
  users: [{ name: 'u', user }],
});

describe('a kubeconfig', () => {
  it('gives server, namespace, certificate authority and token, written as YAML', async () => {
    const file = await write(
      'config',
      `
current-context: dev
contexts: [{name: dev, context: {cluster: c, user: 7, namespace: shop}}]
clusters:
  - name: c
    cluster:
      server: https://10.0.0.1:6443/
      certificate-authority-data: ${Buffer.from('PEM').toString('base64')}
      tls-server-name: kubernetes
      proxy-url: http://proxy:3128
users: [{name: 7, user: {token: secret}}]
`,
    );
    expect(await load({ kubeconfig: file })).toEqual({
      server: 'https://10.0.0.1:6443',
      namespace: 'shop',
      source: `context "dev" of ${file}`,
      ca: { data: 'PEM' },
      insecureSkipTlsVerify: false,
      tlsServerName: 'kubernetes',
      proxyUrl: 'http://proxy:3128',
      user: { token: 'secret' },
    });
  });

  it('has paths that start from its own folder, whatever the current one', async () => {
    const file = await write(
      'config',
      config(
        { 'client-certificate': 'me.crt', 'client-key': '/keys/me.key', tokenFile: 'token' },
        { 'certificate-authority': 'pki/ca.crt', 'insecure-skip-tls-verify': true },
      ),
    );
    expect(await load({ kubeconfig: file })).toMatchObject({
      ca: { file: path.join(folder, 'pki/ca.crt') },
      insecureSkipTlsVerify: true,
      user: {
        clientCertificate: { file: path.join(folder, 'me.crt') },
        clientKey: { file: '/keys/me.key' },
        tokenFile: path.join(folder, 'token'),
      },
    });
  });

  it('can be several in KUBECONFIG: the first mention wins, missing files are skipped', async () => {
    const first = await write('first', {
      'current-context': 'dev',
      contexts: [{ name: 'dev', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: { token: 'first' } }],
    });
    const second = await write('second', { ...config({ token: 'second' }), 'current-context': 'other' });
    const KUBECONFIG = [path.join(folder, 'missing'), first, second].join(path.delimiter);
    expect(await load({ env: { KUBECONFIG } })).toMatchObject({
      server: 'https://10.0.0.1:6443',
      user: { token: 'first' },
    });
  });

  it('is the one named, else KUBECONFIG, else the service account, else ~/.kube/config', async () => {
    const named = await write('named', config({ token: 'named' }));
    const listed = await write('listed', config({ token: 'listed' }));
    const env = { KUBECONFIG: listed, KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
    await write('token', 'x');
    await write('ca.crt', 'PEM');
    await write('namespace', 'keda\n');
    expect((await load({ kubeconfig: named, env })).user.token).toBe('named');
    expect((await load({ env })).user.token).toBe('listed');
    expect(await load({ env: { ...env, KUBECONFIG: '' } })).toEqual({
      server: 'https://10.96.0.1:443',
      namespace: 'keda',
      source: 'the service account of this pod',
      ca: { file: path.join(folder, 'ca.crt') },
      insecureSkipTlsVerify: false,
      user: { tokenFile: path.join(folder, 'token') },
    });
    expect((await load({ env: { ...env, KUBECONFIG: '', KUBERNETES_SERVICE_HOST: 'fd00::1' } })).server).toBe(
      'https://[fd00::1]:443',
    );
  });

  it('can name another context', async () => {
    const file = await write('config', {
      ...config(),
      contexts: [
        { name: 'dev', context: { cluster: 'c', user: 'u' } },
        { name: 'prod', context: { cluster: 'c', user: 'u', namespace: 'prod' } },
      ],
    });
    expect((await load({ kubeconfig: file, context: 'prod' })).namespace).toBe('prod');
  });

  it.each<[string, unknown, RegExp]>([
    ['no YAML', 'a: [', /it is not YAML/],
    ['empty', '', /it is empty or not a map/],
    ['no current context', { contexts: [] }, /it has no current-context/],
    ['an unknown context', { ...config(), 'current-context': 'x' }, /there is no context "x"/],
    ['an unknown cluster', config({}, {}, { cluster: 'x' }), /names the cluster "x", which is not there/],
    ['an unknown user', config({}, {}, { user: 'x' }), /names the user "x", which is not there/],
    ['no server', config({}, { server: '' }), /cluster "c" has no server/],
    ['a server that is no URL', config({}, { server: '10.0.0.1' }), /is not an http or https URL/],
    ['half of a client certificate', config({ 'client-certificate': 'x' }), /only one of client-certificate/],
    [
      'a removed auth provider',
      config({ 'auth-provider': { name: 'gcp' } }),
      /auth-provider, which Kubernetes removed/,
    ],
    ['a plugin without a command', config({ exec: { apiVersion: 'client.authentication.k8s.io/v1' } }), /no command/],
    [
      'a plugin of another version',
      config({ exec: { command: 'x', apiVersion: 'v1alpha1' } }),
      /apiVersion "v1alpha1"/,
    ],
  ])('is refused with %s', async (_, content, message) => {
    const file = await write('config', content);
    const error = await load({ kubeconfig: file }).catch((e) => e);
    expect(error).toMatchObject({ code: 'InvalidArgument', message: expect.stringMatching(message) });
    expect(error.message).toContain(file);
  });

  it('that is not there is named, and what can be done', async () => {
    await expect(load({ kubeconfig: path.join(folder, 'x') })).rejects.toThrow('there is no such file');
    await expect(load({ env: { KUBECONFIG: '/no/such/file' } })).rejects.toThrow(
      'none of the files in KUBECONFIG exists',
    );
    await expect(load({})).rejects.toMatchObject({ hint: expect.stringContaining('pass --kubeconfig') });
  });
});

describe('the proxy', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['https://10.0.0.1:6443', {}, undefined],
    ['https://10.0.0.1:6443', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1'],
    ['https://10.0.0.1:6443', { https_proxy: 'p:1' }, 'http://p:1'],
    ['http://10.0.0.1', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['https://127.0.0.1:6443', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['https://localhost', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['https://[::1]:6443', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['https://10.0.0.1', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'x, 10.0.0.0/8' }, undefined],
    ['https://11.0.0.1', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '10.0.0.0/8' }, 'http://p:1'],
    ['https://api.example.com', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'example.com' }, undefined],
    ['https://example.com', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '.example.com' }, 'http://p:1'],
    ['https://notexample.com', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'example.com' }, 'http://p:1'],
    ['https://a.example.com:6443', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.example.com:443' }, 'http://p:1'],
    ['https://a.example.com:6443', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.example.com:6443' }, undefined],
    ['https://a.example.com', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' }, undefined],
  ])('for %s with %j is %s', (server, env, proxy) => {
    expect(proxyFor(server, env)).toBe(proxy);
  });
});
