import type { Clock } from '../base/clock.ts';
import type { Dispatcher } from '../base/connection-pool.ts';
import { describeError, WindlassError } from '../base/errors.ts';
import type { ResourceType } from '../base/object.ts';
import type { WatchEvent, WatchOptions, WatchStream } from './client.ts';
import { collectionPath, describeRequest, withQuery } from './paths.ts';
import { retryAfterOf, withSignal } from './request.ts';
import { connectionError, parseStatus, statusError } from './status.ts';
import type { Transport } from './transport.ts';

const OPEN_TIMEOUT_MS = 30_000;
/** etcd refuses objects above 1.5 MB by default; anything near this is not a watch stream. */
const LONGEST_LINE = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Opens a watch; resolves when the server has accepted it. Errors as everywhere in KubeClient. */
export async function openWatchStream<T>(
  type: ResourceType,
  options: WatchOptions,
  deps: { transport: Transport; clock: Clock },
): Promise<WatchStream<T>> {
  const { transport, clock } = deps;
  const doing = describeRequest('watch', type, undefined, options.namespace);
  const openMs = options.openTimeoutMs ?? OPEN_TIMEOUT_MS;
  const path = withQuery(collectionPath(type, options.namespace), {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: options.resourceVersion,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    timeoutSeconds: options.timeoutSeconds,
  });
  const timeUp = () =>
    new WindlassError('KubernetesUnavailable', `cannot ${doing}: no answer within ${openMs / 1000} s`);
  const lifetime = new AbortController();
  const response = await withSignal(options.signal, openMs, timeUp, clock, async (signal) => {
    const onAbort = () => lifetime.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (let renewed = false; ; renewed = true) {
        const answer = await transport.send('watch', { method: 'GET', path, headers: {}, signal: lifetime.signal });
        if (answer.statusCode < 400) return answer;
        const failure = statusError(
          doing,
          parseStatus(answer.statusCode, await answer.body.text()),
          retryAfterOf(answer, clock),
        );
        if (answer.statusCode !== 401 || renewed || !transport.renewCredentials()) throw failure;
      }
    } catch (error) {
      if (signal.aborted || error instanceof WindlassError) throw error;
      throw connectionError(doing, error);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  });
  return streamOf<T>(response.body, doing, lifetime, options.signal);
}

function streamOf<T>(
  body: Dispatcher.ResponseData['body'],
  doing: string,
  lifetime: AbortController,
  outer: AbortSignal | undefined,
): WatchStream<T> {
  let closedWith: { error?: Error | undefined } | undefined;
  const close = (error?: Error) => {
    if (closedWith) return;
    closedWith = { error };
    outer?.removeEventListener('abort', onAbort);
    lifetime.abort(error);
  };
  const onAbort = () => close(outer?.reason);
  // Closed before anybody iterates, the body fails with nobody listening.
  body.on('error', () => {});
  if (outer?.aborted) onAbort();
  else outer?.addEventListener('abort', onAbort, { once: true });

  async function* iterate(): AsyncGenerator<WatchEvent<T>, void> {
    try {
      for await (const line of splitLines(body)) yield parseEvent<T>(line, doing);
    } catch (error) {
      if (!closedWith) throw error instanceof WindlassError ? error : connectionError(doing, error);
    } finally {
      close();
    }
    if (closedWith?.error) throw closedWith.error;
  }
  return { close, [Symbol.asyncIterator]: iterate };
}

function parseEvent<T>(line: string, doing: string): WatchEvent<T> {
  try {
    return JSON.parse(line) as WatchEvent<T>;
  } catch (error) {
    throw new WindlassError('KubernetesUnavailable', `cannot ${doing}: an event is not JSON: ${describeError(error)}`);
  }
}

/** Lines of a byte stream, each decoded once whole; empty lines are left out, an unfinished last one too. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  // Parts of a long line are joined once, at its end: joining at every chunk would copy it again and again.
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      parts.push(chunk.subarray(start, end));
      const line = (
        parts.length === 1 ? Buffer.from(chunk.buffer, chunk.byteOffset + start, end - start) : Buffer.concat(parts)
      ).toString('utf8');
      parts = [];
      held = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start >= chunk.length) continue;
    parts.push(chunk.subarray(start));
    held += chunk.length - start;
    if (held > LONGEST_LINE) throw new Error(`a line is longer than ${LONGEST_LINE} bytes`);
  }
}
