import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorityRenewalReason,
  createAuthority,
  createServingCertificate,
  renewalReason,
  serviceNames,
} from './index.ts';

const DAY = 24 * 3_600_000;
const now = Date.now();
const names = [...serviceNames('keda-metrics-apiserver', 'keda'), '127.0.0.1', '2001:db8::1'];

/** An authority as KEDA leaves one behind: RSA, another kind of name, another key identifier. */
let foreign: { cert: string; key: string };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'windlass-cert-'));
  const [key, cert] = ['ca.key', 'ca.crt'].map((name) => path.join(folder, name)) as [string, string];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '3650'];
  execFileSync('openssl', [...args, '-subj', '/O=KEDAORG/CN=KEDA'], { stdio: 'ignore' });
  foreign = { cert: execFileSync('cat', [cert]).toString(), key: execFileSync('cat', [key]).toString() };
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('certificates of our own authority', () => {
  it('hold for every name of the Service and for addresses', () => {
    const authority = createAuthority('windlass', now);
    const pair = createServingCertificate(authority, names, now);
    const cert = new X509Certificate(pair.cert);
    for (const name of names.slice(0, 4)) expect(cert.checkHost(name)).toBe(name);
    expect(cert.checkHost('keda-operator.keda.svc')).toBeUndefined();
    expect(cert.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(cert.checkIP('2001:db8::1')).toBeTruthy();
    expect(cert.validToDate.getTime() - now).toBeGreaterThan(364 * DAY);
    expect(cert.validFromDate.getTime()).toBeLessThan(now);
  });

  it.each(['own', 'foreign'])('are taken by OpenSSL and by a TLS client (%s authority)', async (whose) => {
    const authority = whose === 'own' ? createAuthority('windlass', now) : foreign;
    // The foreign one itself breaks strict rules.
    const strict = whose === 'own' ? ['-x509_strict'] : [];
    const pair = createServingCertificate(authority, names, now);
    const [ca, leaf] = ['a.pem', 'l.pem'].map((name) => path.join(folder, `${whose}-${name}`)) as [string, string];
    writeFileSync(ca, authority.cert);
    writeFileSync(leaf, pair.cert);
    const verdict = execFileSync('openssl', ['verify', ...strict, '-purpose', 'sslserver', '-CAfile', ca, leaf]);
    expect(verdict.toString()).toContain('OK');

    const server = createServer(pair);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const authorized = await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, ca: authority.cert, servername: names[0]! };
      const socket = connect(options, () => {
        resolve(socket.authorized);
        socket.end();
      }).on('error', reject);
    });
    expect(authorized).toBe(true);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('when to renew', () => {
  const authority = createAuthority('windlass', now);
  const other = createAuthority('windlass', now);
  const pair = createServingCertificate(authority, names, now);

  it.each<[string, string | undefined, () => string | undefined]>([
    ['not while it is good', undefined, () => renewalReason(pair, authority, names, now)],
    ['not 91 days before its end', undefined, () => renewalReason(pair, authority, names, now + 274 * DAY)],
    ['89 days before its end', 'it ends', () => renewalReason(pair, authority, names, now + 276 * DAY)],
    ['when the authority has changed', 'another authority', () => renewalReason(pair, other, names, now)],
    [
      'when a name is missing',
      'it is not for x.keda.svc',
      () => renewalReason(pair, authority, [...names, 'x.keda.svc'], now),
    ],
    ['when an address is missing', 'it is not for 10.0.0.1', () => renewalReason(pair, authority, ['10.0.0.1'], now)],
    ['when the key is another', 'the key', () => renewalReason({ ...pair, key: other.key }, authority, names, now)],
    ['when it is empty', 'cannot be read', () => renewalReason({ cert: '', key: '' }, authority, names, now)],
    ['an authority: not while it is good', undefined, () => authorityRenewalReason(authority, now)],
    ['an authority: before its end', 'it ends', () => authorityRenewalReason(authority, now + 3600 * DAY)],
    ['an authority: when it is none', 'no authority', () => authorityRenewalReason(pair, now)],
  ])('%s', (_name, expected, reason) => {
    if (expected === undefined) expect(reason()).toBeUndefined();
    else expect(reason()).toContain(expected);
  });

  it('never outlives its authority', () => {
    const late = createServingCertificate(authority, names, now + 3600 * DAY);
    expect(new X509Certificate(late.cert).validToDate <= new X509Certificate(authority.cert).validToDate).toBe(true);
  });
});
