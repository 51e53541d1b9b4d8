import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { answerJson, startHttpServer } from '../../test/support/http-server.ts';
import { silentLogger } from '../base/log.ts';
import type { ResourceType } from '../base/object.ts';
import { createKubeClient } from './client.ts';
import type { ExecConfig, KubeConnection, KubeUser } from './config.ts';
import { createCredentials } from './credentials.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-credentials-'));
});
afterEach(() => rm(folder, { recursive: true }));

const connectionOf = (user: KubeUser, more: Partial<KubeConnection> = {}): KubeConnection => ({
  server: 'https://10.0.0.1:6443',
  namespace: 'default',
  source: 'the test',
  insecureSkipTlsVerify: false,
  user,
  ...more,
});
const setUp = (user: KubeUser, more?: Partial<KubeConnection>) => {
  const clock = createFakeClock();
  return { clock, credentials: createCredentials(connectionOf(user, more), { clock, log: silentLogger }) };
};

/** A plugin that counts its runs in a file and answers what the test says. */
async function plugin(status: object | string, exit = 0): Promise<{ exec: ExecConfig; runs(): Promise<number> }> {
  const answer =
    typeof status === 'string'
      ? status
      : JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });
  const script = path.join(folder, 'plugin.cjs');
  await writeFile(
    script,
    `#!${process.execPath}
const fs = require('node:fs');
fs.appendFileSync(${JSON.stringify(path.join(folder, 'runs'))}, 'x');
fs.writeFileSync(${JSON.stringify(path.join(folder, 'info'))}, process.env.KUBERNETES_EXEC_INFO + '\\n' + process.env.EXTRA + '\\n' + process.argv.slice(2).join(' '));
process.stderr.write(${JSON.stringify(exit === 0 ? '' : 'please log in')});
process.stdout.write(${JSON.stringify(answer)});
process.exitCode = ${exit};
`,
  );
  await chmod(script, 0o755);
  return {
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: './plugin.cjs',
      args: ['get-token', '--cluster=x'],
      env: [{ name: 'EXTRA', value: 'more' }],
      provideClusterInfo: true,
      folder,
    },
    runs: async () => (await readFile(path.join(folder, 'runs'), 'utf8').catch(() => '')).length,
  };
}

describe('credentials', () => {
  it.each<[string, KubeUser, Record<string, unknown>]>([
    ['nothing', {}, {}],
    ['a token', { token: 't' }, { authorization: 'Bearer t' }],
    ['a user name and password', { username: 'u', password: 'p' }, { authorization: 'Basic dTpw' }],
    [
      'somebody else’s name',
      { token: 't', impersonate: { user: 'bob', groups: ['a', 'b'] } },
      { authorization: 'Bearer t', 'impersonate-user': 'bob', 'impersonate-group': ['a', 'b'] },
    ],
  ])('with %s', async (_, user, headers) => {
    expect((await setUp(user).credentials.current()).headers).toEqual(headers);
  });

  it('read a token file again after ten seconds, at once after a 401, and keep the old one while it is missing', async () => {
    const tokenFile = path.join(folder, 'token');
    await writeFile(tokenFile, 'one\n');
    const { clock, credentials } = setUp({ tokenFile });
    const bearer = async () => (await credentials.current()).headers.authorization;
    expect(await bearer()).toBe('Bearer one');
    await writeFile(tokenFile, 'two\n');
    await clock.advance(9_999);
    expect(await bearer()).toBe('Bearer one');
    await clock.advance(1);
    expect(await bearer()).toBe('Bearer two');
    await writeFile(tokenFile, 'three');
    expect(credentials.renew()).toBe(true);
    expect(await bearer()).toBe('Bearer three');
    await rm(tokenFile);
    await clock.advance(10_000);
    expect(await bearer()).toBe('Bearer three');
  });

  it('name a file that is not there', async () => {
    await expect(setUp({ tokenFile: '/no/token' }).credentials.current()).rejects.toMatchObject({
      code: 'CredentialNotFound',
      message: expect.stringContaining('cannot read /no/token'),
    });
  });

  it('keep the same TLS material until a file changes', async () => {
    const ca = path.join(folder, 'ca.crt');
    await writeFile(ca, 'A');
    const { clock, credentials } = setUp({}, { ca: { file: ca } });
    const first = (await credentials.current()).tls;
    await clock.advance(60_000);
    expect((await credentials.current()).tls).toBe(first);
    await writeFile(ca, 'B');
    await clock.advance(10_000);
    expect((await credentials.current()).tls).toEqual({ ca: 'B' });
  });

  it('of a token alone cannot be renewed', () => {
    expect(setUp({ token: 't' }).credentials.renew()).toBe(false);
  });
});

describe('a credential plugin', () => {
  it('is run once for many requests, with what it needs to know, and again shortly before its token ends', async () => {
    const { exec, runs } = await plugin({ token: 't', expirationTimestamp: '2026-01-01T01:00:00Z' });
    const { clock, credentials } = setUp({ exec }, { ca: { data: 'PEM' } });
    const all = await Promise.all([credentials.current(), credentials.current(), credentials.current()]);
    expect(all.map(({ headers }) => headers.authorization)).toEqual(['Bearer t', 'Bearer t', 'Bearer t']);
    const [info = '', extra, args] = (await readFile(path.join(folder, 'info'), 'utf8')).split('\n');
    expect(JSON.parse(info)).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: {
        interactive: false,
        cluster: { server: 'https://10.0.0.1:6443', 'certificate-authority-data': 'UEVN' },
      },
    });
    expect([extra, args]).toEqual(['more', 'get-token --cluster=x']);
    await clock.advance(59 * 60_000 + 29_000);
    await credentials.current();
    expect(await runs()).toBe(1);
    await clock.advance(1_000);
    await credentials.current();
    expect(await runs()).toBe(2);
  });

  it('can give a client certificate', async () => {
    const { exec } = await plugin({ clientCertificateData: 'CERT', clientKeyData: 'KEY' });
    expect(await setUp({ exec }).credentials.current()).toEqual({ headers: {}, tls: { cert: 'CERT', key: 'KEY' } });
  });

  it.each<[string, object | string, number, RegExp]>([
    ['fails', {}, 3, /ended with code 3: please log in/],
    ['prints no JSON', 'token: abc', 0, /did not print JSON$/],
    ['prints something else', '{"kind":"Pod"}', 0, /did not print an ExecCredential/],
    ['prints another version', '{"kind":"ExecCredential","apiVersion":"v9"}', 0, /answered with apiVersion v9/],
    ['gives nothing', {}, 0, /neither a token nor a client certificate/],
    ['gives a wrong time', { token: 't', expirationTimestamp: 'soon' }, 0, /"soon", which is not a time/],
  ])('that %s is reported', async (_, status, exit, message) => {
    const { exec } = await plugin(status, exit);
    await expect(setUp({ exec }).credentials.current()).rejects.toMatchObject({
      code: 'CredentialRefused',
      message: expect.stringMatching(message),
    });
  });

  it('that is not installed is reported with its own hint', async () => {
    const { exec } = await plugin({});
    const missing = { ...exec, command: 'no-such-plugin', installHint: 'get it at example.com' };
    await expect(setUp({ exec: missing }).credentials.current()).rejects.toMatchObject({
      message: 'the credential plugin no-such-plugin is not installed',
      hint: 'get it at example.com',
    });
  });

  it('is run again when the server refuses its token', async () => {
    const { exec, runs } = await plugin({ token: 't' });
    let refused = 0;
    const server = await startHttpServer((_, response) =>
      refused++ === 0 ? answerJson(response, {}, 401) : answerJson(response, { ok: true }),
    );
    const client = createKubeClient(connectionOf({ exec }, { server: server.url }), {
      clock: createFakeClock(),
      log: silentLogger,
    });
    const pods: ResourceType = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
    try {
      expect(await client.get(pods, 'a', { namespace: 'shop' })).toEqual({ ok: true });
      expect(await runs()).toBe(2);
      expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer t', 'Bearer t']);
    } finally {
      await client.close();
      await server.stop();
    }
  });
});
