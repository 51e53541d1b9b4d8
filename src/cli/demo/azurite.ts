import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/** A running Azurite (Microsoft's emulator of Azure Storage), its queue service only. */
export interface Azurite {
  /** A storage connection string with the emulator's well-known account and the real port. */
  connectionString: string;
  account: string;
  /** `http://127.0.0.1:port/account`, without a slash at the end. */
  queueEndpoint: string;
  stop(): Promise<void>;
}

/** Printed in Microsoft's documentation of the emulator: an address, not a secret. */
const ACCOUNT = 'devstoreaccount1';
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const START_DEADLINE_MS = 60_000;

export interface AzuriteOptions {
  /** A port to come back on after a stop; default: a free one. */
  port?: number;
  /** A folder that outlives the server; default: a temporary one that `stop` removes. */
  folder?: string;
}

/**
 * Starts Azurite's queue service on 127.0.0.1. Resolves when it listens; rejects with its output when it ends before
 * that or takes longer than a minute.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const folder = options.folder ?? (await mkdtemp(path.join(os.tmpdir(), 'windlass-azurite-')));
  const main = path.join(
    path.dirname(createRequire(import.meta.url).resolve('azurite/package.json')),
    'dist/src/queue/main.js',
  );
  const child = spawn(
    process.execPath,
    [
      main,
      ...['--queueHost', '127.0.0.1', '--queuePort', String(options.port ?? 0), '--location', folder],
      // Without the version check, newer clients than this Azurite knows are still served.
      ...['--silent', '--disableTelemetry', '--skipApiVersionCheck'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const killOnExit = () => child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const stop = async () => {
    await end(child);
    process.off('exit', killOnExit);
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    const origin = await listening(child);
    const queueEndpoint = `${origin}/${ACCOUNT}`;
    return {
      connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};QueueEndpoint=${queueEndpoint};`,
      account: ACCOUNT,
      queueEndpoint,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The origin that the server says it listens on. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(
      () => reject(new Error(`Azurite did not start in ${START_DEADLINE_MS} ms: ${output}`)),
      START_DEADLINE_MS,
    );
    const onText = (chunk: Buffer) => {
      output += chunk.toString();
      const match = /successfully listens on (http:\/\/\S+)/.exec(output);
      if (!match?.[1]) return;
      clearTimeout(timer);
      resolve(match[1]);
    };
    child.stdout?.on('data', onText);
    child.stderr?.on('data', onText);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`Azurite ended with code ${code}: ${output}`));
    });
  });
}

/** Ends the process, at the latest by SIGKILL after five seconds. */
function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
