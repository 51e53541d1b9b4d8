import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { ConfigOf, Fields } from '../spec/trigger-fields.ts';

export type Category =
  | 'Queues and brokers'
  | 'Streaming'
  | 'Databases and stores'
  | 'AWS'
  | 'Azure'
  | 'GCP'
  | 'Other clouds'
  | 'Observability and metrics'
  | 'CI/CD and workflow'
  | 'Kubernetes, time and resources'
  | 'External';

export type PodIdentityProvider = 'none' | 'azure-workload' | 'gcp' | 'aws' | 'aws-eks';

/** spec.podIdentity of a TriggerAuthentication, as far as scalers read it. */
export interface PodIdentity {
  provider: PodIdentityProvider;
  identityId?: string;
  identityTenantId?: string;
  identityAuthorityHost?: string;
  identityOwner?: 'keda' | 'workload';
  roleArn?: string;
  externalID?: string;
}

/** A trigger's `metricType`; absent means AverageValue for external metrics. */
export type MetricType = 'AverageValue' | 'Value' | 'Utilization';

/** What a scaler may know about the trigger beside its own fields. */
export interface TriggerContext {
  /** Position in spec.triggers, 0-based. */
  triggerIndex: number;
  namespace: string;
  /** Name and kind of the ScaledObject or ScaledJob. */
  objectName: string;
  objectKind: 'ScaledObject' | 'ScaledJob';
  triggerName: string | undefined;
  metricType: MetricType | undefined;
  podIdentity: PodIdentity;
  /** The trigger only feeds a formula of scalingModifiers: a zero target is then allowed. */
  asMetricSource: boolean;
}

/** One thing wrong with one field. `field` is a name in the trigger's metadata or authentication parameters. */
export interface FieldProblem {
  field: string;
  message: string;
}

/** An external metric that the HPA will ask for. */
export interface ExternalMetric {
  kind: 'external';
  /** Without the `sN-` prefix, which the caller adds; already normalised where KEDA does. */
  name: string;
  /** Target per replica (AverageValue) or in all (Value). */
  target: number;
  /** `int` targets are written as whole quantities, `milli` ones with three decimals. */
  precision: 'int' | 'milli';
  /** Active when the value is strictly greater; absent when the scaler judges activity itself. */
  activation?: number;
}

/** A metric that Kubernetes measures itself (cpu, memory): nothing is ever read for it. */
export interface ResourceMetric {
  kind: 'resource';
  resource: 'cpu' | 'memory';
  containerName?: string;
  /** Utilization: percent as a whole number; AverageValue: a quantity. */
  target: { type: 'Utilization'; percent: number } | { type: 'AverageValue'; quantity: string };
}

export type MetricSpec = ExternalMetric | ResourceMetric;

/** What a source answered. `active` only where the scaler judges activity by itself. */
export interface Reading {
  value: number;
  active?: boolean;
  /**
   * Values by metric name, of scalers whose source names the metrics; a metric that is missing has no value, though
   * `active` still counts. `value` is then one of them, or 0 and without meaning when there is none.
   */
  values?: Readonly<Record<string, number>>;
}

/** What a stream may say beside readings. */
export interface StreamSignals {
  /** There is work, though no number came with that; it counts until a reading that was asked for later. */
  active(): void;
  /** The metrics are these from now on. */
  specs(specs: MetricSpec[]): void;
  /** Something came that changes nothing: the stream lives. */
  alive(): void;
}

/** An answer of `check`: what was found out, for a person. */
export interface CheckResult {
  ok: boolean;
  message: string;
}

export interface Scaler {
  /**
   * Asks the source once. Throws a WindlassError: SourceUnavailable and its kin, CredentialRefused,
   * SourceNotFound, or NoData when the source says that there is no value (never 0 in place of an error).
   */
  read(signal: AbortSignal): Promise<Reading>;
  /** Follows the source and calls back at every change until the signal is aborted; rejects when the stream breaks. */
  watch?(signal: AbortSignal, onReading: (reading: Reading) => void, signals?: StreamSignals): Promise<void>;
  /**
   * `watch` reports every change and its first call comes at once: while the stream lives the last reading is the
   * present one, and nothing is polled.
   */
  readonly watchIsComplete?: boolean;
  /** A connection test that tells a person what is wrong. */
  check?(signal: AbortSignal): Promise<CheckResult>;
  /** The metrics, where only the source knows them (external scalers). Asked for together with each reading. */
  metricSpecs?(signal: AbortSignal): Promise<MetricSpec[]>;
  /** Gives everything back; safe to call twice. */
  close(): Promise<void>;
}

/** Settings of outgoing HTTP, from KEDA_HTTP_* (core contract §10.4, §10.5). */
export interface HttpSettings {
  timeoutMs: number;
  keepAlive: boolean;
  minTlsVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  /** PEM texts trusted beside the system's. */
  extraCa: readonly string[];
}

/** What the sandbox or cluster offers to scalers that look at Kubernetes itself. */
export interface ClusterReader {
  /** Follows the pods of a namespace that match a selector; `onChange` is called at first and at every change. */
  watchPods(
    namespace: string,
    selector: string,
    signal: AbortSignal,
    onChange: (pods: readonly { phase: string; nodeName: string | undefined }[]) => void,
  ): Promise<void>;
  /** Ready endpoint addresses of a Service, with the ports its EndpointSlices list. */
  serviceEndpoints(
    namespace: string,
    service: string,
    signal: AbortSignal,
  ): Promise<{ address: string; ports: number[] }[]>;
  listPods(
    namespace: string,
    selector: string,
    signal: AbortSignal,
  ): Promise<readonly { phase: string; nodeName: string | undefined }[]>;
}

export interface ScalerDeps {
  clock: Clock;
  log: Logger;
  http: HttpSettings;
  cluster: ClusterReader;
  context: TriggerContext;
  /** Reads the operator's own environment (credential files and the like). */
  env: Readonly<Record<string, string | undefined>>;
  /** Counts what reads cost; absent where nobody counts (a connection test). */
  observe?: ScalerObserver | undefined;
}

export interface ScalerObserver {
  /** An HTTP request ended; without a status code no answer came. */
  request(request: { statusCode: number | undefined; tookMs: number }): void;
  /** A query gave nothing, which the trigger's `ignoreNullValues` makes a 0 or an error. */
  emptyResponse(ignoreNullValues: boolean): void;
}

export interface ScalerModule<F extends Fields> {
  /** Builds the scaler without any I/O. */
  createScaler(config: ConfigOf<F>, deps: ScalerDeps): Scaler;
}

export interface Example {
  title: string;
  /** Trigger metadata. */
  metadata: Record<string, string>;
  /** Parameters a TriggerAuthentication would give. */
  authentication?: Record<string, string>;
  podIdentity?: PodIdentityProvider;
  metricType?: MetricType;
}

/** All about a trigger type except the code that talks to the source: data only, cheap to import. */
export interface ScalerDefinition<F extends Fields = Fields> {
  /** The trigger type; also the folder and the docs page. */
  type: string;
  title: string;
  /** One sentence: what it measures. */
  summary: string;
  category: Category;
  /** Value of the Prometheus label `scaler` for a trigger without a name (KEDA 2.21 uses its Go type name). */
  scalerLabel: string;
  fields: F;
  podIdentity: readonly PodIdentityProvider[];
  /**
   * How the trigger's `metricType` is read. Default: AverageValue and Value, absent means AverageValue. `always`: it is
   * ignored and the HPA gets this one. A list: one of these has to be given.
   */
  metricTypes?: readonly MetricType[] | { always: 'AverageValue' | 'Value' };
  /** What a query depends on beside its fields: most on nothing, some on the namespace or the object. */
  scope?: 'namespace' | 'object';
  /** Metadata keys beyond the declared fields are part of the configuration (external scalers). */
  openMetadata?: boolean;
  /** Only the source knows the metrics: `metrics` gives none, and the scaler has `metricSpecs`. */
  metricsFromSource?: boolean;
  /** Problems that no single field shows. Called even when single fields failed; those are then undefined. */
  validate?(config: Partial<ConfigOf<F>>, context: TriggerContext): FieldProblem[];
  /** What will probably not work although KEDA takes it: told to the user, never an error. */
  advise?(config: Partial<ConfigOf<F>>, context: TriggerContext): FieldProblem[];
  /** The metrics, from configuration alone. Called only for a valid configuration. */
  metrics(config: ConfigOf<F>, context: TriggerContext): MetricSpec[];
  /** `useCachedMetrics` is allowed. Default true. */
  cacheable?: boolean;
  examples: readonly Example[];
  load(): Promise<ScalerModule<F>>;
}

/** Helps inference: the parsed configuration's type follows from `fields`. */
export function defineScaler<const F extends Fields>(definition: ScalerDefinition<F>): ScalerDefinition<F> {
  return definition;
}
