import type { Logger } from '../../base/log.ts';
import { createTelemetry, createTelemetryServer, type Telemetry } from '../../servers/telemetry/index.ts';
import { GIT_COMMIT, VERSION } from '../version.ts';

export interface BindAddress {
  /** Undefined is every address. */
  host: string | undefined;
  /** 0 is a free one. */
  port: number;
}

export interface TelemetryOptions {
  /** Where Prometheus finds `/metrics`; without it nowhere. */
  metrics?: BindAddress | undefined;
  /** Where `/healthz` and `/readyz` are; without it nowhere. */
  health?: BindAddress | undefined;
  /** Six labels instead of two on the duration of scalers' requests. */
  highCardinality?: boolean | undefined;
}

export interface RunningTelemetry {
  telemetry: Telemetry;
  /** Ports that listen. */
  metricsPort: number | undefined;
  healthPort: number | undefined;
  stop(): Promise<void>;
}

/**
 * Counts, and listens for scrapes and probes.
 * @param ready whether the operator can serve; a text says why not
 * @throws PortInUse
 */
export async function startTelemetry(
  { metrics, health, highCardinality = false }: TelemetryOptions,
  { ready, log }: { ready: () => true | string; log: Logger },
): Promise<RunningTelemetry> {
  const telemetry = createTelemetry({ build: { version: VERSION, gitCommit: GIT_COMMIT }, highCardinality });
  const probes = { live: () => true as const, ready };
  const shared =
    metrics !== undefined && metrics.port !== 0 && metrics.port === health?.port && metrics.host === health.host;
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    await Promise.all(stops.map((each) => each()));
  };
  const serve = async ({ host, port }: BindAddress, options: { metrics: boolean; health: boolean }) => {
    const server = createTelemetryServer({
      render: options.metrics ? telemetry.render : undefined,
      health: options.health ? probes : undefined,
      log,
    });
    const address = await server.listen(host, port);
    stops.push(() => server.close());
    return address.port;
  };
  try {
    const metricsPort = metrics && (await serve(metrics, { metrics: true, health: shared }));
    const healthPort = shared ? metricsPort : health && (await serve(health, { metrics: false, health: true }));
    return { telemetry, metricsPort, healthPort, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
