import type { AuthReaders, AuthSettings } from '../auth/types.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Discovery } from '../kube/discovery.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { NamedWatches } from '../kube/named-watch.ts';
import type { Sampling } from '../sampling/types.ts';
import type { ClusterReader, HttpSettings } from '../scalers/definition.ts';
import type { ControllerMetrics } from './metrics.ts';
import type { Ownership } from './ownership.ts';
import type { RawReadings } from './raw-readings.ts';
import type { ServiceAccountTokens } from './readers.ts';
import type { Records } from './records.ts';
import type { Targets } from './targets.ts';

/** Label selectors by which several operators share one cluster (KEDA 2.21: WATCH_LABEL_SELECTOR…). */
export interface LabelSelectors {
  /** ScaledObjects and ScaledJobs; HPAs are found by their owner, as a user may keep labels out of them. */
  scaled?: string | undefined;
  /** TriggerAuthentications and ClusterTriggerAuthentications. */
  authentication?: string | undefined;
}

/** Everything controllers are made from. */
export interface ControllerContext {
  client: KubeClient;
  discovery: Discovery;
  watches: NamedWatches;
  targets: Targets;
  /** Which objects are ours to work on. */
  ownership: Ownership;
  tokens: ServiceAccountTokens;
  sampling: Sampling;
  events: EventRecorder;
  metrics: ControllerMetrics;
  /** Where single readings go, if anybody may follow them. */
  readings?: RawReadings | undefined;
  /** Where decisions go, for `windlass explain`. */
  records: Records;
  cluster: ClusterReader;
  clock: Clock;
  log: Logger;
  /** Namespaces to watch; undefined for all. */
  namespace: string | readonly string[] | undefined;
  /** Only objects with these labels are looked at; absent for all. */
  select?: LabelSelectors | undefined;
  /** Our version, which HPAs and Jobs carry as a label. */
  version: string;
  auth: AuthSettings;
  http: HttpSettings;
  /** The operator's own environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** Root of file authentication, if there is one. */
  file: AuthReaders['file'];
}

/** A controller that runs. */
export interface RunningController {
  /** Resolves when what it watches is known. */
  synced: Promise<unknown>;
  stop(): Promise<void>;
}
