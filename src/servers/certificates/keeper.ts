import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { untilDone } from '../../base/until-done.ts';
import { createServingCertificate, type KeyPair } from './issue.ts';
import type { Serving } from './material.ts';
import { joinBundle, splitBundle } from './pem.ts';

/** Where certificates come from. */
export interface CertificateSource {
  current(): Serving;
  /** What signs; undefined where that is somebody else's secret. */
  signer(): KeyPair | undefined;
  onChange(listener: (serving: Serving) => void): () => void;
  stop(): void;
}

/** A server that shows a certificate, and those who have to trust it. */
export interface CertificateUser {
  name: string;
  /** What it shows now. */
  shows: KeyPair;
  setTls(pair: KeyPair): void;
  /** Tells the callers of the server which authorities to trust; tried until it works. */
  trust(authorities: string): Promise<void>;
}

export interface CertificateKeeper {
  /** What a new server begins with. */
  readonly pair: KeyPair;
  /** Hands the server every change from now on. Resolves when its callers trust what it shows. */
  follow(user: CertificateUser): Promise<void>;
  /** What replicas show each other; they trust the same authorities. A change makes it anew: see `onChange`. */
  member(name: string): MemberCredentials;
  onChange(listener: () => void): () => void;
  stop(): void;
}

/** PEM texts, and the name by which the certificate is to be checked. */
export interface MemberCredentials {
  ca: string;
  cert: string;
  key: string;
  name: string;
}

export interface KeeperOptions {
  source: CertificateSource;
  clock: Clock;
  log: Logger;
  /**
   * Milliseconds from the moment when the API server was told of a new authority until something signed by it is shown:
   * every API server of the cluster has to have heard of it by then. Default a minute.
   */
  graceMs?: number | undefined;
}

const GRACE_MS = 60_000;
/** So close to its end, an old certificate is worse than one that is not trusted yet. */
const LAST_MOMENT_MS = 24 * 3_600_000;

interface Followed {
  user: CertificateUser;
  pair: KeyPair;
  trusted: string | undefined;
  running: Promise<void> | undefined;
}

/**
 * Brings changed certificates into running servers, so that no caller ever meets one that it does not trust: first the
 * authorities, the old ones still among them, then the certificate.
 */
export function createCertificateKeeper(options: KeeperOptions): CertificateKeeper {
  const { source, clock, log, graceMs = GRACE_MS } = options;
  const stopping = new AbortController();
  const users = new Set<Followed>();
  /** Every authority there was: something that it signed may still be shown, by us or by another replica. */
  const authorities: string[] = [];

  const bundle = (): string => {
    const { authorities: present } = source.current();
    if (present === '') return '';
    for (const text of splitBundle(present)) if (!authorities.includes(text)) authorities.push(text);
    return joinBundle([...splitBundle(present), ...authorities], clock.now());
  };

  const bring = async (followed: Followed): Promise<void> => {
    const { user } = followed;
    for (;;) {
      const { pair } = source.current();
      const wanted = bundle();
      const changed = pair.cert !== followed.pair.cert || pair.key !== followed.pair.key;
      if (changed && endsSoon(followed.pair, clock.now())) show(followed, pair);
      if (wanted !== followed.trusted) {
        const isFirst = followed.trusted === undefined;
        const tell = (error: unknown) => log.error('the authority cannot be announced', { server: user.name, error });
        await untilDone(() => user.trust(wanted), { clock, tell, signal: stopping.signal });
        followed.trusted = wanted;
        if (changed && !isFirst) await clock.sleep(graceMs, stopping.signal);
        continue;
      }
      if (!changed) return;
      show(followed, pair);
    }
  };

  const show = (followed: Followed, pair: KeyPair) => {
    followed.user.setTls(pair);
    followed.pair = pair;
    log.info('a new certificate is in use', { server: followed.user.name, until: endOf(pair)?.toISOString() });
  };

  const start = (followed: Followed): Promise<void> => {
    followed.running ??= bring(followed).finally(() => {
      followed.running = undefined;
    });
    return followed.running;
  };

  bundle();
  /** A run in progress looks again before it ends. */
  const forget = source.onChange(() => {
    for (const followed of users)
      start(followed).catch((error: unknown) => {
        if (!stopping.signal.aborted) log.error('a new certificate cannot be used', { error });
      });
  });
  /** Where nobody may be told of a new authority, the old certificate stays until its last moment. */
  const watchEnds = () => {
    const { pair } = source.current();
    for (const followed of users)
      if (followed.pair.cert !== pair.cert && endsSoon(followed.pair, clock.now())) show(followed, pair);
    timer = clock.after(LAST_MOMENT_MS / 2, watchEnds);
  };
  let timer = clock.after(LAST_MOMENT_MS / 2, watchEnds);

  return {
    get pair() {
      return source.current().pair;
    },
    follow(user) {
      const followed: Followed = { user, pair: user.shows, trusted: undefined, running: undefined };
      users.add(followed);
      return start(followed);
    },
    member(name) {
      const { pair } = source.current();
      const ca = bundle();
      const signer = source.signer();
      if (signer) return { ...createServingCertificate(signer, [name], clock.now()), ca, name };
      // The replicas of one Deployment have the same files.
      const own = /DNS:([^,]+)/.exec(new X509Certificate(pair.cert).subjectAltName ?? '')?.[1];
      return { ...pair, ca: ca || pair.cert, name: own ?? name };
    },
    onChange: (listener) => source.onChange(listener),
    stop() {
      stopping.abort(new Error('the operator stops'));
      timer.cancel();
      forget();
      source.stop();
    },
  };
}

function endOf(pair: KeyPair): Date | undefined {
  try {
    return new X509Certificate(pair.cert).validToDate;
  } catch {
    return undefined;
  }
}

function endsSoon(pair: KeyPair, now: number): boolean {
  const end = endOf(pair);
  return end === undefined || end.getTime() - now < LAST_MOMENT_MS;
}
