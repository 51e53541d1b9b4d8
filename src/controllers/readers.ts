import {
  CLUSTER_TRIGGER_AUTHENTICATIONS,
  CONFIG_MAPS,
  SECRETS,
  SERVICE_ACCOUNTS,
  TRIGGER_AUTHENTICATIONS,
} from '../api/resources.ts';
import type { AuthReaders, ObjectRef, TriggerAuthenticationSpec } from '../auth/types.ts';
import type { Clock } from '../base/clock.ts';
import type { KubeObject, ResourceType } from '../base/object.ts';
import { matchesLabels, parseSelector } from '../base/selector.ts';
import type { KubeClient } from '../kube/client.ts';
import type { NamedWatch, NamedWatches } from '../kube/named-watch.ts';
import { isNotFound } from '../kube/status.ts';

interface SecretObject extends KubeObject {
  data?: Record<string, string>;
}
interface ConfigMapObject extends KubeObject {
  data?: Record<string, string>;
}
interface AuthenticationObject extends KubeObject {
  spec?: TriggerAuthenticationSpec;
}

const TYPES = {
  TriggerAuthentication: TRIGGER_AUTHENTICATIONS,
  ClusterTriggerAuthentication: CLUSTER_TRIGGER_AUTHENTICATIONS,
  Secret: SECRETS,
  ConfigMap: CONFIG_MAPS,
  ServiceAccount: SERVICE_ACCOUNTS,
} satisfies Record<string, ResourceType>;

/** What one owner (a ScaledObject, a ScaledJob) reads for its credentials, and follows from then on. */
export interface Dependencies {
  readers: AuthReaders;
  /** Drops the watches of objects that the last resolution did not name; call it after a successful one. */
  keep(dependencies: readonly ObjectRef[]): void;
  close(): void;
}

export interface DependenciesOptions {
  watches: NamedWatches;
  tokens: ServiceAccountTokens;
  /** Root for file authentication, if the operator has one. */
  file: AuthReaders['file'];
  /** Authentications without these labels are as good as not there (KEDA 2.21: WATCH_LABEL_SELECTOR_FOR_TRIGGERAUTH). */
  select?: string | undefined;
  /** Something that was read has changed. */
  onChange: () => void;
}

/** Reads through watches of single objects, so that a changed Secret is known at once and nothing is read twice. */
export function createDependencies(options: DependenciesOptions): Dependencies {
  const { watches, tokens, file, select, onChange } = options;
  const wanted = select === undefined ? undefined : parseSelector(select);
  const visible = (found: AuthenticationObject | undefined) =>
    found && (wanted === undefined || matchesLabels(wanted, found.metadata.labels)) ? found : undefined;
  const held = new Map<string, { watch: NamedWatch; stop: () => void }>();

  const read = async <T extends KubeObject>(kind: keyof typeof TYPES, namespace: string, name: string) => {
    const key = `${kind}/${namespace}/${name}`;
    let hold = held.get(key);
    if (!hold) {
      const watch = watches.watchNamed<T>(TYPES[kind], namespace, name);
      hold = { watch, stop: watch.onChange(onChange) };
      held.set(key, hold);
    }
    await hold.watch.synced;
    return hold.watch.current as T | undefined;
  };

  return {
    readers: {
      async triggerAuthentication(namespace, name) {
        return visible(await read<AuthenticationObject>('TriggerAuthentication', namespace, name))?.spec;
      },
      async clusterTriggerAuthentication(name) {
        return visible(await read<AuthenticationObject>('ClusterTriggerAuthentication', '', name))?.spec;
      },
      async secret(namespace, name) {
        const data = (await read<SecretObject>('Secret', namespace, name))?.data;
        return (
          data &&
          Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v, 'base64').toString('utf8')]))
        );
      },
      async configMap(namespace, name) {
        return (await read<ConfigMapObject>('ConfigMap', namespace, name))?.data;
      },
      async serviceAccount(namespace, name) {
        const account = await read('ServiceAccount', namespace, name);
        return account && (account.metadata.annotations ?? {});
      },
      serviceAccountToken: (namespace, name) => tokens.token(namespace, name),
      file,
    },
    keep(dependencies) {
      const wanted = new Set(dependencies.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`));
      for (const [key, { watch, stop }] of held) {
        if (wanted.has(key)) continue;
        stop();
        watch.release();
        held.delete(key);
      }
    },
    close() {
      this.keep([]);
    },
  };
}

/** Tokens of service accounts, shared by everybody and renewed before they expire. */
export interface ServiceAccountTokens {
  token(namespace: string, name: string): Promise<string | undefined>;
}

/** A token is renewed when this share of its life is over (kubelet's rule for projected tokens is 80 %). */
const RENEW_AT = 0.8;

export function createServiceAccountTokens(
  client: KubeClient,
  clock: Clock,
  expirySeconds: number,
): ServiceAccountTokens {
  const known = new Map<string, { token: string; renewAt: number }>();
  return {
    async token(namespace, name) {
      const key = `${namespace}/${name}`;
      const cached = known.get(key);
      if (cached && clock.now() < cached.renewAt) return cached.token;
      try {
        const { token, expirationTimestamp } = await client.createToken(name, {
          namespace,
          expirationSeconds: expirySeconds,
        });
        const life = Date.parse(expirationTimestamp) - clock.now();
        known.set(key, { token, renewAt: clock.now() + life * RENEW_AT });
        return token;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
  };
}
