import { spawn } from 'node:child_process';
import path from 'node:path';
import type { Clock } from '../base/clock.ts';
import { describeError, WindlassError } from '../base/errors.ts';
import type { ExecConfig, KubeConnection } from './config.ts';

/** What an exec plugin answered. */
export interface ExecCredential {
  token?: string | undefined;
  certificate?: string | undefined;
  key?: string | undefined;
  /** Milliseconds since 1970; undefined when the plugin sets no end. */
  expiresAt?: number | undefined;
}

/** A cloud's login can wait for a slow identity service; a plugin that waits for a person must not hang us for good. */
const TIMEOUT_MS = 60_000;
const LONGEST_OUTPUT = 1 << 20;

/**
 * Runs a client-go credential plugin and reads its ExecCredential.
 * @throws CredentialRefused saying which command failed and how
 */
export async function runExecPlugin(exec: ExecConfig, connection: KubeConnection, clock: Clock) {
  const fail = (why: string, cause?: unknown) =>
    new WindlassError('CredentialRefused', `the credential plugin ${exec.command} ${why}`, {
      cause,
      hint: exec.installHint ?? `run "${[exec.command, ...exec.args].join(' ')}" by hand to see what is wrong`,
    });
  const output = await run(exec, connection, clock, fail);
  let answer: { apiVersion?: unknown; kind?: unknown; status?: Record<string, unknown> };
  try {
    answer = JSON.parse(output);
  } catch {
    // The output may be half of a token: it is not repeated here.
    throw fail('did not print JSON');
  }
  if (answer?.kind !== 'ExecCredential') throw fail('did not print an ExecCredential');
  if (answer.apiVersion !== exec.apiVersion)
    throw fail(`answered with apiVersion ${String(answer.apiVersion)} where ${exec.apiVersion} was asked for`);
  const text = (key: string) => {
    const value = answer.status?.[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const expiry = text('expirationTimestamp');
  const credential: ExecCredential = {
    token: text('token'),
    certificate: text('clientCertificateData'),
    key: text('clientKeyData'),
    expiresAt: expiry === undefined ? undefined : Date.parse(expiry),
  };
  if (Number.isNaN(credential.expiresAt)) throw fail(`gave "${expiry}", which is not a time, as expirationTimestamp`);
  if (!credential.token && !(credential.certificate && credential.key))
    throw fail('gave neither a token nor a client certificate with its key');
  return credential;
}

function run(
  exec: ExecConfig,
  connection: KubeConnection,
  clock: Clock,
  fail: (why: string, cause?: unknown) => WindlassError,
): Promise<string> {
  const cluster: Record<string, unknown> = { server: connection.server };
  if (connection.ca && 'data' in connection.ca)
    cluster['certificate-authority-data'] = Buffer.from(connection.ca.data).toString('base64');
  if (connection.insecureSkipTlsVerify) cluster['insecure-skip-tls-verify'] = true;
  const info = {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(exec.provideClusterInfo ? { cluster } : {}) },
  };
  const env: NodeJS.ProcessEnv = { ...process.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  for (const { name, value } of exec.env) env[name] = value;
  // client-go: a command with a slash is a path from the kubeconfig's folder, one without is looked up in PATH.
  const command = /[\\/]/.test(exec.command) ? path.resolve(exec.folder, exec.command) : exec.command;

  return new Promise((resolve, reject) => {
    const child = spawn(command, exec.args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let complaint = '';
    const timer = clock.after(TIMEOUT_MS, () => {
      child.kill('SIGKILL');
      reject(fail(`did not answer within ${TIMEOUT_MS / 1000} s`));
    });
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.length > LONGEST_OUTPUT) child.kill('SIGKILL');
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      complaint = (complaint + chunk).slice(-500);
    });
    child.on('error', (error) => {
      timer.cancel();
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      reject(fail(missing ? 'is not installed' : `could not be started: ${describeError(error)}`));
    });
    child.on('close', (code, signal) => {
      timer.cancel();
      if (code === 0) resolve(output);
      else reject(fail(`ended with ${signal ?? `code ${code}`}${complaint.trim() ? `: ${complaint.trim()}` : ''}`));
    });
  });
}
