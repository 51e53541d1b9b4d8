import {
  booleanOf,
  bytesField,
  doubleOf,
  integerOf,
  mapField,
  messagesOf,
  readFields,
  textField,
  textOf,
} from '../_grpc/protobuf.ts';

/** The messages of `externalscaler.ExternalScaler` (proto3, KEDA 2.21). */

const SERVICE = '/externalscaler.ExternalScaler';

export const METHODS = {
  isActive: `${SERVICE}/IsActive`,
  streamIsActive: `${SERVICE}/StreamIsActive`,
  getMetricSpec: `${SERVICE}/GetMetricSpec`,
  streamMetricSpec: `${SERVICE}/StreamMetricSpec`,
  getMetrics: `${SERVICE}/GetMetrics`,
} as const;

/** Which object asks, and with what metadata. */
export interface ScaledObjectRef {
  name: string;
  namespace: string;
  scalerMetadata: Readonly<Record<string, string>>;
}

export function encodeScaledObjectRef({ name, namespace, scalerMetadata }: ScaledObjectRef): Uint8Array {
  return Buffer.concat([textField(1, name), textField(2, namespace), mapField(3, scalerMetadata)]);
}

/** @param ref an encoded ScaledObjectRef */
export function encodeGetMetrics(ref: Uint8Array, metricName: string): Uint8Array {
  return Buffer.concat([bytesField(1, ref), textField(2, metricName)]);
}

export function decodeIsActive(message: Uint8Array): boolean {
  return booleanOf(readFields(message), 1);
}

export interface ServerMetricSpec {
  name: string;
  target: number;
  precision: 'int' | 'milli';
}

/** Fields 2 (int64, older) and 3 (double): the double counts when it is above zero. */
export function decodeMetricSpecs(message: Uint8Array): ServerMetricSpec[] {
  return messagesOf(readFields(message), 1).map((spec) => {
    const float = doubleOf(spec, 3);
    const name = textOf(spec, 1);
    return float > 0
      ? { name, target: float, precision: 'milli' }
      : { name, target: integerOf(spec, 2), precision: 'int' };
  });
}

/** The values of a GetMetricsResponse; their names are not looked at, they answer the name that was asked for. */
export function decodeMetricValues(message: Uint8Array): number[] {
  return messagesOf(readFields(message), 1).map((value) => {
    const float = doubleOf(value, 3);
    return float > 0 ? float : integerOf(value, 2);
  });
}
