import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { clusterFacts } from '../../../test/support/admission-facts.ts';
import type { KindName } from '../../api/kinds.ts';
import { judge } from './judge.ts';

type Fields = Record<string | number, unknown>;

const folder = new URL('../../../test/fixtures/keda-manifests/', import.meta.url);
const manifests = readdirSync(folder).flatMap((file) =>
  parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map((document) => document.toJS() as Fields),
);

/** Every way to put a value of another type, or nothing, in place of one part of the object. */
function* broken(object: Fields, at: Fields = object, path = ''): Generator<[string, Fields]> {
  for (const key of Object.keys(at)) {
    const before = at[key];
    // What is inside a pod template is opaque here.
    if (key === 'template') continue;
    for (const value of [undefined, null, 0, -1.5, 'x', '', true, [], {}, [null]]) {
      at[key] = value;
      yield [`${path}.${key} = ${JSON.stringify(value)}`, structuredClone(object)];
    }
    at[key] = before;
    if (typeof before === 'object' && before !== null) yield* broken(object, before as Fields, `${path}.${key}`);
  }
}

test.each(manifests.map((object): [string, Fields] => [`${object.kind} ${(object.metadata as Fields).name}`, object]))(
  'a broken %s is judged without a failure, as the new object and as the old one',
  async (_, whole) => {
    const facts = clusterFacts({ kinds: ['argoproj.io/v1alpha1/Rollout'] });
    const { signal } = new AbortController();
    const kind = whole.kind as KindName;
    const request = { uid: 'u', name: 'n', namespace: 'shop', subresource: '', dryRun: false };
    const failures: string[] = [];
    for (const [what, object] of broken(structuredClone(whole))) {
      for (const pair of [
        { operation: 'CREATE', object, oldObject: undefined },
        { operation: 'UPDATE', object, oldObject: whole },
        { operation: 'UPDATE', object: whole, oldObject: object },
      ])
        try {
          await judge(kind, { ...request, ...pair }, facts, signal);
        } catch (error) {
          failures.push(`${pair.operation} ${what}: ${error}`);
        }
    }
    expect(failures).toEqual([]);
  },
);
