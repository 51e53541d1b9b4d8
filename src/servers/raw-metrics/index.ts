export { createGrpcHandler } from './grpc.ts';
export { createRawMetricsHub, type RawMetricsHub, type RawMetricsMode } from './hub.ts';
export { createRelay, READINGS_PATH, type Relay, serveReadings } from './relay.ts';
export { metricsServiceMethods } from './service.ts';
