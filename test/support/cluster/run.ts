import { spawn } from 'node:child_process';

export interface RunOptions {
  /** Written to its standard input. */
  input?: string | undefined;
  timeoutMs?: number | undefined;
}

/** Runs a program to its end and gives back what it wrote; throws with its standard error when it fails. */
export function runProgram(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { input = '', timeoutMs = 60_000 }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, timeout: timeoutMs, killSignal: 'SIGKILL' });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk;
    });
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${[file.split('/').at(-1), ...args].join(' ')}: ${signal ?? code}\n${err}${out}`));
    });
  });
}
