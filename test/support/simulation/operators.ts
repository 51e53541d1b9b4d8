import { DEPLOYMENTS, STATEFUL_SETS } from '../../../src/api/resources.ts';
import { WindlassError } from '../../../src/base/errors.ts';
import { createLogger } from '../../../src/base/log.ts';
import { readSettings } from '../../../src/cli/operator/settings.ts';
import type { ControllerContext } from '../../../src/controllers/context.ts';
import { type Controllers, startControllers } from '../../../src/controllers/index.ts';
import { noMetrics } from '../../../src/controllers/metrics.ts';
import { mayTell, ownershipOf } from '../../../src/controllers/ownership.ts';
import { createServiceAccountTokens } from '../../../src/controllers/readers.ts';
import { createRecords } from '../../../src/controllers/records.ts';
import { createTargets, projectWorkload } from '../../../src/controllers/targets.ts';
import type { DecisionRecord } from '../../../src/decision/record.ts';
import type { DiscoveredType } from '../../../src/kube/discovery.ts';
import { createEventRecorder } from '../../../src/kube/events.ts';
import { watchLeaderLease } from '../../../src/kube/leader-lease.ts';
import { createMembership } from '../../../src/kube/lease.ts';
import { createNamedWatches } from '../../../src/kube/named-watch.ts';
import { createStore } from '../../../src/kube/store.ts';
import { createSampling } from '../../../src/sampling/index.ts';
import type { ClusterApi } from '../../../src/sandbox/types.ts';
import type { ClusterReader } from '../../../src/scalers/definition.ts';
import type { Network, Process } from './network.ts';

/** What the source of a trigger answers: a number of pods, an error, or nothing ever. */
export type SourceAnswer = number | 'error' | 'hang';

/** Sources by the selector of a kubernetes-workload trigger (`app=name`). */
export type Sources = Map<string, SourceAnswer>;

export interface KnownRecord {
  by: string;
  record: DecisionRecord;
}

/** One operator, as a process that may be stopped, killed, frozen and cut off. */
export interface Member {
  name: string;
  process: Process;
  controllers: Controllers;
  logs: string[];
  /** As SIGTERM: hands over, then ends. */
  stop(): Promise<void>;
}

/** Sources in this process: no stream, a reading when asked. */
function readerOf(sources: Sources, process: Process): ClusterReader {
  const read = async (selector: string, signal: AbortSignal) => {
    await process.clock.sleep(2, signal);
    const answer = sources.get(selector) ?? 0;
    if (answer === 'hang')
      return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    if (answer === 'error') throw new WindlassError('SourceUnavailable', 'the source is told to fail');
    return Array.from({ length: answer }, () => ({ phase: 'Running', nodeName: undefined }));
  };
  return {
    listPods: (_, selector, signal) => read(selector, signal),
    watchPods: () => Promise.reject(new WindlassError('SourceUnavailable', 'there is no stream')),
    serviceEndpoints: () => Promise.resolve([]),
  };
}

/** The operator without its servers: everything that decides and writes, as src/cli/operator/operator.ts wires it. */
export function startMember(
  name: string,
  { api, network, sources, seen }: { api: ClusterApi; network: Network; sources: Sources; seen: KnownRecord[] },
): Member {
  const process = network.createProcess(name);
  const { client, clock } = process;
  const logs: string[] = [];
  const log = createLogger({ level: 'info', write: (line) => logs.push(line) });
  const settings = readSettings({ POD_NAMESPACE: 'keda' });
  const random = () => 0.5;
  const watches = createNamedWatches({ client, clock, log, random });
  const sampling = createSampling({ clock, log, random });
  const membership = createMembership({
    client,
    namespace: 'keda',
    group: 'windlass-member',
    identity: name,
    clock,
    log,
    ...settings.lease,
  });
  const keda = watchLeaderLease({ watches, namespace: 'keda', name: 'operator.keda.sh', clock, log });
  const ownership = ownershipOf(membership, keda);
  const events = createEventRecorder({
    client,
    clock,
    log,
    reportingController: 'keda-operator',
    mayWrite: (regarding) => mayTell(ownership, regarding),
  });
  const workloads = { client, namespace: undefined, project: projectWorkload, clock, log, random };
  const deployments = createStore({ ...workloads, type: DEPLOYMENTS });
  const statefulSets = createStore({ ...workloads, type: STATEFUL_SETS });
  const records = createRecords();
  const ctx: ControllerContext = {
    client,
    discovery: {
      resolve: async (apiVersion, kind) => {
        const type = api.resolve(apiVersion, kind);
        return type && ({ ...type, subresources: ['scale', 'status'] } as unknown as DiscoveredType);
      },
    },
    watches,
    targets: createTargets({ client, deployments, statefulSets }),
    ownership,
    tokens: createServiceAccountTokens(client, clock, 3600),
    sampling,
    events,
    metrics: noMetrics,
    records: {
      ...records,
      add(record) {
        seen.push({ by: name, record });
        records.add(record);
      },
    },
    cluster: readerOf(sources, process),
    clock,
    log,
    namespace: undefined,
    version: 'test',
    auth: settings.auth,
    http: settings.http,
    env: {},
    file: undefined,
  };
  const controllers = startControllers({ ctx, deployments, statefulSets, settings });
  // A process that is killed leaves promises behind that nobody waits for.
  controllers.synced.then(
    () => {},
    () => {},
  );
  return {
    name,
    process,
    controllers,
    logs,
    async stop() {
      await controllers.stop();
      await events.flush(300);
      await ownership.close();
      keda.stop();
      await membership.stop();
      await sampling.stop();
      await events.stop();
      deployments.stop();
      statefulSets.stop();
      watches.stop();
      process.kill();
    },
  };
}
