import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Clock, Timer } from '../../base/clock.ts';
import { describeError, WindlassError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { CertificateSource } from './keeper.ts';
import type { Serving } from './material.ts';

/** Kubelet brings a changed Secret into a volume about once a minute; looking is three small reads. */
const CHECK_MS = 10_000;

/**
 * Certificates that somebody else looks after (cert-manager, the user): tls.crt and tls.key of a folder, and ca.crt with
 * the authorities when it is there. They are read again when the files change; a pair that does not fit, as in the
 * middle of a change, is left aside.
 * @throws InvalidArgument when there is no usable certificate in the folder
 */
export async function createFolderSource(options: {
  folder: string;
  clock: Clock;
  log: Logger;
}): Promise<CertificateSource> {
  const { folder, clock, log } = options;
  const listeners = new Set<(serving: Serving) => void>();
  let current = await readServing(folder);
  let told = '';
  let timer: Timer | undefined;
  let stopped = false;

  const check = async () => {
    try {
      const serving = await readServing(folder);
      told = '';
      if (isDeepStrictEqual(serving, current)) return;
      current = serving;
      log.info('certificates changed', { folder });
      for (const listener of listeners) listener(serving);
    } catch (error) {
      const text = describeError(error);
      if (text !== told) log.warn('changed certificates cannot be used; the old ones stay', { folder, error });
      told = text;
    }
  };
  const plan = () => {
    timer = clock.after(CHECK_MS, () => void check().finally(() => !stopped && plan()));
  };
  plan();
  return {
    current: () => current,
    signer: () => undefined,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}

async function readServing(folder: string): Promise<Serving> {
  const read = (name: string) => readFile(path.join(folder, name), 'utf8');
  const hint =
    'mount tls.crt, tls.key and ca.crt there, name another folder with --cert-dir, or use --enable-cert-rotation';
  let pair: Serving['pair'];
  try {
    pair = { cert: await read('tls.crt'), key: await read('tls.key') };
  } catch (cause) {
    throw new WindlassError('InvalidArgument', `there is no certificate in ${folder}: ${describeError(cause)}`, {
      hint,
      cause,
    });
  }
  let fits: boolean;
  try {
    fits = new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key));
  } catch (cause) {
    throw new WindlassError('InvalidArgument', `the certificate in ${folder} cannot be read`, { hint, cause });
  }
  if (!fits) throw new WindlassError('InvalidArgument', `tls.key in ${folder} is not the key of tls.crt`, { hint });
  return { pair, authorities: await read('ca.crt').catch(() => '') };
}
