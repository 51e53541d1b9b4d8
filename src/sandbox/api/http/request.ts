import type { IncomingMessage } from 'node:http';
import { parse as parseYaml } from 'yaml';
import { ApiError } from '../../types.ts';
import { decodeObject } from '../protobuf/decode.ts';

/** A path below /api or /apis, taken apart. */
export interface ResourcePath {
  group: string;
  version: string;
  resource?: string | undefined;
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: string | undefined;
  /** What follows the subresource, for proxies. */
  rest?: string | undefined;
}

/** Undefined for paths that name no group and version. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodePart);
  const core = parts[0] === 'api';
  if (!core && parts[0] !== 'apis') return undefined;
  const [group = '', version] = core ? ['', parts[1]] : [parts[1], parts[2]];
  if (version === undefined) return undefined;
  const rest = parts.slice(core ? 2 : 3);
  const named = (words: string[], namespace?: string): ResourcePath => ({
    group,
    version,
    namespace,
    resource: words[0],
    name: words[1],
    subresource: words[2],
    rest: words.length > 3 ? words.slice(3).join('/') : undefined,
  });
  const own = rest.length <= 2 || rest[2] === 'status' || rest[2] === 'finalize';
  if (rest[0] === 'namespaces' && rest[1] !== undefined && !own) return named(rest.slice(2), rest[1]);
  if (core && rest[0] === 'namespaces') return named(rest);
  return named(rest);
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ApiError('BadRequest', `cannot read the path: ${JSON.stringify(part)} is not percent-encoded text`);
  }
}

/** Kubernetes takes request bodies of up to 3 MiB. */
const BODY_LIMIT = 3 * 1024 * 1024;

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new ApiError('BadRequest', `Request entity too large: limit is ${BODY_LIMIT}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The media type of the body, without parameters; JSON when the client does not say. */
export function contentTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** @throws ApiError BadRequest, or UnsupportedMediaType for anything but JSON, YAML and Kubernetes' protobuf */
export function parseBody(body: Buffer, contentType: string): unknown {
  if (contentType === 'application/vnd.kubernetes.protobuf') return decodeObject(body);
  const yaml = contentType === 'application/yaml' || contentType === 'application/apply-patch+yaml';
  if (!yaml && !contentType.endsWith('json')) {
    throw new ApiError(
      'UnsupportedMediaType',
      unsupported('application/json, application/yaml, application/vnd.kubernetes.protobuf'),
    );
  }
  try {
    const text = body.toString('utf8');
    return yaml && !text.trimStart().startsWith('{') ? parseYaml(text) : JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiError('BadRequest', `cannot read the request body as ${yaml ? 'YAML' : 'JSON'}: ${why}`);
  }
}

export function unsupported(accepted: string): string {
  return `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
}

export type Form = 'object' | 'table' | 'metadata';

export interface Negotiated {
  encoding: 'json' | 'yaml';
  form: Form;
  /** The aggregated discovery document is wanted. */
  aggregatedDiscovery: boolean;
}

/**
 * The first form that the client asked for and that exists here. Protobuf and CBOR do not: clients that list JSON too
 * get that, and the others get JSON anyway.
 */
export function negotiate(accept: string | undefined): Negotiated {
  for (const option of (accept ?? '').split(',')) {
    const [media = '', ...parameters] = option.split(';').map((part) => part.trim());
    const values = new Map(parameters.map((parameter) => parameter.split('=', 2) as [string, string]));
    const type = media.toLowerCase();
    const yaml = type === 'application/yaml';
    if (!yaml && type !== 'application/json' && type !== '*/*' && type !== 'application/*' && type !== '') continue;
    const encoding = yaml ? 'yaml' : 'json';
    const as = values.get('as');
    if (as === undefined) return { encoding, form: 'object', aggregatedDiscovery: false };
    if (as === 'APIGroupDiscoveryList' && values.get('v') === 'v2') {
      return { encoding, form: 'object', aggregatedDiscovery: true };
    }
    const meta = values.get('g') === 'meta.k8s.io' && values.get('v') === 'v1';
    if (meta && as === 'Table') return { encoding, form: 'table', aggregatedDiscovery: false };
    if (meta && (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')) {
      return { encoding, form: 'metadata', aggregatedDiscovery: false };
    }
  }
  return { encoding: 'json', form: 'object', aggregatedDiscovery: false };
}
