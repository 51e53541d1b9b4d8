import { hpaNameOf, scaleTargetOf } from '../../api/defaults.ts';
import type { ScaledObject } from '../../api/index.ts';
import type { Store } from '../../kube/store.ts';

/** What only one ScaledObject of a namespace may have. */
export interface Claim {
  /** `apiVersion/kind/name` of what is scaled, absent fields filled in. */
  target: string;
  /** Name of the HPA. */
  hpaName: string;
}

export function claimOf(object: ScaledObject): Claim {
  const { apiVersion, kind, name } = scaleTargetOf(object);
  return { target: `${apiVersion}/${kind}/${name}`, hpaName: hpaNameOf(object) };
}

/** Whether two ScaledObjects cannot be beside each other. */
export function collides(a: Claim, b: Claim): boolean {
  return a.target === b.target || a.hpaName === b.hpaName;
}

/** The ScaledObjects of a store by what they claim. */
export interface Claims {
  readonly store: Store<ScaledObject>;
  /** ScaledObjects in the namespace. */
  count(namespace: string): number;
  /** Names of those in the namespace that claim the same target or HPA. */
  holders(namespace: string, claim: Claim): string[];
}

/**
 * Follows a store, so that a new ScaledObject among 60 000 costs two look-ups instead of a walk through all of them.
 * Of HPAs only the names that were given are kept: the others follow from the ScaledObject's own name.
 */
export function followClaims(store: Store<ScaledObject>): Claims {
  const counts = new Map<string, number>();
  const byTarget = createNames();
  const byHpa = createNames();
  const note = (object: ScaledObject, by: 1 | -1) => {
    const { namespace = '', name } = object.metadata;
    counts.set(namespace, (counts.get(namespace) ?? 0) + by);
    if (counts.get(namespace) === 0) counts.delete(namespace);
    const { target, hpaName } = claimOf(object);
    const change = by === 1 ? ('add' as const) : ('remove' as const);
    byTarget[change](`${namespace}/${target}`, name);
    if (hpaName !== `${DEFAULT_PREFIX}${name}`) byHpa[change](`${namespace}/${hpaName}`, name);
  };
  store.onChange(({ type, object, previous }) => {
    if (previous) note(previous, -1);
    if (type !== 'deleted') note(object, 1);
  });
  return {
    store,
    count: (namespace) => counts.get(namespace) ?? 0,
    holders(namespace, { target, hpaName }) {
      const names = [...byTarget.get(`${namespace}/${target}`), ...byHpa.get(`${namespace}/${hpaName}`)];
      const byDefault = hpaName.startsWith(DEFAULT_PREFIX) && hpaName.slice(DEFAULT_PREFIX.length);
      if (byDefault) {
        const other = store.get(namespace, byDefault);
        if (other && hpaNameOf(other) === hpaName) names.push(byDefault);
      }
      return [...new Set(names)];
    },
  };
}

const DEFAULT_PREFIX = 'keda-hpa-';

/** Names by key; nearly always there is one, which then costs no set. */
function createNames() {
  const names = new Map<string, string | Set<string>>();
  const get = (key: string): string[] => {
    const found = names.get(key);
    if (found === undefined) return [];
    return typeof found === 'string' ? [found] : [...found];
  };
  const put = (key: string, all: string[]) => {
    const [first, ...others] = all;
    if (first === undefined) names.delete(key);
    else names.set(key, others.length === 0 ? first : new Set(all));
  };
  return {
    get,
    add: (key: string, name: string) => put(key, [...get(key), name]),
    remove: (key: string, name: string) =>
      put(
        key,
        get(key).filter((each) => each !== name),
      ),
  };
}
