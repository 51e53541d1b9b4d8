import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isAlias, isMap, isScalar, type Node, parse, parseDocument, stringify, type YAMLMap } from 'yaml';
import { KINDS } from '../src/api/kinds.ts';
import { operator } from '../src/cli/commands/operator.ts';
import { IGNORED_VARIABLES } from '../src/cli/operator/environment.ts';
import { crdOf } from '../src/spec/object-crd.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const CHART = 'charts/windlass';
const NOTICE = '# Made by `npm run generate`.\n';

/** One value of the chart, as values.yaml has it. */
export interface ChartValue {
  path: string;
  standard: unknown;
  description: string;
  /** From a `# @type` comment; else what the default says. */
  type: string | undefined;
}

/** What of the chart is derived: its version, the CRDs, its schema, its page, and defaults that templates can read. */
export function generateChart(): Map<string, string> {
  const source = readText(`${CHART}/values.yaml`);
  const values = chartValues(source);
  const standard: unknown = parse(source);
  const files = new Map([
    [`${CHART}/Chart.yaml`, chartFile()],
    [`${CHART}/files/standard.json`, json(standard)],
    [`${CHART}/files/operator.json`, json(operatorInterface())],
    [`${CHART}/values.schema.json`, json(valuesSchema(values))],
    [`${CHART}/README.md`, page(values)],
  ]);
  for (const kind of Object.values(KINDS)) {
    const text = stringify(crdOf(kind), { lineWidth: 0, aliasDuplicateObjects: false });
    files.set(`${CHART}/files/crds/${kind.type.group}_${kind.type.plural}.yaml`, `${NOTICE}${text}`);
  }
  return files;
}

/** Flags that the operator has and minds, which are all that the chart passes, and variables that it reads. */
function operatorInterface(): { flags: string[]; environment: string[] } {
  const sources = globSync('src/{cli/operator,servers,controllers,auth}/**/*.ts', { cwd: ROOT }).sort();
  const text = sources
    .filter((file) => !file.endsWith('.test.ts'))
    .map(readText)
    .join('\n');
  const isRead = (name: string) => new RegExp(`\\b${name}\\b`).test(text);
  return {
    flags: Object.entries(operator.options ?? {}).flatMap(([name, option]) => ('ignored' in option ? [] : [name])),
    environment: Object.values(otherValues().environment).filter(
      (name) => isRead(name) && !(name in IGNORED_VARIABLES),
    ),
  };
}

function chartFile(): string {
  const { version, description } = JSON.parse(readText('package.json')) as { version: string; description: string };
  const chart = {
    apiVersion: 'v2',
    name: 'windlass',
    description,
    type: 'application',
    version,
    appVersion: version,
    kubeVersion: '>=1.27.0-0',
    keywords: ['autoscaling', 'event-driven', 'keda', 'hpa'],
  };
  return `${NOTICE}${stringify(chart)}`;
}

/** The values that have a description, in their order. */
export function chartValues(source: string): ChartValue[] {
  const document = parseDocument(source);
  const found: ChartValue[] = [];
  const visit = (map: YAMLMap, parent: string) => {
    for (const [index, { key, value }] of map.items.entries()) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      const at = parent === '' ? name : `${parent}.${name}`;
      const comment = key.commentBefore ?? (index === 0 ? map.commentBefore : undefined) ?? '';
      const lines = comment.split('\n').map((line) => line.trim());
      const description = lines.find((line) => line.startsWith('-- '))?.slice(3);
      const type = lines.find((line) => line.startsWith('@type '))?.slice(6);
      if (description !== undefined) {
        found.push({ path: at, standard: plain(value as Node | null, document), description, type });
      }
      const inner = isAlias(value) ? undefined : value;
      if (isMap(inner)) visit(inner, at);
    }
  };
  if (isMap(document.contents)) visit(document.contents, '');
  return found;
}

const plain = (node: Node | null, document: ReturnType<typeof parseDocument>): unknown => node?.toJS(document) ?? null;

type Schema = { type?: string[] | undefined; description?: string; properties?: Record<string, Schema> };

/** Types only, and any further name: what has no meaning is named after an installation, not refused. */
function valuesSchema(values: readonly ChartValue[]): object {
  const root: Schema & { properties: Record<string, Schema> } = { type: ['object'], properties: {} };
  for (const { path: at, standard, description, type } of values) {
    let schema: Schema = root;
    for (const name of at.split('.')) {
      schema.properties ??= {};
      schema.properties[name] ??= { type: ['object', 'null'] };
      schema = schema.properties[name];
    }
    schema.type = type === undefined ? typesOf(standard) : type.split('|');
    schema.description = description;
  }
  return { $schema: 'http://json-schema.org/draft-07/schema#', title: 'Values of the Windlass chart', ...root };
}

/** A text may be given as a number, as YAML reads 2.0 or 8080; a port as a text. */
function typesOf(standard: unknown): string[] | undefined {
  if (standard === null) return undefined;
  if (Array.isArray(standard)) return ['array', 'null'];
  if (typeof standard === 'object') return ['object', 'null'];
  if (typeof standard === 'boolean') return ['boolean', 'null'];
  return ['string', 'number', 'null'];
}

interface OtherValues {
  accepted: string[];
  /** Variable by value. */
  environment: Record<string, string>;
  withoutMeaning: { why: string; values: Record<string, unknown[]> }[];
}

const otherValues = () => parse(readText(`${CHART}/files/other-values.yaml`)) as OtherValues;

function page(values: readonly ChartValue[]): string {
  const other = otherValues();
  const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const lines = [
    '<!-- Made by `npm run generate` from values.yaml and files/other-values.yaml. -->',
    '# The Helm chart of Windlass',
    '',
    'Installs the operator, the external metrics API and the admission webhooks: one Deployment, one image, one process.',
    'It takes the values of the chart of KEDA. See [the guide](../../docs/guides/install.md), and',
    '[how to come from KEDA](../../docs/guides/migrate-from-keda.md).',
    '',
    '```sh',
    'helm install windlass charts/windlass --namespace keda --create-namespace',
    '```',
    '',
    '## Values',
    '',
    row('Value', 'Default', 'What it does'),
    row('---', '---', '---'),
    ...values.map(({ path: at, standard, description }) => row(`\`${at}\``, `\`${shown(standard)}\``, description)),
    '',
    '## Older shapes',
    '',
    'Values files of earlier charts of KEDA have some values for all components at once. They mean here what they meant',
    `there: ${other.accepted.map((at) => `\`${at}\``).join(', ')}. What is set for the operator itself wins.`,
    '',
    "## Values of KEDA's chart that change nothing",
    '',
    'They are accepted, and named after an installation when they are set to something else than in the chart of KEDA.',
    '',
    row('Value', 'Why'),
    row('---', '---'),
    ...other.withoutMeaning.flatMap(({ why, values: of }) => Object.keys(of).map((at) => row(`\`${at}\``, why))),
    '',
  ];
  return lines.join('\n');
}

function shown(standard: unknown): string {
  const text = JSON.stringify(standard);
  return text.length <= 120 ? text : 'see values.yaml';
}

const readText = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
