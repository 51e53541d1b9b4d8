import { describeError, WindlassError } from '../../base/errors.ts';
import { type GrpcChannel, leaseChannel } from '../_grpc/channel.ts';
import { hasStatus } from '../_grpc/status.ts';
import type { ExternalMetric, Reading, Scaler, ScalerDeps, StreamSignals } from '../definition.ts';
import { type ExternalConfig, wantsTls } from './fields.ts';
import {
  decodeIsActive,
  decodeMetricSpecs,
  decodeMetricValues,
  encodeGetMetrics,
  encodeScaledObjectRef,
  METHODS,
} from './messages.ts';

/** Longer than any sound answer takes, shorter than the limit of a whole read, so that the message names the call. */
const CALL_MS = 20_000;
/** KEDA 2.21: back-off of StreamMetricSpec. */
const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 60_000;

const NOBODY: StreamSignals = { active() {}, specs() {}, alive() {} };

/** Asks a server of `externalscaler.ExternalScaler`. With `push` it follows the server's streams too. */
export function createExternalScaler(config: ExternalConfig, deps: ScalerDeps, { push }: { push: boolean }): Scaler {
  const { context, clock } = deps;
  const channel = open(config, deps);
  const ref = encodeScaledObjectRef({
    name: context.objectName,
    namespace: context.namespace,
    scalerMetadata: config.scalerMetadata,
  });
  const hide = hiding(config.scalerMetadata);
  let known: ExternalMetric[] | undefined;
  let asking: Promise<ExternalMetric[]> | undefined;
  let hasSpecStream = true;

  const call = <T>(method: string, request: Uint8Array, signal: AbortSignal, decode: (answer: Uint8Array) => T) =>
    channel.unary(method, request, { timeoutMs: CALL_MS, signal }).then(decode).catch(hide);

  const toSpecs = (message: Uint8Array) => metricsOf(message, config.scalerAddress, context.asMetricSource);

  const metricSpecs = (signal: AbortSignal): Promise<ExternalMetric[]> => {
    const question = call(METHODS.getMetricSpec, ref, signal, toSpecs)
      .then((specs) => {
        known = specs;
        return specs;
      })
      .finally(() => {
        if (asking === question) asking = undefined;
      });
    asking = question;
    return question;
  };

  const read = async (signal: AbortSignal): Promise<Reading> => {
    signal.throwIfAborted();
    const isActive = call(METHODS.isActive, ref, signal, decodeIsActive);
    // It may fail while something else is still waited for.
    isActive.catch(() => {});
    const metrics = known ?? (await (asking ?? metricSpecs(signal)));
    const answers = await Promise.all(
      metrics.map(async ({ name }) => {
        const values = await call(METHODS.getMetrics, encodeGetMetrics(ref, name), signal, decodeMetricValues);
        return [name, values] as const;
      }),
    );
    const active = await isActive;
    // An HPA adds up what it is given for one name; KEDA 2.21 hands it every value.
    const values = Object.fromEntries(
      answers.flatMap(([name, found]) => (found.length === 0 ? [] : [[name, found.reduce((a, b) => a + b)]])),
    );
    return { value: Object.values(values)[0] ?? 0, active, values };
  };

  const followSpecs = async (signal: AbortSignal, signals: StreamSignals) => {
    let pause = FIRST_RETRY_MS;
    while (!signal.aborted && hasSpecStream) {
      try {
        await channel.stream(METHODS.streamMetricSpec, ref, {
          signal,
          onMessage(message) {
            pause = FIRST_RETRY_MS;
            known = toSpecs(message);
            signals.specs(known);
          },
        });
        pause = FIRST_RETRY_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (hasStatus(error, 'UNIMPLEMENTED')) {
          hasSpecStream = false;
          return;
        }
        await hide(error).catch((shown) =>
          deps.log.info('StreamMetricSpec broke; the metrics are asked for with each poll', { error: shown }),
        );
      }
      await clock.sleep(pause, signal).catch(() => {});
      pause = Math.min(2 * pause, LAST_RETRY_MS);
    }
  };

  const watch = async (signal: AbortSignal, _: unknown, signals = NOBODY): Promise<void> => {
    const both = new AbortController();
    const abort = () => both.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    void followSpecs(both.signal, signals);
    try {
      await channel
        .stream(METHODS.streamIsActive, ref, {
          signal: both.signal,
          onMessage: (message) => (decodeIsActive(message) ? signals.active() : signals.alive()),
        })
        .catch(hide);
    } finally {
      signal.removeEventListener('abort', abort);
      both.abort();
    }
  };

  return {
    read,
    metricSpecs,
    ...(push ? { watch } : {}),
    async check(signal) {
      const specs = await metricSpecs(signal);
      const { values, active } = await read(signal);
      const found = specs.map(
        ({ name, target }) => `${name} is ${values?.[name] ?? 'without a value'} (target ${target})`,
      );
      return {
        ok: true,
        message: `${config.scalerAddress} is ${active ? 'active' : 'not active'}; ${found.join(', ')}`,
      };
    },
    async close() {
      channel.close();
    },
  };
}

function open(config: ExternalConfig, { http, clock }: ScalerDeps): GrpcChannel {
  const { scalerAddress: address, caCert: ca, tlsClientCert: cert, tlsClientKey: key, unsafeSsl } = config;
  const tls = wantsTls(config) ? { ca, cert, key, unsafeSsl } : undefined;
  try {
    return leaseChannel({ address, tls, http, clock });
  } catch (error) {
    if (!tls || !(error instanceof WindlassError) || error.message.includes(address)) throw error;
    throw new WindlassError('InvalidTrigger', `caCert, tlsClientCert or tlsClientKey: ${error.message}`, {
      cause: error.cause,
      hint: 'give PEM texts; tlsClientCert and tlsClientKey have to belong together',
    });
  }
}

/** @throws SourceAnswerInvalid for a metric that no HPA can use */
function metricsOf(message: Uint8Array, address: string, asMetricSource: boolean): ExternalMetric[] {
  const specs = decodeMetricSpecs(message);
  const seen = new Set<string>();
  for (const { name, target } of specs) {
    const problem =
      name === ''
        ? 'has a metric without a name'
        : seen.has(name)
          ? `has two metrics named ${name}`
          : asMetricSource || (target > 0 && Number.isFinite(target))
            ? undefined
            : `gives metric ${name} the target ${target}, which is not above zero`;
    if (problem !== undefined)
      throw new WindlassError('SourceAnswerInvalid', `GetMetricSpec of ${address} ${problem}`, {
        hint: 'mend the external scaler: each metric has a name of its own and a targetSizeFloat above zero',
      });
    seen.add(name);
  }
  return specs.map((spec) => ({ kind: 'external', ...spec }));
}

/** What came from the environment is often a credential, and a server may quote what it was sent. */
function hiding(metadata: Readonly<Record<string, string>>): (error: unknown) => Promise<never> {
  const hidden = Object.entries(metadata)
    .filter(([key, text]) => key.endsWith('FromEnv') && text.length > 3)
    .map(([, text]) => text);
  return async (error) => {
    const holds = (text: string) => hidden.some((secret) => text.includes(secret));
    if (!(error instanceof WindlassError) || !holds(describeError(error))) throw error;
    const clean = hidden.reduce((text, secret) => text.replaceAll(secret, '(hidden)'), error.message);
    throw new WindlassError(error.code, clean, { ...(error.hint === undefined ? {} : { hint: error.hint }) });
  };
}
