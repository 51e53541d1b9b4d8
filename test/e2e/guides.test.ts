import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/log.ts';
import { lintTexts } from '../../src/cli/lint/lint-files.ts';
import { PROJECT } from '../../src/cli/local-cluster.ts';
import { parseManifests } from '../../src/cli/manifests.ts';
import { RULES } from '../../src/decision/rules.ts';
import { createDiscovery } from '../../src/kube/discovery.ts';
import { startTestCluster, type TestCluster } from '../support/test-cluster.ts';

const GUIDES = 'docs/guides';
const PAGES = [
  'README.md',
  ...readdirSync(path.join(PROJECT, GUIDES))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${GUIDES}/${name}`),
];
const textOf = (page: string) => readFileSync(path.join(PROJECT, page), 'utf8');

/** A fenced block of YAML. A plain one is a manifest that works; `refused` is one with mistakes; `fragment` is no manifest. */
interface Block {
  /** Page and line. */
  at: string;
  sort: string;
  text: string;
}

const BLOCKS = PAGES.flatMap((page): Block[] => {
  const text = textOf(page);
  return [...text.matchAll(/^```yaml *(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    at: `${page}:${text.slice(0, match.index).split('\n').length}`,
    sort: match[1] ?? '',
    text: match[2] ?? '',
  }));
});
const of = (sort: string) => BLOCKS.filter((block) => block.sort === sort).map((block) => [block.at, block] as const);

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({
    clock: systemClock,
    log: createLogger({ level: 'error', write: () => {} }),
    hpaSyncPeriodMs: 15_000,
  });
});
afterAll(() => cluster?.stop());

/** Has the API server check an object as `kubectl apply --dry-run=server --validate=strict` does. */
async function apply(text: string): Promise<void> {
  const { client } = cluster;
  const discovery = createDiscovery(client, systemClock);
  for (const object of parseManifests(text)) {
    const type = await discovery.resolve(object.apiVersion, object.kind);
    if (!type) throw new Error(`the cluster does not serve ${object.kind} of ${object.apiVersion}`);
    const group = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
    const place = type.namespaced ? `/namespaces/${object.metadata.namespace ?? 'default'}` : '';
    await client.requestJson({
      method: 'POST',
      path: `${group}${place}/${type.plural}`,
      query: { dryRun: 'All', fieldValidation: 'Strict' },
      body: object,
    });
  }
}

describe('a manifest of the guides', () => {
  it.each(of(''))('at %s is taken by the API server and has no mistake', async (_at, { at, text }) => {
    const { findings, checked } = lintTexts([{ file: at, text }]);
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(parseManifests(text).length).toBeGreaterThan(0);
    expect(checked).toBeGreaterThanOrEqual(/keda\.sh/.test(text) ? 1 : 0);
    await apply(text);
  });

  it.each(of('refused'))('at %s has mistakes, as it says', (_at, { at, text }) => {
    const { findings } = lintTexts([{ file: at, text }]);
    expect(findings.filter(({ severity }) => severity === 'error')).not.toEqual([]);
  });

  it('with a field that does not exist would be found', async () => {
    const [, block] = of('').find(([at]) => at.includes('pause.md')) ?? [];
    await expect(
      apply((block?.text ?? '').replace('scaleTargetRef:', 'scaleTarget: {}\n  scaleTargetRef:')),
    ).rejects.toThrow('scaleTarget');
  });

  it('is marked with what it is', () => {
    expect(
      [...new Set(BLOCKS.map(({ sort }) => sort))].filter((sort) => !['', 'refused', 'fragment'].includes(sort)),
    ).toEqual([]);
    for (const { at, sort, text } of BLOCKS)
      if (sort === 'fragment')
        expect(
          parseAllDocuments(text).flatMap(({ errors }) => errors),
          at,
        ).toEqual([]);
  });

  it.each(
    PAGES.filter((page) => page.startsWith(GUIDES) && !/(README|install|migrate-from-keda|replicas)\.md$/.test(page)),
  )('is in %s', (page) => {
    expect(of('').some(([at]) => at.startsWith(`${page}:`))).toBe(true);
  });
});

describe('what the guides say', () => {
  it('of rules is what the rules say', () => {
    const told = PAGES.flatMap((page) => [...textOf(page).matchAll(/^ +Rule ([a-z-]+): (.*)$/gm)]);
    expect(told).not.toEqual([]);
    for (const [, rule = '', text] of told)
      expect({ rule, text }).toEqual({ rule, text: RULES[rule as keyof typeof RULES] });
  });

  it('of Prometheus are the series that there are', () => {
    expect(namesIn(textOf(`${GUIDES}/observe.md`), /`(keda_\w+)`/g)).toEqual(
      namesIn(sourcesIn('src/servers/telemetry'), /'(keda_\w+)'/g),
    );
  });

  it('of events are the reasons that there are', () => {
    const reason = '(KEDA[A-Z]\\w+|Scaled(?:Object|Job)[A-Z]\\w+)';
    const told = namesIn(textOf(`${GUIDES}/observe.md`), new RegExp(`\`${reason}\``, 'g'));
    const there = namesIn(['src/controllers', 'src/decision'].map(sourcesIn).join(''), new RegExp(`'${reason}'`, 'g'));
    expect(there.filter((name) => !told.includes(name))).toEqual([]);
    expect(told.filter((name) => !there.includes(name))).toEqual([]);
  });
});

const namesIn = (text: string, pattern: RegExp) =>
  [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();

/** Everything in a folder and below but its tests, as one text. */
function sourcesIn(folder: string): string {
  return readdirSync(path.join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(path.join(PROJECT, folder, name), 'utf8'))
    .join('');
}
