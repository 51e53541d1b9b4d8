import { stringify } from 'yaml';
import { checkTrigger } from '../src/scalers/check-trigger.ts';
import type { Category, Example, ScalerDefinition } from '../src/scalers/definition.ts';
import { allowedMetricTypes } from '../src/scalers/parse.ts';
import { definitions } from '../src/scalers/registry.ts';
import { triggerSchema } from '../src/spec/json-schema.ts';
import { sourcesOf } from '../src/spec/parse-trigger.ts';
import type { Field, FieldSource, FieldType } from '../src/spec/trigger-fields.ts';

const FOLDER = 'docs/reference/scalers';
const NOTICE = '<!-- Made by `npm run generate` from src/scalers; change the definition there. -->';
const SOURCES: Record<FieldSource, string> = { metadata: 'metadata', auth: 'authentication', env: 'environment' };
const TYPES: Record<FieldType, string> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  duration: 'duration',
  list: 'list',
  integers: 'list of whole numbers',
  map: 'key=value list',
  query: 'URL query',
  collected: 'any keys',
};

/** A page per trigger type, and their index. */
export function generateScalerPages(): Map<string, string> {
  const files = new Map([[`${FOLDER}/README.md`, indexPage()]]);
  for (const definition of definitions.values()) files.set(`${FOLDER}/${definition.type}.md`, scalerPage(definition));
  return files;
}

/** JSON Schema of a trigger, for editors. */
export function generateTriggerSchema(): Map<string, string> {
  const shapes = [...definitions.values()].map((definition) => ({
    ...definition,
    metricTypes: allowedMetricTypes(definition),
    metricTypeRequired: Array.isArray(definition.metricTypes),
  }));
  return new Map([['config/schema/triggers.json', `${JSON.stringify(triggerSchema(shapes), null, 2)}\n`]]);
}

function indexPage(): string {
  const categories = new Map<Category, ScalerDefinition[]>();
  for (const definition of definitions.values())
    categories.set(definition.category, [...(categories.get(definition.category) ?? []), definition]);
  const lines = [NOTICE, '', '# Triggers', '', `Windlass reads ${definitions.size} types of triggers.`];
  for (const [category, members] of [...categories].sort(([a], [b]) => a.localeCompare(b))) {
    lines.push('', `## ${category}`, '', '| Type | What it does |', '|---|---|');
    for (const { type, summary } of members) lines.push(`| [\`${type}\`](${type}.md) | ${cell(summary)} |`);
  }
  return `${lines.join('\n')}\n`;
}

function scalerPage(definition: ScalerDefinition): string {
  const { title, type, summary, examples } = definition;
  const lines = [NOTICE, '', `# ${title}`, '', summary, '', `Trigger type: \`${type}\`. ${definition.category}.`, ''];
  for (const [index, example] of examples.entries())
    lines.push(
      `${index === 0 ? '## Examples\n\n' : ''}${example.title}:`,
      '',
      '```yaml',
      manifest(definition, example),
      '```',
      '',
    );
  lines.push('## Fields', '', ...fieldTable(definition), '');
  lines.push('## Authentication', '', ...authentication(definition), '');
  lines.push('## Metric', '', ...metric(definition), '');
  return lines.join('\n');
}

function fieldTable({ fields }: ScalerDefinition): string[] {
  const rows = ['| Field | Type | Default | From | Meaning |', '|---|---|---|---|---|'];
  for (const [name, field] of Object.entries(fields)) {
    const { aliases = [], prefix } = field.options;
    const names = prefix === undefined ? [name, ...aliases] : [`${prefix}*`];
    const cells = [
      names.map((each) => `\`${each}\``).join(', '),
      typeText(field),
      defaultText(field),
      sourcesOf(field)
        .map((source) => SOURCES[source])
        .join(', '),
      meaning(field),
    ];
    rows.push(`| ${cells.map(cell).join(' | ')} |`);
  }
  rows.push(
    '',
    'Texts are trimmed, and blank means absent. *From* lists where a value is looked for, in that order: `metadata` is the ' +
      "trigger's own, `authentication` a TriggerAuthentication, and `environment` the target's container: there `<field>FromEnv` in " +
      'the metadata names the variable.',
  );
  return rows;
}

function typeText({ type, options }: Field): string {
  if (options.allowed)
    return `${type === 'list' ? 'list of ' : ''}${options.allowed.map((each) => `\`${each}\``).join(', ')}`;
  return TYPES[type];
}

function defaultText({ options, default: fallback, type }: Field): string {
  if (type === 'collected') return '';
  if (options.required || options.nonZero || options.positive) return '**required**';
  return fallback === undefined ? '' : `\`${fallback}\``;
}

function meaning({ description, options }: Field): string {
  const { note, deprecated, min, max, above, nonZero, positive, secret } = options;
  const parts = [description];
  if (note !== undefined) parts.push(note);
  if (above !== undefined) parts.push(`Greater than ${above}.`);
  if (min !== undefined && max !== undefined) parts.push(`From ${min} to ${max}.`);
  else if (min !== undefined) parts.push(`At least ${min}.`);
  else if (max !== undefined) parts.push(`At most ${max}.`);
  if (nonZero) parts.push('Not 0, unless a formula of `scalingModifiers` uses the trigger.');
  if (positive) parts.push('Greater than 0, unless a formula of `scalingModifiers` uses the trigger.');
  if (secret) parts.push('Secret.');
  if (deprecated)
    parts.push(
      deprecated.effect === 'rejected'
        ? `Refused since KEDA ${deprecated.since}: use ${deprecated.use}.`
        : `Deprecated since KEDA ${deprecated.since}: use ${deprecated.use}.`,
    );
  return parts.join(' ');
}

function authentication({ fields, podIdentity }: ScalerDefinition): string[] {
  const parameters = Object.entries(fields).filter(([, field]) => sourcesOf(field).includes('auth'));
  const lines: string[] = [];
  if (parameters.length > 0)
    lines.push(
      `Parameters that a TriggerAuthentication may give: ${parameters.map(([name]) => `\`${name}\``).join(', ')}.`,
    );
  if (podIdentity.length > 0) lines.push(`Pod identity: ${podIdentity.map((each) => `\`${each}\``).join(', ')}.`);
  return lines.length > 0 ? lines.join('\n\n').split('\n') : ['None is needed.'];
}

function metric(definition: ScalerDefinition): string[] {
  if (definition.metricsFromSource)
    return [
      'The external scaler names its metrics and their targets when it is asked (GetMetricSpec); a name is used as it comes, with `s0-` in ' +
        'front for the first trigger of an object. `metricType` is `AverageValue` or `Value`; the default is `AverageValue`, a target per replica.',
    ];
  const example = definition.examples[0];
  const types = allowedMetricTypes(definition)
    .map((each) => `\`${each}\``)
    .join(' or ');
  const answer = example && checkTrigger(requestOf(definition, example));
  if (!answer?.valid || answer.metricName === '')
    return [`Kubernetes measures it; nothing is asked by Windlass. \`metricType\` has to be ${types}.`];
  return [
    `The external metric of the first example, as the first trigger of its object, is \`${answer.metricName}\` with the target ` +
      `\`${answer.target}\`. \`metricType\` is ${types}; the default is \`AverageValue\`, a target per replica.`,
  ];
}

function requestOf(
  { type }: ScalerDefinition,
  { metadata, authentication: auth = {}, podIdentity, metricType }: Example,
) {
  return { type, metadata, auth, podIdentity, metricType };
}

/** A manifest as one would apply it; credentials stand in a Secret that is not shown. */
function manifest({ type }: ScalerDefinition, example: Example): string {
  const credentials = `${type}-credentials`;
  const parameters = Object.keys(example.authentication ?? {});
  const needsObject = parameters.length > 0 || example.podIdentity !== undefined;
  const scaledObject = {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: 'worker' },
    spec: {
      scaleTargetRef: { name: 'worker' },
      triggers: [
        {
          type,
          ...(example.metricType === undefined ? {} : { metricType: example.metricType }),
          metadata: example.metadata,
          ...(needsObject ? { authenticationRef: { name: credentials } } : {}),
        },
      ],
    },
  };
  if (!needsObject) return yaml(scaledObject);
  const secretTargetRef = parameters.map((parameter) => ({ parameter, name: credentials, key: parameter }));
  const authenticationObject = {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'TriggerAuthentication',
    metadata: { name: credentials },
    spec: {
      ...(example.podIdentity === undefined ? {} : { podIdentity: { provider: example.podIdentity } }),
      ...(secretTargetRef.length === 0 ? {} : { secretTargetRef }),
    },
  };
  return `${yaml(scaledObject)}\n---\n${yaml(authenticationObject)}`;
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
    .replaceAll('<', '&lt;')
    .replace(/`[^`]*`/g, (code) => code.replaceAll('&lt;', '<'));
}
