import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

/** The output of one run of a container, a line each as a container runtime writes it: time, stream, F, text. */
export interface LogWriter {
  write(stream: 'stdout' | 'stderr', chunk: Buffer): void;
  close(): void;
}

/** Kubernetes: the kubelet rotates a container's log at 10 MiB; one older file is kept here. */
const LARGEST = 10 * 1024 * 1024;
/** A line longer than this is written in pieces, so that output without line ends takes no memory. */
const LONGEST_LINE = 16 * 1024;

export const olderFile = (file: string) => `${file}.old`;

/** Opens a log file for appending; `written` is called after each write, for those who follow. */
export function openLog(file: string, now: () => number, written: () => void, largest = LARGEST): LogWriter {
  mkdirSync(path.dirname(file), { recursive: true });
  let fd = openSync(file, 'a');
  let size = fstatSync(fd).size;
  let closed = false;
  const partial: Record<'stdout' | 'stderr', Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  const append = (text: string) => {
    if (text === '' || closed) return;
    if (size >= largest) {
      closeSync(fd);
      renameSync(file, olderFile(file));
      fd = openSync(file, 'a');
      size = 0;
    }
    size += writeSync(fd, text);
    written();
  };
  const lineOf = (stream: string, line: Buffer) => `${new Date(now()).toISOString()} ${stream} F ${line.toString()}\n`;
  return {
    write(stream, chunk) {
      let rest = partial[stream].length > 0 ? Buffer.concat([partial[stream], chunk]) : chunk;
      let text = '';
      for (;;) {
        const end = rest.indexOf(10);
        if (end < 0 && rest.length < LONGEST_LINE) break;
        const cut = end < 0 ? rest.length : end;
        text += lineOf(stream, rest.subarray(0, cut));
        rest = rest.subarray(end < 0 ? cut : cut + 1);
      }
      partial[stream] = Buffer.from(rest);
      append(text);
    },
    close() {
      if (closed) return;
      for (const stream of ['stdout', 'stderr'] as const)
        if (partial[stream].length > 0) append(lineOf(stream, partial[stream]));
      closed = true;
      closeSync(fd);
      written();
    },
  };
}

export interface LogOptions {
  container?: string | undefined;
  follow?: boolean | undefined;
  /** The run before the last restart. */
  previous?: boolean | undefined;
  tailLines?: number | undefined;
  sinceSeconds?: number | undefined;
  /** Milliseconds since 1970. */
  sinceTime?: number | undefined;
  timestamps?: boolean | undefined;
  limitBytes?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** What a follower waits on: the next write, or the end of the run. */
export interface LogSource {
  file: string;
  /** Resolves at the next write or when the run ends; undefined when it has ended. */
  next(): Promise<void> | undefined;
}

/** The lines of a log as `kubectl logs` wants them; with `follow` until the run ends or the signal is aborted. */
export async function* readLog(source: LogSource, options: LogOptions, now: number): AsyncIterable<Uint8Array> {
  const { follow = false, tailLines, timestamps = false, limitBytes, signal } = options;
  const since =
    options.sinceTime ?? (options.sinceSeconds === undefined ? undefined : now - options.sinceSeconds * 1000);
  let left = limitBytes ?? Number.POSITIVE_INFINITY;
  const show = (lines: string[]): Buffer => {
    const text = lines
      .filter((line) => since === undefined || Date.parse(line.slice(0, line.indexOf(' '))) >= since)
      .map((line) => (timestamps ? line.replace(/ std(?:out|err) F ?/, ' ') : line.replace(/^\S+ \S+ F ?/, '')))
      .map((line) => `${line}\n`)
      .join('');
    const bytes = Buffer.from(text).subarray(0, left === Number.POSITIVE_INFINITY ? undefined : left);
    left -= bytes.length;
    return bytes;
  };
  // What is already there is read in one go, in the same turn in which following begins: no line is lost in between.
  let pending = source.next();
  const parts = [olderFile(source.file), source.file].filter((file) => existsSync(file));
  const texts = parts.map((file) => readFileSync(file, 'utf8'));
  let offset = Buffer.byteLength(texts.at(-1) ?? '');
  const lines = texts.join('').split('\n').slice(0, -1);
  const first = show(tailLines === undefined ? lines : tailLines === 0 ? [] : lines.slice(-tailLines));
  if (first.length > 0) yield first;
  const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  while (follow && left > 0 && !signal?.aborted) {
    if (pending) await Promise.race([pending, aborted]);
    const ended = pending === undefined;
    pending = source.next();
    // Shorter than what was read: the file has been rotated, and its end is in the older one.
    const rotated = sizeOf(source.file) < offset;
    const rest = rotated ? readFrom(olderFile(source.file), offset) : Buffer.alloc(0);
    const current = readFrom(source.file, rotated ? 0 : offset);
    offset = (rotated ? 0 : offset) + current.length;
    const fresh = Buffer.concat([rest, current]);
    const bytes = show(fresh.toString('utf8').split('\n').slice(0, -1));
    if (bytes.length > 0) yield bytes;
    if (ended) return;
  }
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

function readFrom(file: string, offset: number): Buffer {
  const length = sizeOf(file) - offset;
  if (length <= 0) return Buffer.alloc(0);
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
  } finally {
    closeSync(fd);
  }
}
