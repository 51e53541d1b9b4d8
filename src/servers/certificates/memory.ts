import type { Clock, Timer } from '../../base/clock.ts';
import type { CertificateSource } from './keeper.ts';
import { renewed, type Serving, servingOf, signerOf } from './material.ts';

const CHECK_MS = 12 * 3_600_000;

/** Certificates of this process alone, gone with it; for an operator beside a cluster, tests and the sandbox. */
export function createMemorySource({ names, clock }: { names: readonly string[]; clock: Clock }): CertificateSource {
  let { data } = renewed({}, names, clock.now());
  const listeners = new Set<(serving: Serving) => void>();
  let timer: Timer;
  const plan = () => {
    timer = clock.after(CHECK_MS, () => {
      const next = renewed(data, names, clock.now());
      if (next.reasons.length > 0) {
        data = next.data;
        for (const listener of listeners) listener(servingOf(data));
      }
      plan();
    });
  };
  plan();
  return {
    current: () => servingOf(data),
    signer: () => signerOf(data),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: () => timer.cancel(),
  };
}
