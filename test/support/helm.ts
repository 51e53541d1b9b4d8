import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ensureBinaries, MissingBinariesError } from '../../tools/cluster/build.ts';
import { runProgram } from './cluster/run.ts';
import type { Loose } from './operator.ts';

export const CHART = path.resolve(import.meta.dirname, '../../charts/windlass');
const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/charts');

/** A values file of test/fixtures/charts. */
export const fixture = (name: string): string => path.join(FIXTURES, `${name}.yaml`);

export interface Helm {
  path: string;
  /** Runs helm; gives back what it wrote, throws with its standard error. */
  run(args: readonly string[], options?: { kubeconfig?: string; timeoutMs?: number }): Promise<string>;
  /** What the chart renders to, by `Kind/name`; objects of one kind and name in two namespaces as `Kind/namespace/name`. */
  render(args?: readonly string[], values?: object): Promise<Rendered>;
  /** What an installation says. */
  notes(args?: readonly string[], values?: object): Promise<string>;
}

export interface Rendered {
  objects: Loose[];
  get(key: string): Loose;
  find(key: string): Loose | undefined;
}

/** Helm, built once from its Go module; undefined on a machine that has neither it nor Go. */
export async function findHelm(): Promise<Helm | undefined> {
  try {
    const folder = await ensureBinaries({ log: (line) => process.stderr.write(`${line}\n`), programs: ['helm'] });
    return helmAt(path.join(folder, 'helm'));
  } catch (error) {
    if (error instanceof MissingBinariesError) return undefined;
    throw error;
  }
}

function helmAt(file: string): Helm {
  const run: Helm['run'] = (args, { kubeconfig, timeoutMs } = {}) =>
    runProgram(
      file,
      args,
      { PATH: process.env.PATH, HOME: process.env.HOME, KUBECONFIG: kubeconfig ?? '/dev/null' },
      {
        timeoutMs: timeoutMs ?? 60_000,
      },
    );
  // JSON is YAML.
  const given = (values: object | undefined) =>
    Object.entries(values ?? {}).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
  return {
    path: file,
    run,
    async render(args = [], values) {
      const text = await run(['template', 'keda', CHART, '--namespace', 'keda', ...args, ...given(values)]);
      return rendered(text);
    },
    async notes(args = [], values) {
      const text = await run([
        ...['install', 'keda', CHART, '--namespace', 'keda', '--dry-run=client'],
        ...['--kube-apiserver', 'http://127.0.0.1:1', ...args, ...given(values)],
      ]);
      return text.slice(text.indexOf('NOTES:'));
    },
  };
}

function rendered(text: string): Rendered {
  const objects = parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0];
    const object = document.toJS() as Loose | null;
    return object ? [object] : [];
  });
  const find = (key: string) => {
    const [kind, ...rest] = key.split('/');
    const name = rest.at(-1);
    const namespace = rest.length > 1 ? rest[0] : undefined;
    return objects.find(
      (object) =>
        object.kind === kind &&
        object.metadata.name === name &&
        (namespace === undefined || object.metadata.namespace === namespace),
    );
  };
  return {
    objects,
    find,
    get(key) {
      const object = find(key);
      if (!object) throw new Error(`the chart renders no ${key}`);
      return object;
    },
  };
}
