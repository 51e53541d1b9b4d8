import { WindlassError } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import { defineCommand, formatColumns } from '../command.ts';

const list = defineCommand({
  name: 'list',
  summary: 'List the trigger types',
  options: {
    format: { type: 'string', argument: 'text|json', default: 'text', description: 'How to print' },
  },
  examples: [{ command: 'windlass scalers list', what: 'Every trigger type with what it measures' }],
  async run({ options, print }) {
    const { definitions } = await import('../../scalers/registry.ts');
    const all = [...definitions.values()].sort((a, b) => a.type.localeCompare(b.type));
    if (options.format === 'json') {
      print(
        JSON.stringify(
          all.map(({ type, title, category, summary }) => ({ type, title, category, summary })),
          null,
          2,
        ),
      );
      return 0;
    }
    for (const line of formatColumns(
      ['TYPE', 'CATEGORY', 'MEASURES'],
      all.map((d) => [d.type, d.category, d.summary]),
    ))
      print(line);
    return 0;
  },
});

const show = defineCommand({
  name: 'show',
  summary: 'Show a trigger type: fields, sources, defaults, examples',
  usage: 'TYPE',
  options: {},
  examples: [{ command: 'windlass scalers show azure-queue', what: 'All fields of the Azure Storage queue trigger' }],
  async run({ args, print }) {
    const { definitions } = await import('../../scalers/registry.ts');
    const type = args[0];
    const known = [...definitions.keys()];
    if (type === undefined) {
      throw new WindlassError('InvalidArgument', 'name a trigger type', { hint: `known: ${known.sort().join(', ')}` });
    }
    const definition = definitions.get(type);
    if (!definition) {
      const near = nearest(type, known);
      throw new WindlassError('InvalidArgument', `there is no trigger type "${type}"`, {
        hint: near ? `did you mean "${near}"?` : `known: ${known.sort().join(', ')}`,
      });
    }
    print(`${definition.title} (${definition.type})`);
    print(definition.summary);
    print();
    const rows = Object.entries(definition.fields).map(([name, field]) => [
      [name, ...(field.options.aliases ?? [])].join(', '),
      field.type,
      field.options.required ? 'required' : (field.default ?? ''),
      (field.options.from ?? ['metadata']).join(', '),
      field.description,
    ]);
    for (const line of formatColumns(['FIELD', 'TYPE', 'DEFAULT', 'FROM', 'MEANING'], rows)) print(line);
    for (const example of definition.examples) {
      print();
      print(`${example.title}:`);
      print('triggers:');
      print(`  - type: ${definition.type}`);
      if (example.metricType) print(`    metricType: ${example.metricType}`);
      print('    metadata:');
      for (const [key, value] of Object.entries(example.metadata)) print(`      ${key}: ${JSON.stringify(value)}`);
    }
    return 0;
  },
});

export const scalers = defineCommand({
  name: 'scalers',
  summary: 'Look up trigger types',
  options: {},
  examples: [...list.examples, ...show.examples],
  subcommands: [list, show],
});
