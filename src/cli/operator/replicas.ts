import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { apiVersionOf } from '../../base/object.ts';
import { type Ownership, ownershipOf } from '../../controllers/ownership.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { watchLeaderLease } from '../../kube/leader-lease.ts';
import { createMembership, LEASES, type Membership } from '../../kube/lease.ts';
import type { NamedWatches } from '../../kube/named-watch.ts';
import type { OperatorSettings } from './settings.ts';

/** How this process takes part in a group of replicas. */
export interface ReplicaOptions {
  /** The pod's name. */
  identity: string;
  /** `host:port` at which the others may ask this replica for metrics. */
  peerAddress?: string | undefined;
}

export interface Replicas {
  membership: Membership;
  ownership: Ownership;
  /** Tells from now on, once a time, that the KEDA operator is at work and this one waits for it. */
  tellOfKeda(events: EventRecorder): void;
  /** Leaves the group: the others take over at once. */
  stop(): Promise<void>;
}

/** The group's name, which our Leases begin with. */
const GROUP = 'windlass-member';
/** KEDA 2.21: the Lease by which its operators elect their leader, in their namespace. */
const KEDA_LEASE = 'operator.keda.sh';
/** On our Leases: where a replica answers the others. */
export const PEER_ANNOTATION = 'windlass.dev/peer';

export interface StartReplicasOptions extends ReplicaOptions {
  client: KubeClient;
  watches: NamedWatches;
  settings: Pick<OperatorSettings, 'podNamespace' | 'lease'>;
  clock: Clock;
  log: Logger;
}

/** Joins the group of replicas in the operator's namespace. */
export function startReplicas(options: StartReplicasOptions): Replicas {
  const { client, watches, settings, clock, log, identity, peerAddress } = options;
  const namespace = settings.podNamespace;
  const membership = createMembership({
    client,
    namespace,
    group: GROUP,
    identity,
    clock,
    log,
    ...settings.lease,
    annotations: peerAddress === undefined ? undefined : { [PEER_ANNOTATION]: peerAddress },
  });
  const keda = watchLeaderLease({ watches, namespace, name: KEDA_LEASE, clock, log });
  const ownership = ownershipOf(membership, keda);
  return {
    membership,
    ownership,
    tellOfKeda(events) {
      const tell = (holder: string | undefined) => {
        if (holder === undefined) return log.info('the KEDA operator has given up its lease', { lease: KEDA_LEASE });
        log.warn('the KEDA operator is at work: nothing is done while it holds its lease', {
          holder,
          lease: KEDA_LEASE,
        });
        const lease = { apiVersion: apiVersionOf(LEASES), kind: LEASES.kind, namespace, name: KEDA_LEASE };
        events.record(lease, {
          type: 'Warning',
          reason: 'WaitingForKEDA',
          note: `Windlass does nothing while the KEDA operator ${holder} is at work`,
        });
      };
      keda.onChange(tell);
      if (keda.holder !== undefined) tell(keda.holder);
    },
    async stop() {
      await ownership.close();
      keda.stop();
      await membership.stop();
    },
  };
}
