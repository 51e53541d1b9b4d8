import type { Clock } from '../base/clock.ts';
import type { Dispatcher } from '../base/connection-pool.ts';
import { describeError, WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { RawRequest, RawResponse } from './client.ts';
import { withQuery } from './paths.ts';
import type { TokenBucket } from './rate-limit.ts';
import { connectionError, parseStatus, statusError } from './status.ts';
import type { Transport } from './transport.ts';

export interface RequestDeps {
  transport: Transport;
  clock: Clock;
  log: Logger;
  limiter?: TokenBucket | undefined;
  random: () => number;
  /** Called after every answer and every failed try, for metrics. */
  observe?: ((request: { method: string; path: string; status: number; ms: number }) => void) | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MOST_RETRIES = 8;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** Failures that happened before anything was sent: safe to try again whatever the method. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'EHOSTUNREACH']);
/** The other side showed the wrong certificate or refused ours: so it will the next time. */
const UNTRUSTED = /CERT|SIGNATURE|^ERR_(TLS|SSL)/;
/** A server that is down stays so for a while: two quick tries bridge a fail-over, longer waits are the caller's. */
const MOST_CONNECTION_RETRIES = 2;

/**
 * Sends a request within its deadline. 429 is tried again whatever the method (the server refused before it did
 * anything), 503 and other 5xx with Retry-After and broken connections only where a repetition does no harm: not for
 * POST and JSON patches. Waits are what the server asks for, else 100 ms·2ⁿ with jitter, and end at the deadline.
 */
export async function sendRequest(raw: RawRequest, deps: RequestDeps): Promise<RawResponse> {
  const { transport, clock } = deps;
  const doing = raw.doing ?? `${raw.method} ${raw.path}`;
  const timeoutMs = raw.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const deadline = clock.monotonic() + timeoutMs;
  const repeatable = raw.method !== 'POST' && raw.contentType !== 'application/json-patch+json';
  const outgoing = {
    method: raw.method,
    path: withQuery(raw.path, raw.query),
    headers: {
      ...(raw.body === undefined ? {} : { 'content-type': raw.contentType ?? 'application/json' }),
      ...(raw.accept === undefined ? {} : { accept: raw.accept }),
    },
    ...(raw.body === undefined ? {} : { body: JSON.stringify(raw.body) }),
    beforeSend: raw.beforeSend,
  };
  const timeUp = () =>
    new WindlassError('KubernetesUnavailable', `cannot ${doing}: no answer within ${timeoutMs / 1000} s`, {
      hint: 'check that the API server is well and can be reached from here',
    });

  return withSignal(raw.signal, timeoutMs, timeUp, clock, async (signal) => {
    let renewed = false;
    for (let retry = 0; ; retry++) {
      await deps.limiter?.take(signal);
      const startedAt = clock.monotonic();
      const observe = (status: number) => {
        const ms = Math.round(clock.monotonic() - startedAt);
        deps.observe?.({ method: raw.method, path: raw.path, status, ms });
        deps.log.debug('kubernetes request', { method: raw.method, path: outgoing.path, status, ms });
      };
      let failure: WindlassError;
      let again: boolean;
      try {
        const response = await transport.send('request', { ...outgoing, signal });
        const text = await response.body.text();
        observe(response.statusCode);
        if (response.statusCode < 400)
          return { status: response.statusCode, headers: response.headers, text } satisfies RawResponse;
        const retryAfter = retryAfterOf(response, clock);
        failure = statusError(doing, parseStatus(response.statusCode, text), retryAfter);
        again =
          response.statusCode === 429 ||
          (response.statusCode >= 500 && repeatable && (response.statusCode === 503 || retryAfter !== undefined));
        if (response.statusCode === 401 && !renewed && transport.renewCredentials()) {
          renewed = true;
          continue;
        }
      } catch (error) {
        // An abort or the deadline, or a credential that could not be had.
        if (signal.aborted || error instanceof WindlassError) throw error;
        observe(0);
        failure = connectionError(doing, error);
        const code = (error as NodeJS.ErrnoException).code ?? '';
        again = (repeatable || NOT_SENT.has(code)) && !UNTRUSTED.test(code) && retry < MOST_CONNECTION_RETRIES;
      }
      const usual = Math.min(FIRST_WAIT_MS * 2 ** retry, LONGEST_WAIT_MS) * (0.5 + deps.random());
      const wait = failure.retryAfter ?? usual;
      // The error of the server tells more than "no answer within", and its retryAfter is for the caller to honour.
      if (!again || retry >= MOST_RETRIES || clock.monotonic() + wait >= deadline) throw failure;
      await clock.sleep(wait, signal);
    }
  });
}

/**
 * Runs with a signal that fires with the caller's or after `ms`, and throws that signal's reason when it did. The error
 * of the latter is made only then: stacks of errors nobody saw were 5 % of the work of setting up a thousand objects.
 */
export async function withSignal<T>(
  outer: AbortSignal | undefined,
  ms: number,
  timeUp: () => Error,
  clock: Clock,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (outer?.aborted) throw outer.reason;
  const controller = new AbortController();
  const timer = clock.after(ms, () => controller.abort(timeUp()));
  // By hand: AbortSignal.any keeps every signal it made alive for as long as a long-lived outer one.
  const onAbort = () => controller.abort(outer?.reason);
  outer?.addEventListener('abort', onAbort, { once: true });
  try {
    return await run(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    throw error;
  } finally {
    timer.cancel();
    outer?.removeEventListener('abort', onAbort);
  }
}

/** Retry-After in milliseconds: a number of seconds or an HTTP date. */
export function retryAfterOf(response: Pick<Dispatcher.ResponseData, 'headers'>, clock: Clock): number | undefined {
  const text = [response.headers['retry-after']].flat()[0];
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - clock.now());
}

/** Parses the JSON of an answer. */
export function parseAnswer<T>(response: RawResponse, doing: string): T {
  try {
    return JSON.parse(response.text) as T;
  } catch (error) {
    throw new WindlassError(
      'KubernetesUnavailable',
      `cannot ${doing}: the answer is not JSON: ${describeError(error)}`,
      {
        hint: 'check that the server of the kubeconfig is a Kubernetes API server and not a proxy or a login page',
      },
    );
  }
}
