import { DEPLOYMENTS, NAMESPACES, STATEFUL_SETS } from '../../api/resources.ts';
import type { AuthReaders } from '../../auth/types.ts';
import type { Clock } from '../../base/clock.ts';
import { WindlassError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { untilDone } from '../../base/until-done.ts';
import { createClusterReader } from '../../controllers/cluster-reader.ts';
import type { ControllerContext } from '../../controllers/context.ts';
import { startControllers } from '../../controllers/index.ts';
import { noMetrics } from '../../controllers/metrics.ts';
import { mayTell, ownsEverything } from '../../controllers/ownership.ts';
import { createServiceAccountTokens } from '../../controllers/readers.ts';
import { createRecords } from '../../controllers/records.ts';
import { createTargets, projectWorkload } from '../../controllers/targets.ts';
import type { KubeClient } from '../../kube/client.ts';
import { createDiscovery } from '../../kube/discovery.ts';
import { createEventRecorder, type RecorderOptions } from '../../kube/events.ts';
import { createNamedWatches } from '../../kube/named-watch.ts';
import { isAlreadyExists } from '../../kube/status.ts';
import { createStore } from '../../kube/store.ts';
import { createSampling } from '../../sampling/index.ts';
import { serviceNames } from '../../servers/certificates/index.ts';
import { API_SERVICE, ensureApiService, trustApiService } from '../../servers/metrics-api/api-service.ts';
import { createDelegatedAuth } from '../../servers/metrics-api/delegated-auth.ts';
import { createMetricsApi } from '../../servers/metrics-api/index.ts';
import { VERSION } from '../version.ts';
import { type CertificateOptions, startCertificates } from './certificates.ts';
import { type ExplainOptions, startExplain } from './explain.ts';
import { type ReplicaOptions, startReplicas } from './replicas.ts';
import type { OperatorSettings } from './settings.ts';
import { startTelemetry, type TelemetryOptions } from './telemetry.ts';
import { startWebhooks, type WebhookOptions, type Webhooks } from './webhooks.ts';

export interface OperatorOptions {
  client: KubeClient;
  settings: OperatorSettings;
  clock: Clock;
  log: Logger;
  env: Readonly<Record<string, string | undefined>>;
  metricsApi: {
    host: string;
    /** 0 is a free one. */
    port: number;
    /** Name of the Service in front of it. */
    service: string;
    /**
     * Register the API with the API server under this host name, for an operator that runs beside the cluster.
     * Without it the Service and the APIService are somebody else's, and only the trust in our certificate is set.
     */
    reachableAt?: string | undefined;
    /** Default true; false leaves the APIService alone, for who has its authority put in by cert-manager. */
    register?: boolean | undefined;
  };
  /** Without it this process is the only one, and owns every object. */
  replicas?: ReplicaOptions | undefined;
  /** Default: made for this process alone. */
  certificates?: CertificateOptions | undefined;
  /** Reads files for ClusterTriggerAuthentications, relative to --filepath-auth-root-path. */
  file?: AuthReaders['file'];
  /** Ends a start that waits for the API server. */
  signal?: AbortSignal | undefined;
  /** Without it nothing is counted, scraped or probed. */
  telemetry?: TelemetryOptions | undefined;
  /** Without it nobody is told why something was scaled. */
  explain?: ExplainOptions | undefined;
  /** Without it objects are not judged at admission. */
  webhooks?: WebhookOptions | undefined;
}

export interface Operator {
  /** Where the external metrics API listens. */
  metricsApi: { host: string; port: number };
  /** Ports of `/metrics` and of the probes, where they are served. */
  telemetry: { metricsPort: number | undefined; healthPort: number | undefined };
  /** Where decisions are told, if they are. */
  explain: { host: string; port: number } | undefined;
  /** The admission webhooks, if they run. */
  webhooks: Pick<Webhooks, 'host' | 'port' | 'registered'> | undefined;
  /** Resolves when everything that is watched is known and the metrics API answers. */
  ready: Promise<void>;
  stop(): Promise<void>;
}

/** Starts the operator: controllers, sampling and the external metrics API in this process. */
export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { client, settings, clock, log, env } = options;
  const { namespace } = settings;
  let isReady = false;
  const isServing = () => isReady || 'the ScaledObjects are not known yet';
  const telemetry = options.telemetry && (await startTelemetry(options.telemetry, { ready: isServing, log }));
  const records = createRecords();
  const explain = options.explain && (await startExplain(options.explain, { records, log }));
  const watches = createNamedWatches({ client, clock, log });
  const sampling = createSampling({ clock, log });
  const { service, reachableAt, register = true } = options.metricsApi;
  if (reachableAt !== undefined && options.certificates?.from.kind === 'secret') {
    const tell = (error: unknown) => log.error('the operator cannot make its namespace', { error });
    const signal = options.signal ?? new AbortController().signal;
    await untilDone(() => ensureNamespace(client, settings.podNamespace), { clock, tell, signal });
  }
  const certificates = await startCertificates(
    options.certificates ?? {
      from: { kind: 'memory' },
      names: [
        ...serviceNames(service, settings.podNamespace),
        ...(options.webhooks ? serviceNames(options.webhooks.service, settings.podNamespace) : []),
        ...new Set(['localhost', ...(reachableAt === undefined ? [] : [reachableAt])]),
      ],
    },
    { client, watches, namespace: settings.podNamespace, signal: options.signal, clock, log },
  );
  const replicas =
    options.replicas &&
    (await startReplicas({ ...options.replicas, certificates, client, watches, settings, clock, log }));
  const ownership = replicas?.ownership ?? ownsEverything();
  const mayWrite: RecorderOptions['mayWrite'] = (regarding) => mayTell(ownership, regarding);
  const events = createEventRecorder({ client, clock, log, reportingController: 'keda-operator', mayWrite });
  const workloads = { client, namespace, project: projectWorkload, clock, log };
  const deployments = createStore({ ...workloads, type: DEPLOYMENTS });
  const statefulSets = createStore({ ...workloads, type: STATEFUL_SETS });
  const ctx: ControllerContext = {
    client,
    discovery: createDiscovery(client, clock),
    watches,
    targets: createTargets({ client, deployments, statefulSets }),
    ownership,
    tokens: createServiceAccountTokens(client, clock, settings.tokenExpirySeconds),
    sampling,
    events,
    metrics: telemetry?.telemetry.controllers ?? noMetrics,
    readings: replicas?.readings,
    records,
    cluster: createClusterReader({ client, clock, log }),
    clock,
    log,
    namespace,
    select: settings.select,
    version: VERSION,
    auth: settings.auth,
    http: settings.http,
    env,
    file: options.file,
  };
  replicas?.tellOfKeda(events);
  const controllers = startControllers({ ctx, deployments, statefulSets, settings });

  const auth = createDelegatedAuth({ client, watches, log });
  const shows = certificates.pair;
  const metricsApi = createMetricsApi({
    lookup: replicas?.serve(controllers) ?? controllers.lookup,
    auth,
    tls: shows,
    ready: isServing,
    log,
    clock,
    version: `v${VERSION}`,
  });
  const address = await metricsApi.listen(options.metricsApi.host, options.metricsApi.port);

  const { discovery } = ctx;
  const { scaledObjects } = controllers;
  const webhooks =
    options.webhooks &&
    (await startWebhooks({
      webhooks: options.webhooks,
      client,
      settings,
      discovery,
      scaledObjects,
      certificates,
      metrics: telemetry?.telemetry,
      clock,
      log,
    }));

  const announce = async (caBundle: string) => {
    if (!register) return;
    if (reachableAt !== undefined) {
      await ensureNamespace(client, settings.podNamespace);
      await ensureApiService(client, {
        service: { namespace: settings.podNamespace, name: service, port: 443 },
        endpoint: { host: reachableAt, port: address.port },
        caBundle,
      });
    } else if (caBundle !== '' && (await trustApiService(client, caBundle)) === 'missing') {
      throw new WindlassError('KubernetesRefused', `there is no APIService ${API_SERVICE}`, {
        hint: 'install it: without it no HPA gets a value of an external metric',
      });
    }
  };
  const stopping = new AbortController();
  const ready = (async () => {
    await Promise.all([controllers.synced, auth.synced]);
    isReady = true;
    // Without it no HPA gets a value, so it is tried until it works.
    await certificates.follow({ name: 'external metrics API', shows, setTls: metricsApi.setTls, trust: announce });
    log.info('operator is ready', { metricsApi: `${address.host}:${address.port}` });
  })();
  ready.catch((error: unknown) => {
    if (!stopping.signal.aborted) log.error('operator could not become ready', { error });
  });

  return {
    metricsApi: address,
    telemetry: { metricsPort: telemetry?.metricsPort, healthPort: telemetry?.healthPort },
    explain: explain && { host: explain.host, port: explain.port },
    webhooks,
    ready,
    async stop() {
      stopping.abort(new Error('the operator stops'));
      certificates.stop();
      const webhooksStopped = webhooks?.stop();
      const stopped = controllers.stop();
      // Only quick work is waited for: what others are to take over must not wait for a slow source.
      await Promise.race([stopped, clock.sleep(FINISH_MS)]);
      if (replicas) {
        await events.flush(FINISH_MS);
        await replicas.leave();
      }
      await Promise.all([stopped, webhooksStopped]);
      await metricsApi.close();
      await replicas?.stop();
      await sampling.stop();
      auth.close();
      await events.stop();
      deployments.stop();
      statefulSets.stop();
      watches.stop();
      await explain?.stop();
      await telemetry?.stop();
    },
  };
}

/** How long runs and events get to finish before the others take over. */
const FINISH_MS = 300;

/** An operator beside a cluster has no namespace that somebody made for it. */
async function ensureNamespace(client: KubeClient, name: string): Promise<void> {
  if (await client.find(NAMESPACES, name)) return;
  try {
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
