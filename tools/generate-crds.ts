import { stringify } from 'yaml';
import { KINDS } from '../src/api/kinds.ts';
import { crdOf } from '../src/spec/object-crd.ts';
import { kindPage } from '../src/spec/object-docs.ts';
import { kindJsonSchema } from '../src/spec/object-json-schema.ts';

const NOTICE = '# Made by `npm run generate` from src/api; change the fields there.\n';

/** CRDs, one file each under the names KEDA uses, and all in one. */
export function generateCrds(): Map<string, string> {
  const files = new Map<string, string>();
  const texts: string[] = [];
  for (const kind of Object.values(KINDS)) {
    const text = stringify(crdOf(kind), { lineWidth: 0, aliasDuplicateObjects: false });
    texts.push(text);
    files.set(`config/crd/${kind.type.group}_${kind.type.plural}.yaml`, `${NOTICE}${text}`);
  }
  files.set('config/crd/all.yaml', `${NOTICE}${texts.join('---\n')}`);
  return files;
}

/** JSON Schema for editors: one for any manifest of ours, and one per kind. */
export function generateKindSchemas(): Map<string, string> {
  const kinds = Object.entries(KINDS);
  const definitions = Object.fromEntries(kinds.map(([name, kind]) => [name, kindJsonSchema(kind)]));
  const draft = 'http://json-schema.org/draft-07/schema#';
  const any = {
    $schema: draft,
    title: 'Objects of keda.sh and eventing.keda.sh',
    allOf: kinds.map(([name, { type }]) => ({
      if: {
        required: ['apiVersion', 'kind'],
        properties: { apiVersion: { const: `${type.group}/${type.version}` }, kind: { const: name } },
      },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { $ref: `#/definitions/${name}` },
    })),
    definitions,
  };
  const files = new Map([['config/schema/keda.json', json(any)]]);
  for (const [name, kind] of kinds) {
    const { group, version, plural } = kind.type;
    files.set(
      `config/schema/${group}_${plural}_${version}.json`,
      json({ $schema: draft, title: name, ...kindJsonSchema(kind) }),
    );
  }
  return files;
}

/** The reference page of each kind. */
export function generateKindPages(): Map<string, string> {
  return new Map(
    Object.entries(KINDS).map(([name, kind]) => [`docs/reference/${name.toLowerCase()}.md`, kindPage(kind)]),
  );
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
