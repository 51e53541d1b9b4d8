import { isDeepStrictEqual } from 'node:util';
import { SECRETS } from '../../api/resources.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { apiVersionOf, type KubeObject } from '../../base/object.ts';
import { untilDone } from '../../base/until-done.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { NamedWatches } from '../../kube/named-watch.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../kube/status.ts';
import type { CertificateSource } from './keeper.ts';
import { type CertificateData, renewed, type Serving, servingOf, signerOf } from './material.ts';

interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

export interface SecretSourceOptions {
  client: KubeClient;
  watches: NamedWatches;
  namespace: string;
  /** `kedaorg-certs` in KEDA's manifests. */
  secret: string;
  /** Host names and addresses that the certificate has to be for. */
  names: readonly string[];
  /** Ends the wait for an API server that does not answer. */
  signal?: AbortSignal | undefined;
  clock: Clock;
  log: Logger;
}

/** KEDA 2.21 looks as often. */
const CHECK_MS = 12 * 3_600_000;

/** Labels that KEDA's operator gives the Secret. */
const LABELS = {
  app: 'keda-operator',
  'app.kubernetes.io/name': 'keda-operator',
  'app.kubernetes.io/component': 'keda-operator',
  'app.kubernetes.io/part-of': 'keda',
};

const KEYS = ['ca.crt', 'ca.key', 'tls.crt', 'tls.key'] as const;

/**
 * Certificates that all replicas share in a Secret, which is made when it is missing, taken over as KEDA left it, and
 * renewed 90 days before an end. Whoever writes first wins: the others find a conflict and take what is there.
 * Resolves when there is something to serve; retries while the API server does not answer.
 */
export async function createSecretSource(options: SecretSourceOptions): Promise<CertificateSource> {
  const { client, watches, namespace, secret: name, names, clock, log } = options;
  const stopping = new AbortController();
  const listeners = new Set<(serving: Serving) => void>();
  let current: CertificateData | undefined;
  let timer: Timer | undefined;
  const watch = watches.watchNamed<Secret>(SECRETS, namespace, name);

  /** Reads the Secret, mends it where it has to be, and takes over what it says. */
  const check = async (): Promise<void> => {
    const found = await client.find<Secret>(SECRETS, name, { namespace });
    // Deleted or emptied by hand: what we serve goes back, so that nobody has to trust anything new.
    const known = { ...current, ...decoded(found?.data) };
    const { data, reasons } = renewed(known, names, clock.now());
    if (KEYS.some((key) => decoded(found?.data)[key] !== data[key])) {
      await write(found, Object.fromEntries(KEYS.map((key) => [key, Buffer.from(data[key]).toString('base64')])));
      const why = reasons.join('; ') || 'it was not in the Secret';
      log.info('certificates written', { secret: `${namespace}/${name}`, why });
    }
    take(data);
  };

  const write = async (found: Secret | undefined, data: Record<string, string>) => {
    if (!found) {
      const metadata = { name, namespace, labels: LABELS };
      await client.create(SECRETS, {
        apiVersion: apiVersionOf(SECRETS),
        kind: 'Secret',
        metadata,
        type: 'Opaque',
        data,
      });
      return;
    }
    // With its resource version, so that a write of somebody else in between is a conflict.
    await client.replace(SECRETS, { ...found, data: { ...found.data, ...data } }, { namespace });
  };

  /** Checks until it works; another replica's write is not a failure. */
  const settle = () =>
    untilDone(
      async () => {
        for (let attempt = 0; ; attempt++) {
          try {
            return await check();
          } catch (error) {
            const overtaken = isConflict(error) || isAlreadyExists(error) || isNotFound(error);
            if (!overtaken || attempt === MOST_RACES) throw error;
          }
        }
      },
      {
        clock,
        signal: stopping.signal,
        tell: (error) =>
          log.error('the Secret of the certificates cannot be kept', { secret: `${namespace}/${name}`, error }),
      },
    );

  const take = (data: CertificateData) => {
    if (isDeepStrictEqual(data, current)) return;
    current = data;
    for (const listener of listeners) listener(servingOf(data));
  };

  let running = false;
  let stale = false;
  /** One check at a time; what happens meanwhile is looked at after it. */
  const recheck = () => {
    stale = true;
    if (!running) void recheckAll();
  };
  const recheckAll = async () => {
    running = true;
    try {
      while (stale) {
        stale = false;
        await settle();
      }
    } catch (error) {
      if (!stopping.signal.aborted) log.error('certificates are not looked after any more', { error });
    } finally {
      running = false;
    }
  };
  const plan = () => {
    timer = clock.after(CHECK_MS, () => {
      recheck();
      plan();
    });
  };

  const forget = watch.onChange(recheck);
  const stop = () => {
    stopping.abort(new Error('certificates are not needed any more'));
    timer?.cancel();
    options.signal?.removeEventListener('abort', abort);
    forget();
    watch.release();
  };
  const abort = () => stopping.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    options.signal?.throwIfAborted();
    await settle();
  } catch (error) {
    stop();
    throw error;
  }
  plan();
  return {
    current: () => servingOf(current as CertificateData),
    signer: () => signerOf(current as CertificateData),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop,
  };
}

/** A race is lost once per other replica, at most. */
const MOST_RACES = 10;

function decoded(data: Record<string, string> | undefined): Partial<CertificateData> {
  return Object.fromEntries(
    KEYS.flatMap((key) => {
      const text = data?.[key];
      return text ? [[key, Buffer.from(text, 'base64').toString('utf8')]] : [];
    }),
  );
}
