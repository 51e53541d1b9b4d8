import { hostname } from 'node:os';
import { systemClock } from '../../base/clock.ts';
import { describeError, hasCode, WindlassError } from '../../base/errors.ts';
import { createLogger, type Logger } from '../../base/log.ts';
import { createKubeClient } from '../../kube/client.ts';
import { loadConnection } from '../../kube/config.ts';
import type { CommandContext } from '../command.ts';
import { VERSION } from '../version.ts';
import { IGNORED_VARIABLES } from './environment.ts';
import { IGNORED } from './flags.ts';
import { keepHeapTight } from './heap.ts';
import { startOperator } from './operator.ts';
import { type ReadFlags, readFlags } from './read-flags.ts';
import { type OperatorSettings, readSettings } from './settings.ts';

export type OperatorRun = Pick<CommandContext, 'options' | 'env' | 'signal' | 'warn'>;

/** Runs the operator until the signal is aborted. A setting that cannot be used ends it with 1, as it ends KEDA. */
export async function runOperator(run: OperatorRun): Promise<number> {
  const { options, env, signal } = run;
  keepHeapTight();
  let settings: OperatorSettings;
  let flags: ReadFlags;
  try {
    settings = readSettings(env);
    flags = readFlags(options, env, settings.podNamespace);
  } catch (error) {
    if (!hasCode(error, 'InvalidArgument')) throw error;
    const hint = error instanceof WindlassError && error.hint ? `; ${error.hint}` : '';
    run.warn(`error: ${describeError(error)}${hint}`);
    return 1;
  }
  const log = createLogger({ level: flags.logLevel, encoder: flags.logEncoder });
  tellIgnored(options, env, log);
  const identity = env.POD_NAME || hostname();
  const connection = await loadConnection({ kubeconfig: flags.kubeconfig, context: flags.context, env });
  const userAgent = `windlass/${VERSION} (${identity})`;
  const client = createKubeClient(connection, { clock: systemClock, log, userAgent });
  log.info('operator starts', { version: VERSION, server: connection.server, from: connection.source });
  const { peers, ...servers } = flags.operator;
  try {
    const operator = await startOperator({
      client,
      settings: { ...settings, http: { ...settings.http, extraCa: flags.extraCa } },
      clock: systemClock,
      log,
      env,
      file: flags.file,
      signal,
      replicas: { identity, peers },
      ...servers,
    });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    log.info('operator stops');
    await operator.stop();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await client.close();
  }
  return 0;
}

/** One line for everything that is set and does nothing, so that nobody has to find out. */
function tellIgnored(options: OperatorRun['options'], env: OperatorRun['env'], log: Logger): void {
  const flags = Object.entries(IGNORED).filter(([name]) => options[name] !== undefined);
  const variables = Object.entries(IGNORED_VARIABLES).filter(([name]) => env[name]);
  if (flags.length + variables.length === 0) return;
  log.info('some settings mean nothing here', {
    ...Object.fromEntries(flags.map(([name, { ignored }]) => [`--${name}`, ignored])),
    ...Object.fromEntries(variables),
  });
}
