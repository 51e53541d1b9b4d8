import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { sign } from 'aws4';

const run = promisify(execFile);
const REQUIREMENTS = path.join(import.meta.dirname, 'requirements.txt');
const START_DEADLINE_MS = 60_000;
export const REGION = 'eu-west-1';
/** Of moto; it takes any keys. */
export const ACCOUNT = '123456789012';

/** A running moto (a stand-in for AWS, here its SQS and STS). */
export interface Moto {
  /** `http://127.0.0.1:port`, the endpoint of every service. */
  url: string;
  /** Makes a queue and returns its URL. */
  createQueue(name: string, attributes?: Record<string, string>): Promise<string>;
  send(queueUrl: string, messages: number, delaySeconds?: number): Promise<void>;
  /** Takes up to ten messages, which are in flight from then on; returns what deletes each of them. */
  receive(queueUrl: string, messages: number): Promise<(() => Promise<void>)[]>;
  purge(queueUrl: string): Promise<void>;
  stop(): Promise<void>;
}

export interface MotoOptions {
  /** Default: a free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
}

/** Starts moto on a free port of this machine; installs it from PyPI into the user's cache before that, once. */
export async function startMoto({ port = 0, host = '127.0.0.1' }: MotoOptions = {}): Promise<Moto> {
  const python = await installed();
  const child = spawn(python, ['-m', 'moto.server', '-H', host, '-p', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONUNBUFFERED: '1' },
  });
  const killOnExit = () => child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const stop = async () => {
    await end(child);
    process.off('exit', killOnExit);
  };
  try {
    const url = await listening(child);
    const ask = (operation: string, parameters: object) => askSqs(url, operation, parameters);
    return {
      url,
      async createQueue(name, attributes = {}) {
        const { QueueUrl } = await ask('CreateQueue', { QueueName: name, Attributes: attributes });
        return String(QueueUrl);
      },
      async send(queueUrl, messages, delaySeconds = 0) {
        for (let first = 0; first < messages; first += 10) {
          const entries = Array.from({ length: Math.min(10, messages - first) }, (_, i) => ({
            Id: String(i),
            MessageBody: `message ${first + i}`,
            DelaySeconds: delaySeconds,
          }));
          await ask('SendMessageBatch', { QueueUrl: queueUrl, Entries: entries });
        }
      },
      async receive(queueUrl, messages) {
        const answer = await ask('ReceiveMessage', { QueueUrl: queueUrl, MaxNumberOfMessages: messages });
        return ((answer.Messages ?? []) as { ReceiptHandle: string }[]).map(({ ReceiptHandle }) => async () => {
          await ask('DeleteMessage', { QueueUrl: queueUrl, ReceiptHandle });
        });
      },
      async purge(queueUrl) {
        await ask('PurgeQueue', { QueueUrl: queueUrl });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function askSqs(url: string, operation: string, parameters: object): Promise<Record<string, unknown>> {
  const body = JSON.stringify(parameters);
  const { host } = new URL(url);
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` };
  const keys = { accessKeyId: 'test', secretAccessKey: 'test' };
  const request = sign({ service: 'sqs', region: REGION, host, method: 'POST', path: '/', headers, body }, keys);
  const answer = await fetch(url, { method: 'POST', headers: request.headers as Record<string, string>, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${operation} answered ${answer.status}: ${text}`);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/** The Python that has moto: a virtual environment for each content of requirements.txt. */
async function installed(): Promise<string> {
  const root = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'windlass', 'moto');
  const { stdout: version } = await run('python3', ['--version']).catch(() => {
    throw new Error('The tests of AWS triggers need python3; on Debian: apt-get install python3 python3-venv.');
  });
  const key = createHash('sha256')
    .update(`${version}\n`)
    .update(await readFile(REQUIREMENTS))
    .digest('hex')
    .slice(0, 16);
  const folder = path.join(root, key);
  const python = path.join(folder, 'bin', 'python');
  if (await exists(path.join(folder, 'ready'))) return python;
  await mkdir(root, { recursive: true });
  await withLock(path.join(root, `${key}.lock`), async () => {
    if (await exists(path.join(folder, 'ready'))) return;
    await rm(folder, { recursive: true, force: true });
    await createEnvironment(folder);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]);
    await mkdir(path.join(folder, 'ready.new'));
    await rename(path.join(folder, 'ready.new'), path.join(folder, 'ready'));
  });
  return python;
}

/** Debian leaves out of python3 what makes environments; as root it is installed. */
async function createEnvironment(folder: string): Promise<void> {
  try {
    await run('python3', ['-m', 'venv', folder]);
  } catch (error) {
    const isDebian = await exists('/usr/bin/apt-get');
    if (process.getuid?.() !== 0 || !isDebian)
      throw new Error('python3 cannot make a virtual environment; on Debian: apt-get install python3-venv.', {
        cause: error,
      });
    await run('apt-get', ['update', '-qq']);
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'python3-venv']);
    await rm(folder, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', folder]);
  }
}

/** A folder is the lock; one that is older than any installation takes counts for nothing. */
async function withLock(lock: string, work: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + 5 * 60_000;
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
      if (performance.now() > deadline) await rm(lock, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  try {
    await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** The address that the server says it listens on. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string) => reject(new Error(`moto ${why}: ${output}`));
    const timer = setTimeout(() => fail(`did not start in ${START_DEADLINE_MS} ms`), START_DEADLINE_MS);
    const onText = (chunk: Buffer) => {
      if (output.length < 10_000) output += chunk;
      const match = /Running on (http:\/\/\S+)/.exec(output);
      if (!match?.[1]) return;
      clearTimeout(timer);
      resolve(match[1]);
    };
    child.stdout?.on('data', onText);
    child.stderr?.on('data', onText);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`ended with code ${code}`);
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    // It keeps nothing that would have to be brought in order.
    child.kill('SIGKILL');
  });
}
