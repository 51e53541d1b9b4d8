import type { ScaledJob, ScaledObject, TriggerAuthenticationStatus } from '../../api/index.ts';
import { CLUSTER_TRIGGER_AUTHENTICATIONS, TRIGGER_AUTHENTICATIONS } from '../../api/resources.ts';
import { hasCode } from '../../base/errors.ts';
import { type KubeObject, keyOf, type ResourceType } from '../../base/object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { createQueue } from '../../kube/queue.ts';
import { createStore, type Store } from '../../kube/store.ts';
import type { ControllerContext, RunningController } from '../context.ts';
import { claim, hasFinalizer, release } from '../finalizer.ts';
import { takeHold } from '../ownership.ts';

/** What is kept of a TriggerAuthentication: that it is there, and who its status says uses it. Its spec is read by those who need it. */
interface AuthenticationView extends KubeObject {
  status?: TriggerAuthenticationStatus;
}

type User = ScaledObject | ScaledJob;

export interface TriggerAuthenticationControllerOptions {
  ctx: ControllerContext;
  kind: 'TriggerAuthentication' | 'ClusterTriggerAuthentication';
  scaledObjects: Store<ScaledObject>;
  scaledJobs: Store<ScaledJob>;
}

/** The key of the authentication object that a trigger refers to, for one of the two kinds. */
function referencesOf(kind: TriggerAuthenticationControllerOptions['kind'], user: User): string[] {
  return (user.spec?.triggers ?? []).flatMap(({ authenticationRef: ref }) => {
    if (!ref || (ref.kind || 'TriggerAuthentication') !== kind) return [];
    return [kind === 'TriggerAuthentication' ? `${user.metadata.namespace}/${ref.name}` : ref.name];
  });
}

/**
 * Keeps the lists of users in the status of TriggerAuthentications or ClusterTriggerAuthentications, and tells their
 * coming, changing and going by events. A restart tells nothing.
 */
export function createTriggerAuthenticationController(
  options: TriggerAuthenticationControllerOptions,
): RunningController {
  const { ctx, kind, scaledObjects, scaledJobs } = options;
  const { client, clock, log } = ctx;
  const type: ResourceType =
    kind === 'TriggerAuthentication' ? TRIGGER_AUTHENTICATIONS : CLUSTER_TRIGGER_AUTHENTICATIONS;
  /** Generations that were seen by this process; the first sight of an object is no update. */
  const generations = new Map<string, { uid: string; generation: number }>();

  const store = createStore<AuthenticationView, KubeObject>({
    client,
    type,
    namespace: type.namespaced ? ctx.namespace : undefined,
    labelSelector: ctx.select?.authentication,
    project: ({ apiVersion, kind: rawKind, metadata, ...rest }) => {
      const { status } = rest as { status?: TriggerAuthenticationStatus };
      const { name, namespace, uid, resourceVersion, generation, finalizers, deletionTimestamp } = metadata;
      const kept = { name, namespace, uid, resourceVersion, generation, finalizers, deletionTimestamp };
      return {
        apiVersion,
        kind: rawKind,
        metadata: Object.fromEntries(
          Object.entries(kept).filter(([, value]) => value !== undefined),
        ) as unknown as KubeObject['metadata'],
        ...(status ? { status } : {}),
      };
    },
    clock,
    log,
  });
  const queue = createQueue({ name: kind, concurrency: 4, clock, log, run: (key) => run(key) });

  const wakeUsed = ({ object, previous }: { object: User; previous?: User }) => {
    const keys = new Set([...referencesOf(kind, object), ...(previous ? referencesOf(kind, previous) : [])]);
    for (const key of keys) queue.add(key);
  };
  const stops = [
    store.onChange(({ object }) => queue.add(keyOf(object))),
    ctx.ownership.onChange(() => {
      for (const object of store.list()) queue.add(keyOf(object));
    }),
    scaledObjects.onChange(wakeUsed),
    scaledJobs.onChange(wakeUsed),
  ];
  const synced = Promise.all([store.synced, scaledObjects.synced, scaledJobs.synced]);

  async function run(key: string): Promise<void> {
    await synced;
    try {
      await step(key);
    } catch (error) {
      // Its new owner does what is left to do.
      if (!hasCode(error, 'NotOwner')) throw error;
    }
  }

  async function step(key: string): Promise<void> {
    const object = find(key);
    if (!object || !ctx.ownership.owns(object.metadata.uid ?? '')) {
      generations.delete(key);
      return;
    }
    const { client: writer, events } = takeHold(ctx, object).ctx;
    const tell = (reason: string, note: string) =>
      events.record(object, { type: 'Normal', reason, action: reason, note });
    if (object.metadata.deletionTimestamp) {
      if (!hasFinalizer(object)) return;
      await release(writer, type, object);
      tell(`${kind}Deleted`, `${kind} was deleted`);
      return;
    }
    // What is known may be from before our own finalizer came: it is new once.
    const fresh = !hasFinalizer(object) && generations.get(key)?.uid !== object.metadata.uid;
    await claim(writer, type, object);
    if (fresh) tell(`${kind}Added`, `New ${kind} configured`);
    const { uid = '', generation = 0 } = object.metadata;
    const seen = generations.get(key);
    if (!fresh && seen?.uid === uid && seen.generation !== generation) tell(`${kind}Updated`, `${kind} was changed`);
    generations.set(key, { uid, generation });
    await writeUsers(writer, key, object);
  }

  /** status.scaledobjects and status.scaledjobs: names joined by commas, as KEDA 2.21 writes them, but sorted. */
  async function writeUsers(writer: KubeClient, key: string, object: AuthenticationView): Promise<void> {
    const names = (users: readonly User[]) =>
      [...new Set(users.filter((user) => referencesOf(kind, user).includes(key)).map(({ metadata }) => metadata.name))]
        .sort()
        .join(',');
    const namespace = object.metadata.namespace;
    const wanted = {
      scaledobjects: names(scaledObjects.list(namespace)),
      scaledjobs: names(scaledJobs.list(namespace)),
    };
    const { scaledobjects = '', scaledjobs = '' } = object.status ?? {};
    if (scaledobjects === wanted.scaledobjects && scaledjobs === wanted.scaledjobs) return;
    await writer.patch(
      type,
      object.metadata.name,
      { status: wanted },
      { type: 'merge', namespace, subresource: 'status' },
    );
  }

  function find(key: string): AuthenticationView | undefined {
    const slash = key.indexOf('/');
    return slash < 0 ? store.get(undefined, key) : store.get(key.slice(0, slash), key.slice(slash + 1));
  }

  return {
    synced,
    async stop() {
      for (const stop of stops) stop();
      await queue.stop();
      store.stop();
    },
  };
}
