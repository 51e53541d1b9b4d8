import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WindlassError } from '../base/errors.ts';
import { mergeKubeconfigs, readKubeconfig } from './kubeconfig.ts';

/** PEM text, or the file that holds it; the file is read again when it changes. */
export type PemSource = { data: string } | { file: string };

export interface ExecConfig {
  apiVersion: string;
  command: string;
  args: string[];
  env: { name: string; value: string }[];
  installHint?: string | undefined;
  provideClusterInfo: boolean;
  /** The folder that a relative command path starts from. */
  folder: string;
}

/** How to prove who we are; more than one may be given, as in a kubeconfig. */
export interface KubeUser {
  token?: string | undefined;
  tokenFile?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  clientCertificate?: PemSource | undefined;
  clientKey?: PemSource | undefined;
  exec?: ExecConfig | undefined;
  impersonate?: { user: string; groups: string[] } | undefined;
}

/** Where an API server is and how to talk to it: plain data, which credentials.ts keeps fresh. */
export interface KubeConnection {
  /** URL of the server, possibly with a path in front of the API's. */
  server: string;
  /** The namespace of the context or of the service account; `default` when none is named. */
  namespace: string;
  /** Where this came from, for messages: `context "dev" of /home/me/.kube/config`. */
  source: string;
  ca?: PemSource | undefined;
  insecureSkipTlsVerify: boolean;
  tlsServerName?: string | undefined;
  proxyUrl?: string | undefined;
  user: KubeUser;
}

export interface LoadOptions {
  /** A kubeconfig file that must exist. */
  kubeconfig?: string | undefined;
  context?: string | undefined;
  env?: Record<string, string | undefined> | undefined;
  homeFolder?: string | undefined;
  /** Where a pod finds its service account. */
  serviceAccountFolder?: string | undefined;
}

const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the API server as controllers do: the file that was named, else the files in KUBECONFIG (first mention wins),
 * else the service account of this pod, else ~/.kube/config.
 * @throws InvalidArgument saying what is missing or wrong and in which file
 */
export async function loadConnection(options: LoadOptions = {}): Promise<KubeConnection> {
  const env = options.env ?? process.env;
  if (options.kubeconfig) return fromFiles([options.kubeconfig], options, true);
  const listed = (env.KUBECONFIG ?? '').split(path.delimiter).filter((file) => file !== '');
  if (listed.length > 0) return fromFiles(listed, options, false);
  const folder = options.serviceAccountFolder ?? SERVICE_ACCOUNT_FOLDER;
  if (!options.context && env.KUBERNETES_SERVICE_HOST && existsSync(path.join(folder, 'token')))
    return fromServiceAccount(env.KUBERNETES_SERVICE_HOST, env.KUBERNETES_SERVICE_PORT ?? '443', folder, env);
  const home = path.join(options.homeFolder ?? os.homedir(), '.kube', 'config');
  if (existsSync(home)) return fromFiles([home], options, false);
  throw new WindlassError('InvalidArgument', 'no Kubernetes cluster to talk to: there is no kubeconfig', {
    hint: `pass --kubeconfig, set KUBECONFIG, create ${home}, or run in a pod with a service account`,
  });
}

async function fromFiles(files: string[], options: LoadOptions, must: boolean): Promise<KubeConnection> {
  const present = must ? files : files.filter((file) => existsSync(file));
  if (present.length === 0)
    throw new WindlassError('InvalidArgument', `none of the files in KUBECONFIG exists: ${files.join(', ')}`, {
      hint: 'correct or unset KUBECONFIG',
    });
  const connection = mergeKubeconfigs(await Promise.all(present.map(readKubeconfig)), options.context);
  return { ...connection, proxyUrl: connection.proxyUrl ?? proxyFor(connection.server, options.env ?? process.env) };
}

async function fromServiceAccount(
  host: string,
  port: string,
  folder: string,
  env: Record<string, string | undefined>,
): Promise<KubeConnection> {
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const ca = path.join(folder, 'ca.crt');
  const namespace = await readFile(path.join(folder, 'namespace'), 'utf8').catch(() => 'default');
  return {
    server,
    namespace: namespace.trim() || 'default',
    source: 'the service account of this pod',
    ...(existsSync(ca) ? { ca: { file: ca } } : {}),
    insecureSkipTlsVerify: false,
    proxyUrl: proxyFor(server, env),
    user: { tokenFile: path.join(folder, 'token') },
  };
}

/** The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY choose for a server, as Go programs read them. */
export function proxyFor(server: string, env: Record<string, string | undefined>): string | undefined {
  const { protocol, hostname, port } = new URL(server);
  const variable = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = env[variable] || env[variable.toLowerCase()];
  if (!proxy) return undefined;
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host === '::1' || /^127\./.test(host)) return undefined;
  for (const raw of (env.NO_PROXY || env.no_proxy || '').split(',')) {
    const entry = raw.trim().toLowerCase();
    if (entry === '') continue;
    if (entry === '*') return undefined;
    if (entry.includes('/')) {
      if (inNetwork(host, entry)) return undefined;
      continue;
    }
    const [name = '', wantedPort] = /^[^:]+:\d+$/.test(entry) ? entry.split(':') : [entry];
    if (wantedPort !== undefined && wantedPort !== (port || (protocol === 'https:' ? '443' : '80'))) continue;
    const suffix = name.replace(/^\*?\.?/, '');
    // Go: "example.com" also covers its sub-domains, ".example.com" only those.
    if ((host === suffix && !name.startsWith('.')) || host.endsWith(`.${suffix}`)) return undefined;
  }
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** Whether an IPv4 address lies in a network such as 10.0.0.0/8. */
function inNetwork(host: string, network: string): boolean {
  const [base = '', length = ''] = network.split('/');
  const address = ipv4(host);
  const start = ipv4(base);
  const bits = Number(length);
  if (address === undefined || start === undefined || !(bits >= 0 && bits <= 32)) return false;
  const size = 2 ** (32 - bits);
  return Math.floor(address / size) === Math.floor(start / size);
}

function ipv4(text: string): number | undefined {
  const parts = /^\d+\.\d+\.\d+\.\d+$/.test(text) ? text.split('.').map(Number) : [];
  if (parts.length !== 4 || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
