import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describeError, WindlassError } from '../base/errors.ts';
import type { ExecConfig, KubeConnection, KubeUser, PemSource } from './config.ts';

type Fields = Record<string, unknown>;

/** One kubeconfig file, read but not yet interpreted. */
export interface KubeconfigFile {
  file: string;
  content: Fields;
}

/**
 * Reads a kubeconfig file as YAML.
 * @throws InvalidArgument naming the file
 */
export async function readKubeconfig(file: string): Promise<KubeconfigFile> {
  const fail = (why: string, cause?: unknown) =>
    new WindlassError('InvalidArgument', `cannot read the kubeconfig ${file}: ${why}`, { cause });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw fail((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : describeError(error));
  }
  // Loaded here only: in a cluster no YAML is read to find the API server.
  const { parse } = await import('yaml');
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw fail(`it is not YAML: ${describeError(error).split('\n')[0]}`);
  }
  if (!isFields(content)) throw fail('it is empty or not a map');
  return { file, content };
}

/**
 * The connection of a context, over several files: for an entry named twice and for current-context the first file
 * that has it wins, as with kubectl. Relative paths start from the folder of the file that mentions them.
 * @throws InvalidArgument naming the entry that is missing or wrong
 */
export function mergeKubeconfigs(files: KubeconfigFile[], context?: string): KubeConnection {
  const where = files.map(({ file }) => file).join(', ');
  const fail = (why: string, hint?: string) =>
    new WindlassError('InvalidArgument', `kubeconfig ${where}: ${why}`, hint === undefined ? {} : { hint });
  const find = (list: string, name: string): { entry: Fields; folder: string } | undefined => {
    for (const { file, content } of files) {
      const entries = Array.isArray(content[list]) ? content[list].filter(isFields) : [];
      const found = entries.find((entry) => textOf(entry.name) === name);
      // "clusters" holds "cluster", "contexts" "context", "users" "user".
      if (found) return { entry: fieldsOf(found[list.slice(0, -1)]), folder: path.dirname(file) };
    }
    return undefined;
  };
  const names = files.flatMap(({ content }) =>
    Array.isArray(content.contexts) ? content.contexts.filter(isFields).map((entry) => String(entry.name)) : [],
  );
  const known = names.length === 0 ? 'the file has no contexts' : `the contexts are ${names.join(', ')}`;

  const name = context || files.map(({ content }) => textOf(content['current-context'])).find(Boolean);
  if (!name) throw fail('it has no current-context', `name a context; ${known}`);
  const chosen = find('contexts', name);
  if (!chosen) throw fail(`there is no context "${name}"`, known);
  const clusterName = textOf(chosen.entry.cluster) ?? '';
  const cluster = find('clusters', clusterName);
  if (!cluster) throw fail(`context "${name}" names the cluster "${clusterName}", which is not there`);
  const server = textOf(cluster.entry.server);
  if (!server) throw fail(`cluster "${clusterName}" has no server`);
  if (!/^https?:\/\//.test(server) || !URL.canParse(server))
    throw fail(`the server "${server}" of cluster "${clusterName}" is not an http or https URL`);
  const userName = textOf(chosen.entry.user) ?? '';
  const user = find('users', userName);
  if (!user && userName !== '') throw fail(`context "${name}" names the user "${userName}", which is not there`);

  return {
    server: server.replace(/\/+$/, ''),
    namespace: textOf(chosen.entry.namespace) ?? 'default',
    source: `context "${name}" of ${where}`,
    ca: pemOf(cluster.entry, 'certificate-authority', cluster.folder),
    insecureSkipTlsVerify: cluster.entry['insecure-skip-tls-verify'] === true,
    tlsServerName: textOf(cluster.entry['tls-server-name']),
    proxyUrl: textOf(cluster.entry['proxy-url']),
    user: user ? userOf(user.entry, userName, user.folder, fail) : {},
  };
}

function userOf(entry: Fields, name: string, folder: string, fail: (why: string, hint?: string) => Error): KubeUser {
  if (entry['auth-provider'] !== undefined)
    throw fail(
      `user "${name}" has an auth-provider, which Kubernetes removed in 1.26`,
      'use an exec plugin, such as gke-gcloud-auth-plugin or kubelogin',
    );
  const tokenFile = textOf(entry.tokenFile);
  const user: KubeUser = {
    token: textOf(entry.token),
    tokenFile: tokenFile === undefined ? undefined : path.resolve(folder, tokenFile),
    username: textOf(entry.username),
    password: textOf(entry.password),
    clientCertificate: pemOf(entry, 'client-certificate', folder),
    clientKey: pemOf(entry, 'client-key', folder),
    exec: entry.exec === undefined ? undefined : execOf(fieldsOf(entry.exec), name, folder, fail),
  };
  if ((user.clientCertificate === undefined) !== (user.clientKey === undefined))
    throw fail(`user "${name}" has only one of client-certificate and client-key`);
  const as = textOf(entry.as);
  const groups = Array.isArray(entry['as-groups']) ? entry['as-groups'].map(String) : [];
  return as === undefined ? user : { ...user, impersonate: { user: as, groups } };
}

const EXEC_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

function execOf(exec: Fields, user: string, folder: string, fail: (why: string, hint?: string) => Error): ExecConfig {
  const command = textOf(exec.command);
  if (!command) throw fail(`the exec plugin of user "${user}" has no command`);
  const apiVersion = textOf(exec.apiVersion) ?? '';
  if (!EXEC_VERSIONS.includes(apiVersion))
    throw fail(
      `the exec plugin of user "${user}" has the apiVersion "${apiVersion}"`,
      `known are ${EXEC_VERSIONS.join(' and ')}; a newer plugin or a new kubeconfig may help`,
    );
  if (exec.interactiveMode === 'Always')
    throw fail(`the exec plugin of user "${user}" needs a terminal (interactiveMode: Always)`);
  const env = Array.isArray(exec.env) ? exec.env.filter(isFields) : [];
  return {
    apiVersion,
    command,
    args: Array.isArray(exec.args) ? exec.args.map(String) : [],
    env: env.map((entry) => ({ name: String(entry.name), value: String(entry.value ?? '') })),
    installHint: textOf(exec.installHint),
    provideClusterInfo: exec.provideClusterInfo === true,
    folder,
  };
}

/** `<key>-data` in base64 wins over the file at `<key>`. */
function pemOf(entry: Fields, key: string, folder: string): PemSource | undefined {
  const data = textOf(entry[`${key}-data`]);
  if (data) return { data: Buffer.from(data, 'base64').toString('utf8') };
  const file = textOf(entry[key]);
  return file ? { file: path.resolve(folder, file) } : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** A text, numbers included (YAML reads a user name of digits as a number); undefined when empty. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
