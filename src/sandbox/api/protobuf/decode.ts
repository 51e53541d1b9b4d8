import { type AnyObject, ApiError } from '../../types.ts';
import { type Field, messageData } from './messages.ts';
import { readFields } from './wire.ts';

/** What Kubernetes puts before a protobuf message. */
const MAGIC = Buffer.from('k8s\0');
const META = 'k8s.io.apimachinery.pkg.apis.meta.v1';
const EXTENSIONS = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1';

/**
 * Reads an object from `application/vnd.kubernetes.protobuf`, as JSON would have it.
 * @throws ApiError BadRequest for what is no such message or of a kind that is not known
 */
export function decodeObject(body: Buffer): AnyObject {
  if (!body.subarray(0, 4).equals(MAGIC))
    throw new ApiError('BadRequest', 'the request body is not protobuf of Kubernetes');
  try {
    const parts = bytesByNumber(body.subarray(4));
    const typeMeta = bytesByNumber(parts.get(1) ?? Buffer.alloc(0));
    const apiVersion = typeMeta.get(1)?.toString() ?? '';
    const kind = typeMeta.get(2)?.toString() ?? '';
    const { packages, messages } = messageData();
    const own = `${packages[apiVersion]}.${kind}`;
    // Options come as of the group that they are for.
    const name = messages[own] ? own : `${META}.${kind}`;
    if (!messages[name])
      throw new ApiError(
        'BadRequest',
        `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`,
      );
    return { apiVersion, kind, ...(decodeMessage(name, parts.get(2) ?? Buffer.alloc(0)) as object) } as AnyObject;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiError('BadRequest', `cannot read the request body as protobuf: ${why}`);
  }
}

function bytesByNumber(message: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const { number, value } of readFields(message)) if (Buffer.isBuffer(value)) found.set(number, value);
  return found;
}

/** Messages that JSON writes otherwise than as an object of their fields. */
const SPECIAL: Record<string, (fields: Record<string, unknown>, message: Buffer) => unknown> = {
  [`${META}.Time`]: (_fields, message) => moment(message, 0),
  [`${META}.MicroTime`]: (_fields, message) => moment(message, 6),
  [`${META}.Verbs`]: ({ items }) => items ?? [],
  [`${META}.FieldsV1`]: (_fields, message) => rawJson(message),
  'k8s.io.apimachinery.pkg.runtime.RawExtension': (_fields, message) => rawJson(message),
  'k8s.io.apimachinery.pkg.api.resource.Quantity': ({ string }) => string ?? '0',
  'k8s.io.apimachinery.pkg.util.intstr.IntOrString': ({ type, intVal, strVal }) =>
    type === 1 ? (strVal ?? '') : (intVal ?? 0),
  'k8s.io.api.authentication.v1.ExtraValue': ({ items }) => items ?? [],
  'k8s.io.api.authorization.v1.ExtraValue': ({ items }) => items ?? [],
  [`${EXTENSIONS}.JSON`]: (_fields, message) => rawJson(message),
  [`${EXTENSIONS}.JSONSchemaPropsOrArray`]: ({ schema, jSONSchemas }) => schema ?? jSONSchemas,
  [`${EXTENSIONS}.JSONSchemaPropsOrBool`]: ({ schema, allows }) => schema ?? allows === true,
  [`${EXTENSIONS}.JSONSchemaPropsOrStringArray`]: ({ schema, property }) => schema ?? property,
};

function moment(message: Buffer, digits: 0 | 6): string | undefined {
  let seconds = 0n;
  let nanos = 0n;
  for (const { number, value } of readFields(message)) {
    if (Buffer.isBuffer(value)) continue;
    if (number === 1) seconds = BigInt.asIntN(64, value);
    if (number === 2) nanos = BigInt.asIntN(32, value);
  }
  // Go's zero time is in year 1: the field is not set.
  if (message.length === 0 || seconds < -62_000_000_000n) return undefined;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = digits === 0 ? '' : `.${String(nanos / 1000n).padStart(6, '0')}`;
  return `${whole}${fraction}Z`;
}

function rawJson(message: Buffer): unknown {
  const raw = bytesByNumber(message).get(1);
  return raw === undefined || raw.length === 0 ? undefined : JSON.parse(raw.toString());
}

function decodeMessage(name: string, message: Buffer): unknown {
  const fields = messageData().messages[name] ?? {};
  const object: Record<string, unknown> = {};
  for (const { number, value, fixed } of readFields(message)) {
    const field = fields[number];
    if (!field) continue;
    const [json, type, flags = ''] = field;
    if (flags.includes('m')) {
      const [key, decoded] = mapEntry(type, value);
      const map = (object[json] ?? {}) as Record<string, unknown>;
      object[json] = map;
      // Not by assignment: a key may be called __proto__.
      Object.defineProperty(map, key, { value: decoded, enumerable: true, writable: true, configurable: true });
    } else if (flags.includes('r')) {
      const list = (object[json] ?? []) as unknown[];
      object[json] = list;
      list.push(decodeValue(type, value, fixed));
    } else {
      const decoded = decodeValue(type, value, fixed);
      if (flags.includes('i')) Object.assign(object, decoded);
      else if (decoded !== undefined && (flags.includes('z') || !isZero(decoded))) object[json] = decoded;
    }
  }
  const special = SPECIAL[name];
  return special ? special(withZeros(fields, object, message), message) : object;
}

/** For messages with a form of their own zero and absent are the same. */
function withZeros(
  fields: Record<string, Field>,
  object: Record<string, unknown>,
  message: Buffer,
): Record<string, unknown> {
  for (const { number, value, fixed } of readFields(message)) {
    const [json, type, flags = ''] = fields[number] ?? [];
    if (json !== undefined && type !== undefined && flags === '' && object[json] === undefined) {
      object[json] = decodeValue(type, value, fixed);
    }
  }
  return object;
}

const isZero = (value: unknown) => value === '' || value === 0 || value === false;

function mapEntry(type: string, value: bigint | Buffer): [string, unknown] {
  let key = '';
  let decoded: unknown = type === 'string' || type === 'bytes' ? '' : undefined;
  if (!Buffer.isBuffer(value)) throw new RangeError('an entry of a map is a number');
  for (const part of readFields(value)) {
    if (part.number === 1) key = part.value.toString();
    if (part.number === 2) decoded = decodeValue(type, part.value, part.fixed);
  }
  return [key, decoded];
}

function decodeValue(type: string, value: bigint | Buffer, fixed: boolean): unknown {
  if (Buffer.isBuffer(value)) {
    if (type === 'string') return value.toString('utf8');
    if (type === 'bytes') return value.toString('base64');
    return decodeMessage(type, value);
  }
  switch (type) {
    case 'bool':
      return value !== 0n;
    case 'double': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(value);
      return bytes.readDoubleLE();
    }
    case 'int32':
      return Number(BigInt.asIntN(32, value));
    case 'int64':
      return Number(BigInt.asIntN(64, value));
    default:
      if (fixed) throw new RangeError(`a field of type ${type} has a fixed width`);
      return Number(value);
  }
}
