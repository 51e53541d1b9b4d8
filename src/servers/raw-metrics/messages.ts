import type { RawReading } from '../../controllers/raw-readings.ts';
import {
  booleanField,
  bytesField,
  doubleField,
  integerField,
  readFields,
  textField,
  textOf,
  type WireField,
} from '../../scalers/_grpc/protobuf.ts';
import type { MetricAnswer } from '../metrics-api/types.ts';
import type { MetricRef } from './hub.ts';

/** KEDA 2.21: package api of pkg/metricsservice, with the numbers of its fields. */

const refOf = (fields: readonly WireField[]): MetricRef => ({
  object: textOf(fields, 1),
  namespace: textOf(fields, 2),
  trigger: textOf(fields, 3),
});

const refMessage = ({ object, namespace, trigger }: MetricRef) =>
  Buffer.concat([textField(1, object), textField(2, namespace), textField(3, trigger)]);

/** ScaledObjectRef. */
export const readRef = (message: Uint8Array): MetricRef => refOf(readFields(message));

/** SubscriptionRequest. */
export function readSubscription(message: Uint8Array): { subscriber: string; metric: MetricRef } {
  const fields = readFields(message);
  const metadata = fields.findLast((field) => field.number === 2 && field.kind === 'bytes');
  return { subscriber: textOf(fields, 1), metric: refOf(metadata?.kind === 'bytes' ? readFields(metadata.value) : []) };
}

/** RawMetricsRequest. */
export const readStreamRequest = (message: Uint8Array): string => textOf(readFields(message), 1);

/** SubscriptionAck. */
export const subscriptionAck = (wasSubscribed: boolean, message = ''): Uint8Array =>
  Buffer.concat([booleanField(1, wasSubscribed), textField(2, message)]);

const timestamp = (at: number) =>
  Buffer.concat([integerField(1, Math.floor(at / 1_000)), integerField(2, Math.floor(at % 1_000) * 1_000_000)]);

/** RawMetricsResponse with one metric. */
export function rawMetricsMessage(reading: RawReading): Uint8Array {
  const metric = Buffer.concat([
    doubleField(1, reading.value),
    bytesField(2, timestamp(reading.at)),
    bytesField(3, refMessage(reading)),
    booleanField(4, reading.active),
  ]);
  return bytesField(1, metric);
}

/** ExternalMetricValueList of external.metrics.k8s.io/v1beta1; whole seconds, as Kubernetes has them. */
export function valueListMessage(answer: Exclude<MetricAnswer, { kind: 'error' }>): Uint8Array {
  const metadata = bytesField(1, new Uint8Array());
  if (answer.kind === 'empty') return metadata;
  const value = Buffer.concat([
    textField(1, answer.metricName),
    bytesField(3, integerField(1, Math.floor(answer.at / 1_000))),
    bytesField(5, textField(1, answer.value)),
  ]);
  return Buffer.concat([metadata, bytesField(2, value)]);
}
