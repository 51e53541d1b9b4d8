import { fileURLToPath } from 'node:url';
import {
  type ClientReadableStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface Ref {
  name: string;
  namespace: string;
  metricName: string;
}

export interface RawMetric {
  value: number;
  timestamp: { seconds: number; nanos: number };
  metadata: Ref;
  isActive: boolean;
}

/** gRPC's own client of what the operator serves on port 9666. */
export interface MetricsClient {
  getMetrics(ref: Ref): Promise<{ items: { metricName: string; value: { string: string } }[] }>;
  subscribe(subscriber: string, ref: Ref): Promise<{ wasSubscribed: boolean; message?: string }>;
  unsubscribe(subscriber: string, ref: Ref): Promise<{ wasSubscribed: boolean }>;
  stream(subscriber: string): RawStream;
  close(): void;
}

export interface RawStream {
  metrics: RawMetric[];
  /** How it ended: `OK`, or the error's text; undefined while it is open. */
  readonly ended: string | undefined;
  cancel(): void;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
}

export interface MetricsClientOptions {
  /** `host:port`. */
  address: string;
  ca: string;
  cert?: string;
  key?: string;
  /** The host name that the server has to prove. */
  name: string;
}

const PROTO = fileURLToPath(new URL('../servers/metrics-service.proto', import.meta.url));

export function createMetricsClient({ address, ca, cert, key, name }: MetricsClientOptions): MetricsClient {
  const { api } = loadPackageDefinition(
    loadSync(PROTO, { keepCase: true, longs: Number, defaults: true }),
  ) as unknown as { api: GrpcObject & Record<string, ServiceClientConstructor> };
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const secure = credentials.createSsl(pem(ca), pem(key), pem(cert));
  const options = { 'grpc.ssl_target_name_override': name };
  const clientOf = (service: string) => {
    const Client = api[service] as ServiceClientConstructor;
    return new Client(address, secure, options);
  };
  const metrics = clientOf('MetricsService');
  const raw = clientOf('RawMetricsService');
  const call = <T>(client: typeof raw, method: string, request: object) =>
    new Promise<T>((resolve, reject) => {
      const run = client[method] as unknown as (
        request: object,
        done: (error: ServiceError | null, answer: T) => void,
      ) => void;
      run.call(client, request, (error, answer) => (error ? reject(error) : resolve(answer)));
    });

  return {
    getMetrics: (ref) => call(metrics, 'GetMetrics', ref),
    subscribe: (subscriber, metricMetadata) => call(raw, 'SubscribeMetric', { subscriber, metricMetadata }),
    unsubscribe: (subscriber, metricMetadata) => call(raw, 'UnsubscribeMetric', { subscriber, metricMetadata }),
    stream(subscriber) {
      const open = raw.GetRawMetricsStream as unknown as (request: object) => ClientReadableStream<{
        metrics?: RawMetric[];
      }>;
      const stream = open.call(raw, { subscriber });
      const seen: RawMetric[] = [];
      let ended: string | undefined;
      stream.on('data', ({ metrics: some = [] }) => seen.push(...some));
      stream.on('error', (error: Error) => {
        ended = error.message;
      });
      stream.on('end', () => {
        ended ??= 'OK';
      });
      return {
        metrics: seen,
        get ended() {
          return ended;
        },
        cancel: () => stream.cancel(),
        pause: () => stream.pause(),
        resume: () => stream.resume(),
      };
    },
    close() {
      metrics.close();
      raw.close();
    },
  };
}
