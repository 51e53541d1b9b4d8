import { type AnyObject, ApiError, type Patch } from '../../types.ts';
import { type Core, read } from '../core.ts';
import { invalid, notFound } from '../failures.ts';
import type { Caller, FieldValidation, WriteContext } from '../machinery.ts';
import { parseDeleteOptions, remove } from '../remove.ts';
import type { Resource } from '../resource.ts';
import { patchScale, readScale, updateScale } from '../scale.ts';
import { selectionOf } from '../select.ts';
import { create, patch, type Target, update } from '../write.ts';
import { type FormContext, inForm, listInForm } from './forms.ts';
import { select, selectPage } from './list.ts';
import { contentTypeOf, parseBody, type ResourcePath, readBody, unsupported } from './request.ts';
import { type Exchange, send } from './respond.ts';
import { serveWatch, type WatchContext } from './watch.ts';

export interface VerbContext extends WatchContext {
  core: Core;
  toTable: FormContext['toTable'];
}

/** Answers a request for objects of a stored type, or their status or scale. */
export async function serveResource(
  context: VerbContext,
  exchange: Exchange,
  resource: Resource,
  path: ResourcePath,
  caller: Caller,
): Promise<void> {
  const { request, query } = exchange;
  const method = request.method ?? 'GET';
  if (path.name === undefined) return serveCollection(context, exchange, resource, path, caller, method);
  const subresource = subresourceOf(resource, path);
  const target: Target = { resource, namespace: path.namespace, name: path.name };
  if (resource.type.namespaced && path.namespace === undefined) throw new ApiError('NotFound', NO_RESOURCE);
  const show = (object: AnyObject, code = 200) =>
    send(exchange, code, inForm(resource, object, formOf(context, exchange)));
  switch (method) {
    case 'HEAD':
    case 'GET': {
      if (subresource === 'scale') return send(exchange, 200, readScale(context.core, target));
      if (subresource === undefined && query.get('watch') === 'true') {
        return watchObjects(context, exchange, resource, path);
      }
      const object = read(context.core, resource, path.namespace, path.name);
      if (!object) throw notFound(resource.type, path.name);
      return show(object);
    }
    case 'PUT': {
      const input = await readObject(exchange);
      const write = writeContext(exchange, caller);
      if (subresource === 'scale') return send(exchange, 200, await updateScale(context.core, target, input, write));
      return show(await update(context.core, target, input, write, subresource));
    }
    case 'PATCH': {
      const how = await readPatch(exchange);
      const write = writeContext(exchange, caller);
      if (subresource === 'scale') return send(exchange, 200, await patchScale(context.core, target, how, write));
      const existed = read(context.core, resource, path.namespace, path.name) !== undefined;
      return show(await patch(context.core, target, how, write, subresource), existed ? 200 : 201);
    }
    case 'DELETE': {
      if (subresource !== undefined) break;
      const options = parseDeleteOptions(await readOptional(exchange), query);
      const write = { ...writeContext(exchange, caller), dryRun: options.dryRun };
      const { object, gone } = await remove(context.core, target, options, write);
      if (!gone) return send(exchange, 200, object);
      const { group, plural } = resource.type;
      return send(exchange, 200, {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Success',
        details: { name: path.name, ...(group === '' ? {} : { group }), kind: plural, uid: object.metadata.uid },
      });
    }
  }
  throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

export const NO_RESOURCE = 'the server could not find the requested resource';

function subresourceOf(resource: Resource, { subresource }: ResourcePath): 'status' | 'scale' | undefined {
  if (subresource === undefined) return undefined;
  if (subresource === 'status' && resource.status) return 'status';
  if (subresource === 'scale' && resource.scale) return 'scale';
  throw new ApiError('NotFound', NO_RESOURCE);
}

async function serveCollection(
  context: VerbContext,
  exchange: Exchange,
  resource: Resource,
  path: ResourcePath,
  caller: Caller,
  method: string,
): Promise<void> {
  const { query } = exchange;
  const form = formOf(context, exchange);
  switch (method) {
    case 'HEAD':
    case 'GET': {
      const watching = query.get('watch');
      if (watching === 'true' || watching === '1') return watchObjects(context, exchange, resource, path);
      const selection = selectionOf(resource, query);
      const { objects, metadata } = selectPage(context.core, resource, path.namespace, selection, query);
      return send(exchange, 200, listInForm(resource, objects, metadata, form));
    }
    case 'POST': {
      const input = await readObject(exchange);
      const write = writeContext(exchange, caller);
      const created = await create(context.core, resource, input, path.namespace ?? input.metadata?.namespace, write);
      return send(exchange, 201, inForm(resource, created, form));
    }
    case 'DELETE': {
      const options = parseDeleteOptions(await readOptional(exchange), query);
      const write = { ...writeContext(exchange, caller), dryRun: options.dryRun };
      const { preconditions: _none, ...each } = options;
      const chosen = select(context.core, resource, path.namespace, selectionOf(resource, query));
      for (const { metadata } of chosen) {
        const target = { resource, namespace: metadata.namespace, name: metadata.name };
        await remove(context.core, target, each, write).catch((error: unknown) => {
          if (!(error instanceof ApiError) || error.reason !== 'NotFound') throw error;
        });
      }
      const metadata = { resourceVersion: String(context.core.store.revision()) };
      return send(exchange, 200, listInForm(resource, chosen, metadata, { ...form, form: 'object' }));
    }
  }
  throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

function watchObjects(context: VerbContext, exchange: Exchange, resource: Resource, path: ResourcePath): void {
  const scope = { namespace: path.namespace, name: path.name };
  serveWatch(context, exchange, resource, scope, selectionOf(resource, exchange.query), formOf(context, exchange));
}

function formOf({ toTable, core }: VerbContext, { accept, query }: Exchange): FormContext {
  return { form: accept.form, toTable, includeObject: query.get('includeObject'), now: core.clock.now() };
}

/** How the query and the headers want a write to be made. @throws ApiError for options that do not exist */
export function writeContext({ request, query, warnings }: Exchange, caller: Caller): WriteContext {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    throw new ApiError('Invalid', `dryRun: Invalid value: ${JSON.stringify(dryRun)}: supported values: "All"`);
  }
  const validation = query.get('fieldValidation') || 'Warn';
  if (validation !== 'Ignore' && validation !== 'Warn' && validation !== 'Strict') {
    const said = JSON.stringify(validation);
    throw new ApiError(
      'Invalid',
      `fieldValidation: Invalid value: ${said}: supported values: "Ignore", "Warn", "Strict"`,
    );
  }
  // Kubernetes: without fieldManager, the program's name from the User-Agent.
  const program = (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown';
  return {
    caller,
    manager: query.get('fieldManager') || program,
    dryRun: dryRun.length > 0,
    fieldValidation: validation satisfies FieldValidation,
    warn: (text) => warnings.push(text),
  };
}

export async function readObject({ request }: Exchange): Promise<AnyObject> {
  const value = parseBody(await readBody(request), contentTypeOf(request));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ApiError('BadRequest', 'the request body must be one object');
  }
  const object = value as AnyObject;
  const metadata: unknown = object.metadata ?? {};
  if (typeof metadata !== 'object' || Array.isArray(metadata)) {
    throw new ApiError('BadRequest', 'metadata of the object in the request body must be an object');
  }
  object.metadata = metadata as AnyObject['metadata'];
  return object;
}

async function readOptional({ request }: Exchange): Promise<unknown> {
  const body = await readBody(request);
  return body.length === 0 ? undefined : parseBody(body, contentTypeOf(request));
}

const PATCH_TYPES = new Map<string, Patch['type']>([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
]);

async function readPatch({ request, query }: Exchange): Promise<Patch> {
  const contentType = contentTypeOf(request);
  const type = PATCH_TYPES.get(contentType);
  if (!type) throw new ApiError('UnsupportedMediaType', unsupported([...PATCH_TYPES.keys()].join(', ')));
  const body = parseBody(await readBody(request), contentType);
  if (type === 'json') {
    if (!Array.isArray(body)) throw new ApiError('BadRequest', 'a JSON patch must be a list of operations');
    return { type, patch: body };
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ApiError('BadRequest', 'the patch must be an object');
  }
  if (type !== 'apply') return { type, patch: body };
  const fieldManager = query.get('fieldManager');
  if (!fieldManager) {
    const options = {
      group: 'meta.k8s.io',
      version: 'v1',
      plural: 'patchoptions',
      kind: 'PatchOptions',
      namespaced: false,
    };
    const message = 'Required value: is required for apply patch';
    throw invalid(options, '', [{ reason: 'FieldValueRequired', field: 'fieldManager', message }]);
  }
  return { type, patch: body, fieldManager, force: query.get('force') === 'true' };
}
