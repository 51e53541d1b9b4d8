import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { apiVersionOf } from '../../base/object.ts';
import type { Controllers } from '../../controllers/index.ts';
import { type Ownership, ownershipOf } from '../../controllers/ownership.ts';
import type { RawReadings } from '../../controllers/raw-readings.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { watchLeaderLease } from '../../kube/leader-lease.ts';
import { createMembership, LEASES } from '../../kube/lease.ts';
import type { NamedWatches } from '../../kube/named-watch.ts';
import type { CertificateKeeper } from '../../servers/certificates/index.ts';
import type { MetricLookup } from '../../servers/metrics-api/types.ts';
import {
  createPeerClient,
  createPeerServer,
  createReplicatedLookup,
  type PeerServer,
} from '../../servers/peers/index.ts';
import {
  createGrpcHandler,
  createRawMetricsHub,
  createRelay,
  metricsServiceMethods,
  READINGS_PATH,
  serveReadings,
} from '../../servers/raw-metrics/index.ts';
import type { OperatorSettings } from './settings.ts';

/** How this process takes part in a group of replicas. */
export interface ReplicaOptions {
  /** The pod's name. */
  identity: string;
  /** Where the others may ask this replica for metrics; without it they get an error for what it owns. */
  peers?:
    | {
        /** Undefined is every address. */
        host: string | undefined;
        /** 0 is a free one. */
        port: number;
        /** The address under which the others reach it. */
        reachableAt: string;
      }
    | undefined;
}

export interface Replicas {
  ownership: Ownership;
  /** Where readings go, when somebody may follow them. */
  readings: RawReadings | undefined;
  /** From now on answers the others for what runs here; gives the look-up that answers for everything. */
  serve(controllers: Pick<Controllers, 'lookup' | 'locate'>): MetricLookup;
  /** Tells from now on, once a time, that the KEDA operator is at work and this one waits for it. */
  tellOfKeda(events: EventRecorder): void;
  /** Leaves the group: the others take over at once. */
  leave(): Promise<void>;
  /** Asks and answers the others no longer. */
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
  settings: Pick<OperatorSettings, 'podNamespace' | 'lease' | 'rawMetrics'>;
  /** Of the authorities that all replicas trust. */
  certificates: CertificateKeeper;
  clock: Clock;
  log: Logger;
}

/**
 * Joins the group of replicas in the operator's namespace.
 * @throws PortInUse
 */
export async function startReplicas(options: StartReplicasOptions): Promise<Replicas> {
  const { client, watches, settings, clock, log, identity, certificates } = options;
  const namespace = settings.podNamespace;
  const name = `${GROUP}.${namespace}.svc`;
  const credentials = certificates.member(name);
  let here: Pick<Controllers, 'lookup' | 'locate'> | undefined;
  let everywhere: MetricLookup = () => ({ kind: 'error', message: 'this replica is starting' });
  const { enabled, mode } = settings.rawMetrics;
  const hub = createRawMetricsHub({ mode, clock, log });
  const server = createPeerServer({
    local: (...asked) => here?.lookup(...asked) ?? { kind: 'error', message: 'this replica is starting' },
    isHere: (...asked) => here?.locate(...asked)?.isHere ?? false,
    credentials,
    serving: certificates.pair,
    paths: { [READINGS_PATH]: (request, response) => serveReadings(request, response, { hub, clock }) },
    grpc: createGrpcHandler(metricsServiceMethods({ hub, enabled, lookup: (...asked) => everywhere(...asked) })),
    clock,
    log,
  });
  const peerAddress = options.peers && (await listen(server, options.peers));
  const peers = createPeerClient({ credentials, clock });
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
  const addressOf = (member: string) => membership.annotationsOf(member)[PEER_ANNOTATION];
  const relay = createRelay({
    hub,
    others: () => membership.members().flatMap((member) => addressOf(member) ?? []),
    credentials,
    clock,
    log,
  });
  membership.onChange(relay.update);
  const forgetCertificates = certificates.onChange(() => {
    const fresh = certificates.member(name);
    server.setCredentials(fresh, certificates.pair);
    peers.setCredentials(fresh);
    relay.setCredentials(fresh);
  });
  const keda = watchLeaderLease({ watches, namespace, name: KEDA_LEASE, clock, log });
  const ownership = ownershipOf(membership, keda);
  return {
    ownership,
    readings: enabled ? hub.push : undefined,
    serve(controllers) {
      here = controllers;
      everywhere = createReplicatedLookup({
        local: controllers.lookup,
        locate: controllers.locate,
        ownerOf(uid) {
          const member = membership.ownerOf(uid);
          if (member === membership.identity) return 'here';
          return { member, address: addressOf(member) };
        },
        ask: peers.ask,
        clock,
      });
      return everywhere;
    },
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
    async leave() {
      await ownership.close();
      keda.stop();
      await membership.stop();
    },
    async stop() {
      forgetCertificates();
      relay.stop();
      await Promise.all([server.close(), peers.close()]);
    },
  };
}

/** Listens, and gives the address for the other replicas. */
async function listen(
  server: PeerServer,
  { host, port, reachableAt }: NonNullable<ReplicaOptions['peers']>,
): Promise<string> {
  const address = await server.listen(host, port);
  return `${isIPv6(reachableAt) ? `[${reachableAt}]` : reachableAt}:${address.port}`;
}

/** The address of this pod: POD_IP, else the first that is not a loopback one. */
export function ownAddress(env: Readonly<Record<string, string | undefined>>): string {
  if (env.POD_IP) return env.POD_IP;
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ internal, address }) => !internal && !address.startsWith('fe80:'))?.address ?? '127.0.0.1';
}
