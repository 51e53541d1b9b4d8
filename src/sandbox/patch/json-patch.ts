import { isDeepStrictEqual } from 'node:util';
import { ApiError } from '../types.ts';

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/**
 * JSON patch (RFC 6902) on a copy.
 * @throws ApiError BadRequest for what is no patch, Invalid when an operation does not fit the document
 */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw new ApiError('BadRequest', 'error decoding patch: a JSON patch is a list of operations');
  const root = { '': structuredClone(document) };
  for (const [index, given] of patch.entries()) apply(root, readOperation(given, index));
  return root[''];
}

function readOperation(given: unknown, index: number): Operation {
  const fail = (why: string) => new ApiError('BadRequest', `error decoding patch: operation ${index} ${why}`);
  if (typeof given !== 'object' || given === null) throw fail('is not an object');
  const { op, path, from } = given as Record<string, unknown>;
  if (typeof op !== 'string' || typeof path !== 'string') throw fail('needs an op and a path');
  if ((op === 'move' || op === 'copy') && typeof from !== 'string') throw fail(`needs "from" because its op is ${op}`);
  if (['add', 'replace', 'test'].includes(op) && !Object.hasOwn(given, 'value'))
    throw fail(`needs a value because its op is ${op}`);
  return given as Operation;
}

function apply(root: { '': unknown }, operation: Operation): void {
  const { op, path } = operation;
  switch (op) {
    case 'add':
      insert(root, operation, path, structuredClone(operation.value));
      break;
    case 'replace':
      read(root, operation, path);
      place(root, operation, path, structuredClone(operation.value));
      break;
    case 'remove':
      remove(root, operation, path);
      break;
    case 'copy':
      insert(root, operation, path, structuredClone(read(root, operation, operation.from ?? '')));
      break;
    case 'move': {
      const value = read(root, operation, operation.from ?? '');
      if (path.startsWith(`${operation.from}/`)) throw misfit(operation, 'a value cannot move into itself');
      remove(root, operation, operation.from ?? '');
      insert(root, operation, path, value);
      break;
    }
    case 'test':
      // A missing value equals null, as in the library that Kubernetes uses.
      if (!isDeepStrictEqual(peek(root, path) ?? null, operation.value)) throw misfit(operation, 'test failed');
      break;
    default:
      throw new ApiError('BadRequest', `error decoding patch: unknown operation ${JSON.stringify(op)}`);
  }
}

function misfit({ op, path }: Operation, why: string): ApiError {
  return new ApiError(
    'Invalid',
    `the server rejected our request due to an error in our request: ${op} operation does not apply: ${why}: ${JSON.stringify(path)}`,
  );
}

function tokens(pointer: string): string[] {
  return pointer.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The container of a pointer's last token, which is a key of it. */
function locate(root: { '': unknown }, operation: Operation, pointer: string): { holder: unknown; key: string } {
  if (pointer !== '' && !pointer.startsWith('/')) throw misfit(operation, 'a path starts with /');
  const parts = tokens(pointer);
  const key = parts.pop() ?? '';
  let holder: unknown = root;
  for (const part of parts) {
    holder = child(holder, part);
    if (typeof holder !== 'object' || holder === null) throw misfit(operation, 'missing path');
  }
  return { holder, key };
}

function child(holder: unknown, key: string): unknown {
  if (Array.isArray(holder)) return /^\d+$/.test(key) ? holder[Number(key)] : undefined;
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, key)) return undefined;
  return (holder as Record<string, unknown>)[key];
}

function peek(root: { '': unknown }, pointer: string): unknown {
  return tokens(pointer).reduce<unknown>(child, root);
}

function read(root: { '': unknown }, operation: Operation, pointer: string): unknown {
  const { holder, key } = locate(root, operation, pointer);
  const value = child(holder, key);
  if (value === undefined) throw misfit(operation, 'missing value');
  return value;
}

function place(root: { '': unknown }, operation: Operation, pointer: string, value: unknown): void {
  const { holder, key } = locate(root, operation, pointer);
  if (Array.isArray(holder)) holder[Number(key)] = value;
  else define(holder, key, value);
}

function insert(root: { '': unknown }, operation: Operation, pointer: string, value: unknown): void {
  const { holder, key } = locate(root, operation, pointer);
  if (!Array.isArray(holder)) {
    define(holder, key, value);
    return;
  }
  const index = key === '-' ? holder.length : /^\d+$/.test(key) ? Number(key) : -1;
  if (index < 0 || index > holder.length) throw misfit(operation, 'invalid index');
  holder.splice(index, 0, value);
}

function remove(root: { '': unknown }, operation: Operation, pointer: string): void {
  read(root, operation, pointer);
  const { holder, key } = locate(root, operation, pointer);
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete (holder as Record<string, unknown>)[key];
}

/** Own property even for a key such as __proto__. */
function define(holder: unknown, key: string, value: unknown): void {
  Object.defineProperty(holder as object, key, { value, enumerable: true, configurable: true, writable: true });
}
