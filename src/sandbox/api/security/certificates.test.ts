import { X509Certificate } from 'node:crypto';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { makeCertificate } from './certificates.ts';

const now = Date.UTC(2026, 0, 1);
const ca = makeCertificate({ commonName: 'test-ca', usage: 'ca', now });

it('makes a CA and certificates that it signed', () => {
  const own = new X509Certificate(ca.cert);
  expect(own.ca).toBe(true);
  expect(own.subject).toBe('CN=test-ca');
  expect(own.verify(own.publicKey)).toBe(true);
  const hosts = ['localhost', '127.0.0.1', '::1'];
  const server = new X509Certificate(
    makeCertificate({ commonName: 's', hosts, usage: 'server', issuer: ca, now }).cert,
  );
  expect(server.checkIssued(own)).toBe(true);
  expect(server.verify(own.publicKey)).toBe(true);
  expect(server.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  expect(server.validFromDate.getTime()).toBe(now - 24 * 3600_000);
  expect(server.ca).toBe(false);
});

it('is accepted by TLS on both sides', async () => {
  const issued = (usage: 'server' | 'client', organizations: string[] = []) =>
    makeCertificate({ commonName: usage, organizations, hosts: ['127.0.0.1'], usage, issuer: ca, now: Date.now() });
  const server = createServer({ ...issued('server'), ca: ca.cert, requestCert: true }, (req, res) => {
    const { subject } = (req.socket as import('node:tls').TLSSocket).getPeerCertificate();
    res.end(`${subject.O}/${subject.CN}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const text = await new Promise<string>((resolve, reject) => {
    request({ host: '127.0.0.1', port, ca: ca.cert, ...issued('client', ['team']), agent: false }, (res) => {
      res.on('data', (chunk: Buffer) => resolve(chunk.toString()));
    })
      .on('error', reject)
      .end();
  });
  await new Promise((resolve) => server.close(resolve));
  expect(text).toBe('team/client');
});
