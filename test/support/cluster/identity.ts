import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { KubeConnection } from '../../../src/kube/config.ts';
import { type KeyPair, makeCertificate } from '../../../src/sandbox/api/security/certificates.ts';

export interface User {
  name: string;
  groups?: string[] | undefined;
}

/** Certificates and keys of one control plane, as files of its folder. */
export interface Identity {
  /** Path of one of the files below. */
  file(name: IdentityFile): string;
  connectionFor(user: User): KubeConnection;
  /**
   * Writes a kubeconfig in which this user has a client certificate, and returns its path.
   * @param server where the API server is for those who cannot reach it on 127.0.0.1
   */
  writeKubeconfig(user: User, server?: string): Promise<string>;
}

export type IdentityFile =
  | 'ca.crt'
  | 'ca.key'
  | 'apiserver.crt'
  | 'apiserver.key'
  | 'front-proxy-ca.crt'
  | 'front-proxy.crt'
  | 'front-proxy.key'
  | 'service-accounts.pub'
  | 'service-accounts.key';

/** The name by which kube-apiserver shows itself to aggregated APIs, as kubeadm has it. */
export const FRONT_PROXY_NAME = 'front-proxy-client';

export interface ServiceNetwork {
  range: string;
  /** Its first address, which is the one of the Service `kubernetes`. */
  kubernetes: string;
}

export async function createIdentity(folder: string, url: string, services: ServiceNetwork): Promise<Identity> {
  const now = Date.now();
  const ca = makeCertificate({ commonName: 'kubernetes', usage: 'ca', now });
  const server = makeCertificate({
    commonName: 'kube-apiserver',
    hosts: ['localhost', '127.0.0.1', 'kubernetes.default.svc', services.kubernetes],
    usage: 'server',
    issuer: ca,
    now,
  });
  const proxyCa = makeCertificate({ commonName: 'kubernetes-front-proxy-ca', usage: 'ca', now });
  const proxy = makeCertificate({ commonName: FRONT_PROXY_NAME, usage: 'client', issuer: proxyCa, now });
  const accounts = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const contents: Record<IdentityFile, string> = {
    'ca.crt': ca.cert,
    'ca.key': ca.key,
    'apiserver.crt': server.cert,
    'apiserver.key': server.key,
    'front-proxy-ca.crt': proxyCa.cert,
    'front-proxy.crt': proxy.cert,
    'front-proxy.key': proxy.key,
    'service-accounts.pub': accounts.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'service-accounts.key': accounts.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  for (const [name, content] of Object.entries(contents))
    await writeFile(path.join(folder, name), content, { mode: 0o600 });

  const clientOf = ({ name, groups = [] }: User): KeyPair =>
    makeCertificate({ commonName: name, organizations: groups, usage: 'client', issuer: ca, now });
  return {
    file: (name) => path.join(folder, name),
    connectionFor(user) {
      const { cert, key } = clientOf(user);
      return {
        server: url,
        namespace: 'default',
        source: `the control plane of this test, as ${user.name}`,
        ca: { data: ca.cert },
        insecureSkipTlsVerify: false,
        user: { clientCertificate: { data: cert }, clientKey: { data: key } },
      };
    },
    async writeKubeconfig(user, server = url) {
      const file = path.join(folder, `${user.name.replaceAll(/[^\w-]/g, '-')}.kubeconfig`);
      await writeFile(file, kubeconfigOf(server, ca.cert, clientOf(user)), { mode: 0o600 });
      return file;
    },
  };
}

function kubeconfigOf(server: string, ca: string, client: KeyPair): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  // JSON is YAML.
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server, 'tls-server-name': 'localhost', 'certificate-authority-data': base64(ca) } },
    ],
    users: [
      {
        name: 'test',
        user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'default' } }],
    'current-context': 'test',
  });
}
