import type { ObjectField } from './object-fields.ts';
import type { ObjectKind } from './object-kind.ts';

/** The reference page of a kind as Markdown: a table of every field. */
export function kindPage(kind: ObjectKind): string {
  const { group, version, kind: name, plural, namespaced } = kind.type;
  const short = kind.shortNames.map((shortName) => `\`${shortName}\``).join(', ');
  return [
    `# ${name}`,
    '',
    kind.description,
    '',
    `- apiVersion: \`${group}/${version}\``,
    `- scope: ${namespaced ? 'namespace' : 'cluster'}`,
    `- kubectl: \`${plural}.${group}\`${short === '' ? '' : `, short ${short}`}`,
    '',
    '## spec',
    '',
    ...table(kind.spec),
    ...rules(kind.spec),
    '',
    '## status',
    '',
    'Written by the operator; what stands here in a manifest is ignored.',
    '',
    ...table(kind.status),
    '',
  ].join('\n');
}

function table(root: ObjectField): string[] {
  const rows = ['| Field | Type | Required | Default | Meaning |', '|---|---|---|---|---|'];
  const visit = (field: ObjectField, prefix: string) => {
    for (const [name, property] of Object.entries(field.properties ?? {})) {
      const path = `${prefix}${name}`;
      rows.push(row(path, property));
      const inner = property.items ?? property;
      const suffix = property.type === 'list' ? '[]' : property.type === 'map' ? '.<name>' : '';
      visit(inner, `${path}${suffix}.`);
    }
  };
  visit(root, '');
  return rows;
}

function row(path: string, field: ObjectField): string {
  const { required, absent, default: fallback, deprecated } = field.options;
  const cells = [
    `\`${path}\``,
    typeText(field),
    required ? 'yes' : '',
    fallback !== undefined ? `\`${String(fallback)}\`` : (absent ?? ''),
    `${field.description}${deprecated === undefined ? '' : ` Deprecated: ${deprecated}.`}`,
  ];
  return `| ${cells.map(escapeCell).join(' | ')} |`;
}

function typeText(field: ObjectField): string {
  const { values, min, max, minItems, format } = field.options;
  if (values !== undefined) return values.map((value) => `\`${value === '' ? '""' : value}\``).join(', ');
  switch (field.type) {
    case 'integer':
      if (min !== undefined && max !== undefined) return `whole number, ${min} to ${max}`;
      return min === undefined ? 'whole number' : `whole number, at least ${min}`;
    case 'string':
      return format === 'float' ? 'number as text' : format === 'date-time' ? 'time' : 'text';
    case 'list':
      return `list${minItems === undefined ? '' : `, at least ${minItems}`}`;
    case 'map':
      return 'map';
    case 'opaque':
      return 'object of Kubernetes';
    default:
      return field.type;
  }
}

function rules(field: ObjectField): string[] {
  const own = field.options.rules ?? [];
  return own.length === 0 ? [] : ['', ...own.map(({ message }) => `- ${message}.`)];
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
