import { fileURLToPath } from 'node:url';
import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface Ref {
  name: string;
  namespace: string;
  scalerMetadata: Record<string, string>;
}

export interface Spec {
  metricName: string;
  targetSize?: number;
  targetSizeFloat?: number;
}

export interface Value {
  metricName: string;
  metricValue?: number;
  metricValueFloat?: number;
}

export interface StartOptions {
  /** Default: a free one. */
  port?: number;
  /** Speak TLS with this certificate; with `ca` the client has to show one that it signed. */
  tls?: { cert: string; key: string; ca?: string };
  /** Streams that one connection may hold at a time. */
  maxConcurrentStreams?: number;
  /** Servers of before KEDA 2.21 have no StreamMetricSpec. */
  withoutSpecStream?: boolean;
}

/** What a handler may do instead of answering: fail with a gRPC status, or never answer. */
export type Behaviour = { code: number; details?: string } | 'hang' | undefined;

/** An external scaler on gRPC's own server, whose answers a test writes. */
export interface ExternalScalerServer {
  /** `127.0.0.1:port`. */
  address: string;
  port: number;
  active: boolean;
  specs: Spec[];
  /** Values by metric name; a metric that is missing has none. */
  values: Map<string, Value[]>;
  /** By method: what it does instead of answering. */
  behaviour: Map<string, Behaviour>;
  /** Calls so far: method and what it was asked with. */
  calls: { method: string; ref: Ref; metricName?: string; deadlineMs?: number }[];
  /** Open streams of StreamIsActive and StreamMetricSpec. */
  streams(method?: 'StreamIsActive' | 'StreamMetricSpec'): number;
  /** Says on all StreamIsActive streams (of one object, if named) whether there is work. */
  push(active: boolean, object?: string): void;
  pushSpecs(specs: Spec[]): void;
  /** Ends all streams: with OK, or with a status. */
  endStreams(code?: number): void;
  /** Lets running calls end, refuses new ones and ends. */
  stop(): Promise<void>;
}

const PROTO = fileURLToPath(new URL('externalscaler.proto', import.meta.url));

type Stream = ServerWritableStream<Ref, unknown>;

export async function startExternalScaler(options: StartOptions = {}): Promise<ExternalScalerServer> {
  const { port = 0, tls, maxConcurrentStreams, withoutSpecStream } = options;
  const loaded = loadPackageDefinition(loadSync(PROTO, { keepCase: true, longs: Number, defaults: true }));
  const { ExternalScaler } = loaded.externalscaler as GrpcObject;
  const { service } = ExternalScaler as ServiceClientConstructor;
  const server = new Server(
    maxConcurrentStreams === undefined ? {} : { 'grpc.max_concurrent_streams': maxConcurrentStreams },
  );
  const streams = { StreamIsActive: new Set<Stream>(), StreamMetricSpec: new Set<Stream>() };

  const made: ExternalScalerServer = {
    address: '',
    port: 0,
    active: false,
    specs: [{ metricName: 'orders', targetSizeFloat: 5 }],
    values: new Map([['orders', [{ metricName: 'orders', metricValueFloat: 12 }]]]),
    behaviour: new Map(),
    calls: [],
    streams: (method) => (method ? streams[method].size : streams.StreamIsActive.size + streams.StreamMetricSpec.size),
    push(active, object) {
      for (const stream of streams.StreamIsActive)
        if (object === undefined || stream.request.name === object) stream.write({ result: active });
    },
    pushSpecs(specs) {
      made.specs = specs;
      for (const stream of streams.StreamMetricSpec) stream.write({ metricSpecs: specs });
    },
    endStreams(code) {
      for (const stream of [...streams.StreamIsActive, ...streams.StreamMetricSpec]) {
        if (code === undefined) stream.end();
        else
          stream.emit('error', Object.assign(new Error('ended by the test'), { code, details: 'ended by the test' }));
      }
    },
    stop: async () => server.forceShutdown(),
  };

  const unary =
    <Q>(method: string, read: (request: Q) => { ref: Ref; metricName?: string }, answer: (request: Q) => object) =>
    (call: ServerUnaryCall<Q, object>, done: sendUnaryData<object>) => {
      const deadline = call.getDeadline();
      made.calls.push({
        method,
        ...read(call.request),
        ...(typeof deadline === 'number'
          ? { deadlineMs: deadline - Date.now() }
          : { deadlineMs: Number(deadline) - Date.now() }),
      });
      const instead = made.behaviour.get(method);
      if (instead === 'hang') return;
      if (instead) done({ code: instead.code, details: instead.details ?? '' });
      else done(null, answer(call.request));
    };
  const streaming =
    (method: 'StreamIsActive' | 'StreamMetricSpec', first: () => object | undefined) => (call: Stream) => {
      made.calls.push({ method, ref: call.request });
      const instead = made.behaviour.get(method);
      if (instead && instead !== 'hang') {
        call.emit('error', Object.assign(new Error(instead.details), instead));
        return;
      }
      streams[method].add(call);
      const gone = () => void streams[method].delete(call);
      for (const event of ['close', 'cancelled', 'error', 'finish']) call.on(event, gone);
      const message = first();
      if (message) call.write(message);
    };
  const ofRef = (ref: Ref) => ({ ref });

  server.addService(service, {
    IsActive: unary('IsActive', ofRef, () => ({ result: made.active })),
    GetMetricSpec: unary('GetMetricSpec', ofRef, () => ({ metricSpecs: made.specs })),
    GetMetrics: unary<{ scaledObjectRef: Ref; metricName: string }>(
      'GetMetrics',
      ({ scaledObjectRef: ref, metricName }) => ({ ref, metricName }),
      ({ metricName }) => ({ metricValues: made.values.get(metricName) ?? [] }),
    ),
    StreamIsActive: streaming('StreamIsActive', () => undefined),
    StreamMetricSpec: withoutSpecStream
      ? (call: Stream) => call.emit('error', Object.assign(new Error('unknown method'), { code: status.UNIMPLEMENTED }))
      : streaming('StreamMetricSpec', () => ({ metricSpecs: made.specs })),
  });

  const credentials = tls
    ? ServerCredentials.createSsl(
        tls.ca === undefined ? null : Buffer.from(tls.ca),
        [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }],
        tls.ca !== undefined,
      )
    : ServerCredentials.createInsecure();
  made.port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  made.address = `127.0.0.1:${made.port}`;
  return made;
}
