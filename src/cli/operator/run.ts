import { hostname } from 'node:os';
import { parseBoolean } from '../../base/boolean.ts';
import { systemClock } from '../../base/clock.ts';
import { WindlassError } from '../../base/errors.ts';
import { createLogger, type LogLevel } from '../../base/log.ts';
import { createKubeClient } from '../../kube/client.ts';
import { loadConnection } from '../../kube/config.ts';
import { parseBindAddress } from '../../servers/telemetry/index.ts';
import { parsePort } from '../port.ts';
import { VERSION } from '../version.ts';
import type { ExplainOptions } from './explain.ts';
import { startOperator } from './operator.ts';
import { ownAddress, type ReplicaOptions } from './replicas.ts';
import { readSettings } from './settings.ts';
import type { WebhookOptions } from './webhooks.ts';

export interface OperatorRun {
  kubeconfig: string | undefined;
  context: string | undefined;
  host: string;
  port: string;
  service: string;
  reachableAt: string | undefined;
  webhooks: {
    host: string;
    /** Undefined: there are none. */
    port: string | undefined;
    service: string;
    configuration: string;
    /** A Go boolean. */
    patching: string;
  };
  /** Where the other replicas ask this one for metrics: a bind address; undefined for the usual one. */
  peersAt: string | undefined;
  /** Where decisions are told: a bind address. */
  explainAt: string;
  logLevel: string;
  logEncoder: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/** Runs the operator until the signal is aborted. */
export async function runOperator(run: OperatorRun): Promise<number> {
  const log = createLogger({
    level: levelOf(run.logLevel),
    encoder: run.logEncoder === 'console' ? 'console' : 'json',
  });
  const settings = readSettings(run.env);
  const identity = run.env.POD_NAME || hostname();
  const connection = await loadConnection({ kubeconfig: run.kubeconfig, context: run.context, env: run.env });
  const client = createKubeClient(connection, {
    clock: systemClock,
    log,
    userAgent: `windlass/${VERSION} (${identity})`,
  });
  log.info('operator starts', { version: VERSION, server: connection.server, from: connection.source });
  const operator = await startOperator({
    client,
    settings,
    clock: systemClock,
    log,
    env: run.env,
    metricsApi: { host: run.host, port: parsePort(run.port), service: run.service, reachableAt: run.reachableAt },
    webhooks: webhooksOf(run),
    replicas: { identity, peers: peersOf(run) },
    explain: explainOf(run.explainAt),
  });
  await new Promise<void>((resolve) => {
    if (run.signal.aborted) resolve();
    run.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  log.info('operator stops');
  await operator.stop();
  await client.close();
  return 0;
}

/** KEDA 2.21 listens on this port for its metrics server. */
const PEER_PORT = 9_666;

function peersOf({ peersAt, reachableAt, env }: OperatorRun): ReplicaOptions['peers'] {
  // Beside a cluster several of them may run on one machine.
  const usual = reachableAt === undefined ? `:${PEER_PORT}` : '127.0.0.1:0';
  const at = parseBindAddress(peersAt ?? usual, '--metrics-service-bind-address');
  if (!at) return undefined;
  const { host, port } = at;
  return {
    host,
    port,
    reachableAt: host === undefined || host === '0.0.0.0' || host === '::' ? ownAddress(env) : host,
  };
}

function explainOf(address: string): ExplainOptions | undefined {
  const at = parseBindAddress(address, '--explain-bind-address');
  // Without a host it would be every address, which is refused.
  return at && { host: at.host ?? '0.0.0.0', port: at.port };
}

function webhooksOf({ webhooks, reachableAt }: OperatorRun): WebhookOptions | undefined {
  const { host, port, service, configuration, patching } = webhooks;
  if (port === undefined) return undefined;
  let register: boolean;
  try {
    register = parseBoolean(patching);
  } catch {
    throw new WindlassError('InvalidArgument', `--enable-webhook-patching is "${patching}"`, {
      hint: 'use true or false',
    });
  }
  return { host, port: parsePort(port), service, configuration, reachableAt, register };
}

/** KEDA's levels: names, or a number above 0 for debugging. */
function levelOf(text: string): LogLevel {
  if (text === 'debug' || /^[1-9]\d*$/.test(text)) return 'debug';
  if (text === 'info' || text === 'error') return text;
  if (text === 'panic') return 'error';
  throw new WindlassError('InvalidArgument', `"${text}" is not a log level`, {
    hint: 'use debug, info, error or a number above 0',
  });
}
