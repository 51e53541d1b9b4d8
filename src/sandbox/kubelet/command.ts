import { parseDuration } from '../../base/duration.ts';
import { describeError } from '../../base/errors.ts';
import type { Container, Pod } from '../controllers/kinds.ts';

/** A program that stands for an image: what the image's ENTRYPOINT would be, and the folder it runs in. */
export type Program = string[] | { command: string[]; cwd?: string | undefined };

export const PREFIX = 'sandbox.windlass.dev/';

/** What a container runs: a process, or nothing real for a time. */
export type Launch =
  | { kind: 'process'; argv: string[]; cwd: string | undefined }
  | { kind: 'simulated'; runsFor: number | undefined; exitCode: number };

/** The container cannot be made as it is declared; `reason` as in a container's waiting state. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
  readonly reason: string;

  constructor(message: string, reason = 'CreateContainerConfigError') {
    super(message);
    this.reason = reason;
  }
}

/**
 * Decides what a container runs. The entrypoint is, in this order, the pod's annotation `sandbox.windlass.dev/command` (for the first
 * container; `…/command.<container>` for any), the container's `command`, the program given for its image; `args` follow it. With none of
 * these the container is simulated: it runs until deleted, or for `…/runs-for` and then ends with `…/exit-code`.
 * @throws ContainerConfigError for annotations that cannot be read
 */
export function launchOf(
  pod: Pod,
  container: Container,
  env: Record<string, string>,
  programs: Record<string, Program>,
): Launch {
  const annotations = pod.metadata.annotations ?? {};
  const first = pod.spec.containers[0] === container;
  const key = [`${PREFIX}command.${container.name}`, ...(first ? [`${PREFIX}command`] : [])].find(
    (k) => annotations[k],
  );
  const program = programs[container.image ?? ''];
  const fromImage = Array.isArray(program) ? { command: program, cwd: undefined } : program;
  const given = container.command?.length ? container.command.map((part) => expand(part, env)) : undefined;
  const entrypoint = key ? readCommand(key, annotations[key] ?? '') : (given ?? fromImage?.command);
  if (!entrypoint || entrypoint.length === 0) return simulated(pod, container);
  const cwd = container.workingDir ?? (key || given ? undefined : fromImage?.cwd);
  const args = (container.args ?? []).map((arg) => expand(arg, env));
  return { kind: 'process', argv: [...entrypoint, ...args], cwd };
}

function simulated(pod: Pod, container: Container): Launch {
  const annotations = pod.metadata.annotations ?? {};
  // An init container that never ended would keep the pod from ever running.
  if (pod.spec.initContainers?.includes(container) && container.restartPolicy !== 'Always')
    return { kind: 'simulated', runsFor: 0, exitCode: 0 };
  const duration = annotations[`${PREFIX}runs-for`];
  const code = annotations[`${PREFIX}exit-code`] ?? '0';
  if (!/^\d{1,3}$/.test(code) || Number(code) > 255)
    throw new ContainerConfigError(
      `annotation ${PREFIX}exit-code is ${JSON.stringify(code)}: write a number from 0 to 255`,
    );
  let runsFor: number | undefined;
  try {
    if (duration !== undefined) runsFor = parseDuration(duration);
  } catch (error) {
    throw new ContainerConfigError(`annotation ${PREFIX}runs-for: ${describeError(error)}`);
  }
  return { kind: 'simulated', runsFor, exitCode: Number(code) };
}

function readCommand(key: string, text: string): string[] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('[')) return shellWords(key, trimmed);
  try {
    const words: unknown = JSON.parse(trimmed);
    if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return words;
  } catch {
    // Answered below: a list that cannot be parsed and one of other things need the same correction.
  }
  throw new ContainerConfigError(`annotation ${key} is not a JSON list of strings: write it as ["node","worker.js"]`);
}

/** Splits a command line at blanks as a shell does, with quotes and backslashes; nothing else is special. */
export function shellWords(key: string, text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    const next = text[i + 1];
    const escapes =
      char === '\\' && next !== undefined && (quote === undefined || (quote === '"' && '"\\$`'.includes(next)));
    if (escapes) {
      word = (word ?? '') + next;
      i++;
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== undefined) throw new ContainerConfigError(`annotation ${key} has a ${quote} that is never closed`);
  if (word !== undefined) words.push(word);
  return words;
}

/** Kubernetes: `$(NAME)` is the variable when there is one and stays as it is when not; `$$` is one `$`. */
export function expand(text: string, env: Record<string, string>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return env[name] ?? whole;
  });
}
