import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { NamedWatches } from '../../kube/named-watch.ts';
import {
  type CertificateKeeper,
  createCertificateKeeper,
  createFolderSource,
  createMemorySource,
  createSecretSource,
} from '../../servers/certificates/index.ts';

/** Where the certificates of our servers come from. */
export interface CertificateOptions {
  /**
   * `memory`: made at start and gone at the end, for one process beside a cluster. `secret`: shared by replicas and
   * renewed. `folder`: looked after by somebody else.
   */
  from: { kind: 'memory' } | { kind: 'secret'; name: string } | { kind: 'folder'; path: string };
  /** Host names and addresses that made certificates are for. */
  names: readonly string[];
  /** Milliseconds between telling the API server of a new authority and showing what it signed. */
  graceMs?: number | undefined;
}

/** Finds or makes the certificates. Waits for the API server where it has to; the signal ends the wait. */
export async function startCertificates(
  { from, names, graceMs }: CertificateOptions,
  deps: {
    client: KubeClient;
    watches: NamedWatches;
    namespace: string;
    signal: AbortSignal | undefined;
    clock: Clock;
    log: Logger;
  },
): Promise<CertificateKeeper> {
  const { clock, log } = deps;
  const source =
    from.kind === 'memory'
      ? createMemorySource({ names, clock })
      : from.kind === 'secret'
        ? await createSecretSource({ ...deps, secret: from.name, names })
        : await createFolderSource({ folder: from.path, clock, log });
  return createCertificateKeeper({ source, clock, log, graceMs });
}
