import { describeError, WindlassError } from '../base/errors.ts';
import { formatHelp, parseOptions, resolveCommand } from './command.ts';
import { root } from './root.ts';

/** Runs one command line and gives the exit code: 0 fine, 1 failed, 2 wrong usage, 130 interrupted. */
async function main(words: string[]): Promise<number> {
  const { path, rest } = resolveCommand(root, words);
  const command = path.at(-1) ?? root;
  const stop = new AbortController();
  let interrupted: 'SIGINT' | 'SIGTERM' | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second one no longer waits for an orderly end.
      if (interrupted) process.exit(130);
      interrupted = signal;
      stop.abort(new Error(`stopped by ${signal}`));
    });
  }
  try {
    const { options, args } = parseOptions(command, rest, process.env);
    if (options.help || !command.run) {
      const stray = command.run ? undefined : args[0];
      if (stray !== undefined && !options.help) {
        throw new WindlassError('InvalidArgument', `${path.map((c) => c.name).join(' ')} has no command "${stray}"`, {
          hint: 'see --help',
        });
      }
      process.stdout.write(`${formatHelp(path)}\n`);
      return 0;
    }
    const code = await command.run({
      options,
      args,
      env: process.env,
      stdin: process.stdin,
      print: (line = '') => process.stdout.write(`${line}\n`),
      warn: (line) => process.stderr.write(`${line}\n`),
      signal: stop.signal,
    });
    return interrupted && code === 0 ? (interrupted === 'SIGINT' ? 130 : 143) : code;
  } catch (error) {
    if (interrupted) return interrupted === 'SIGINT' ? 130 : 143;
    const text =
      error instanceof WindlassError || !(error instanceof Error)
        ? describeError(error)
        : (error.stack ?? describeError(error));
    process.stderr.write(`error: ${text}\n`);
    if (error instanceof WindlassError && error.hint) process.stderr.write(`${error.hint}\n`);
    return error instanceof WindlassError && error.code === 'InvalidArgument' ? 2 : 1;
  }
}

// A reader that went away (`windlass ... | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
