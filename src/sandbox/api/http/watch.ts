import { apiVersionOf } from '../../../base/object.ts';
import type { StoreChange } from '../../store/store.ts';
import { type AnyObject, ApiError } from '../../types.ts';
import type { Core } from '../core.ts';
import { statusOf } from '../failures.ts';
import { fromStorage, type Resource } from '../resource.ts';
import type { Selection } from '../select.ts';
import { type FormContext, inForm } from './forms.ts';
import type { Exchange } from './respond.ts';

/** How a client that takes nothing is told from one that is slow. */
const BUFFER_LIMIT = 64 * 1024 * 1024;
const BOOKMARK_INTERVAL = 60_000;

export interface WatchContext {
  core: Core;
  /** Ends when the server stops. */
  stopped: AbortSignal;
  lines: LineCache;
}

/** The bytes of the latest change, for all who watch it in the same form. */
export interface LineCache {
  change: StoreChange | undefined;
  lines: Map<string, Buffer>;
}

export function createLineCache(): LineCache {
  return { change: undefined, lines: new Map() };
}

/** Streams the changes of a resource until the client leaves, the time is over or the server stops. */
export function serveWatch(
  { core, stopped, lines }: WatchContext,
  exchange: Exchange,
  resource: Resource,
  scope: { namespace?: string | undefined; name?: string | undefined },
  selection: Selection,
  form: Omit<FormContext, 'now'>,
): void {
  const { response, query } = exchange;
  const inScope = (object: AnyObject) =>
    (scope.namespace === undefined || object.metadata.namespace === scope.namespace) &&
    (scope.name === undefined || object.metadata.name === scope.name) &&
    (selection.everything || selection.matches(fromStorage(resource, object)));

  let first = true;
  const lineOf = (type: string, object: AnyObject): Buffer => {
    let shown = inForm(resource, fromStorage(resource, object), { ...form, now: core.clock.now() });
    // Kubernetes: only the first table of a stream says which columns there are.
    if (form.form === 'table' && !first) shown = { ...shown, columnDefinitions: null };
    first = false;
    return Buffer.from(`{"type":"${type}","object":${JSON.stringify(shown)}}\n`);
  };
  const write = (line: Buffer) => {
    response.write(line);
    if (response.writableLength > BUFFER_LIMIT) response.destroy();
  };
  const formKey = `${resource.type.group}/${resource.type.version} ${form.form}`;
  const sendChange = (type: string, change: StoreChange, object: AnyObject) => {
    if (form.form === 'table') return write(lineOf(type, object));
    if (lines.change !== change) {
      lines.change = change;
      lines.lines.clear();
    }
    const key = `${type} ${formKey}`;
    const line = lines.lines.get(key) ?? lineOf(type, object);
    lines.lines.set(key, line);
    write(line);
  };

  let told = 0;
  const bookmark = (annotations?: Record<string, string>) => {
    told = core.store.revision();
    const metadata = {
      resourceVersion: String(told),
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    };
    const empty = { kind: resource.type.kind, apiVersion: apiVersionOf(resource.type), metadata };
    const shown =
      form.form === 'object'
        ? empty
        : form.form === 'metadata'
          ? { ...empty, kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' }
          : {
              kind: 'Table',
              apiVersion: 'meta.k8s.io/v1',
              metadata,
              columnDefinitions: null,
              rows: [{ cells: [], object: empty }],
            };
    write(Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object: shown })}\n`));
  };

  const handle = (change: StoreChange) => {
    const { type, object, previous } = change;
    const was = previous !== undefined && inScope(previous);
    const is = type !== 'DELETED' && inScope(object);
    if (is) return sendChange(was ? 'MODIFIED' : 'ADDED', change, object);
    if (!was) return;
    if (type === 'DELETED') return sendChange('DELETED', change, object);
    // Left the selection: the object as it was when it last belonged, with the version at which it left.
    const left = { ...previous, metadata: { ...previous.metadata, resourceVersion: String(change.revision) } };
    write(lineOf('DELETED', left));
  };

  const since = query.get('resourceVersion') ?? '';
  const wantsInitial = query.get('sendInitialEvents') === 'true';
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const sendInitial = () => {
    const objects = [...core.store.entries(resource.storage).entries()].filter(([, object]) => inScope(object));
    objects.sort(([a], [b]) => (a < b ? -1 : 1));
    if (objects.length > 0) write(Buffer.concat(objects.map(([, object]) => lineOf('ADDED', object))));
    if (wantsInitial) bookmark({ 'k8s.io/initial-events-end': 'true' });
  };

  let stopStore: () => void;
  try {
    if (since !== '' && !/^\d+$/.test(since)) {
      throw new ApiError('BadRequest', `Invalid value: ${JSON.stringify(since)}: resourceVersion must be a number`);
    }
    const fromNow = wantsInitial || since === '' || since === '0';
    if (fromNow) sendInitial();
    stopStore = core.store.watch(resource.storage, handle, fromNow ? undefined : Number(since));
  } catch (error) {
    response.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(error).body })}\n`);
    return;
  }

  const end = () => {
    stopStore();
    timeout.cancel();
    beat?.cancel();
    stopped.removeEventListener('abort', end);
    response.end();
  };
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  // Kubernetes: half an hour to an hour, so that clients spread their reconnections.
  const limit = seconds > 0 ? seconds * 1000 : 1800_000 * (1 + Math.random());
  const timeout = core.clock.after(limit, end);
  const schedule = () =>
    core.clock.after(BOOKMARK_INTERVAL, () => {
      if (core.store.revision() > told) bookmark();
      beat = schedule();
    });
  let beat = query.get('allowWatchBookmarks') === 'true' ? schedule() : undefined;
  stopped.addEventListener('abort', end, { once: true });
  response.on('close', end);
}
