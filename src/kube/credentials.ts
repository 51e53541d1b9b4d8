import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { describeError, WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { KubeConnection, PemSource } from './config.ts';
import { type ExecCredential, runExecPlugin } from './exec-plugin.ts';

export interface TlsMaterial {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

/** What the next request needs. */
export interface RequestCredentials {
  headers: Record<string, string | string[]>;
  /** The same object for as long as nothing in it changes. */
  tls: TlsMaterial;
}

/** Credentials that stay fresh: files are read again, plugins run again before their answer expires. */
export interface Credentials {
  current(): Promise<RequestCredentials>;
  /** The server refused them (401): the next `current` gets new ones. False when there is no way to get others. */
  renew(): boolean;
}

/** Kubelets replace a projected token well before it ends; ten seconds late is soon enough, and reads cost nothing. */
const REREAD_MS = 10_000;
/** Plugins are asked again this long before the end, so that a slow login delays no request past it. */
const EARLY_MS = 30_000;

/** Keeps the credentials of a connection fresh. Nothing is read or run before the first request. */
export function createCredentials(connection: KubeConnection, deps: { clock: Clock; log: Logger }): Credentials {
  const { clock, log } = deps;
  const { user } = connection;
  const files = new Map<string, { text: string; readAt: number }>();
  let exec: ExecCredential | undefined;
  let running: Promise<ExecCredential> | undefined;
  let tls: TlsMaterial = {};

  const readText = async (file: string): Promise<string> => {
    const known = files.get(file);
    if (known && clock.monotonic() - known.readAt < REREAD_MS) return known.text;
    try {
      const text = await readFile(file, 'utf8');
      files.set(file, { text, readAt: clock.monotonic() });
      return text;
    } catch (error) {
      // While a kubelet swaps its files, one can be missing for a moment: the old one is still the best we have.
      if (known) {
        log.warn('could not read a credential file again', { file, error });
        return known.text;
      }
      throw new WindlassError('CredentialNotFound', `cannot read ${file}: ${describeError(error)}`, {
        cause: error,
        hint: `the file is named by ${connection.source}`,
      });
    }
  };
  const readPem = (source: PemSource | undefined) =>
    source === undefined ? undefined : 'data' in source ? source.data : readText(source.file);

  const execCredential = async (): Promise<ExecCredential | undefined> => {
    const config = user.exec;
    if (!config) return undefined;
    if (exec && (exec.expiresAt === undefined || exec.expiresAt - EARLY_MS > clock.now())) return exec;
    running ??= runExecPlugin(config, connection, clock).finally(() => {
      running = undefined;
    });
    exec = await running;
    return exec;
  };

  const authorization = async (plugin: ExecCredential | undefined): Promise<string | undefined> => {
    if (plugin?.token) return `Bearer ${plugin.token}`;
    // client-go: the file wins over the token beside it.
    const token = user.tokenFile ? (await readText(user.tokenFile)).trim() : user.token;
    if (token) return `Bearer ${token}`;
    if (user.username === undefined) return undefined;
    return `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
  };

  return {
    async current() {
      const plugin = await execCredential();
      const next: TlsMaterial = {
        ca: await readPem(connection.ca),
        cert: plugin?.certificate ?? (await readPem(user.clientCertificate)),
        key: plugin?.key ?? (await readPem(user.clientKey)),
      };
      if (next.ca !== tls.ca || next.cert !== tls.cert || next.key !== tls.key) tls = next;
      const headers: RequestCredentials['headers'] = {};
      const value = await authorization(plugin);
      if (value !== undefined) headers.authorization = value;
      if (user.impersonate) {
        headers['impersonate-user'] = user.impersonate.user;
        if (user.impersonate.groups.length > 0) headers['impersonate-group'] = user.impersonate.groups;
      }
      return { headers, tls };
    },
    renew() {
      exec = undefined;
      for (const known of files.values()) known.readAt = Number.NEGATIVE_INFINITY;
      return user.exec !== undefined || user.tokenFile !== undefined || files.size > 0;
    },
  };
}
