import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { definitions } from '../src/scalers/registry.ts';
import { generateScalerPages, generateTriggerSchema } from './generate-scalers.ts';

const pages = generateScalerPages();

describe.each([...definitions.values()].map((definition) => [definition.type, definition] as const))(
  'the page of %s',
  (type, definition) => {
    const page = pages.get(`docs/reference/scalers/${type}.md`) ?? '';

    it('names every field', () => {
      for (const [name, field] of Object.entries(definition.fields))
        expect(page).toContain(`\`${field.options.prefix ?? name}`);
    });

    it('shows manifests that are YAML, with every authentication that they refer to and no secret', () => {
      const manifests = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) =>
        parseAllDocuments(text).map((document) => document.toJS()),
      );
      expect(manifests).toHaveLength(definition.examples.length);
      for (const objects of manifests) {
        const [scaledObject, authentication] = objects;
        const [trigger] = scaledObject.spec.triggers;
        expect(trigger.type).toBe(type);
        expect(trigger.authenticationRef?.name).toBe(authentication?.metadata.name);
      }
      for (const { authentication = {} } of definition.examples)
        for (const secret of Object.values(authentication)) expect(page).not.toContain(secret);
    });

    it('is in the index', () => {
      expect(pages.get('docs/reference/scalers/README.md')).toContain(`(${type}.md)`);
    });
  },
);

it('gives editors a schema that knows every type and its fields', () => {
  const schema = JSON.parse(generateTriggerSchema().get('config/schema/triggers.json') ?? '');
  expect(schema.properties.type.enum).toEqual([...definitions.keys()]);
  const queue = schema.allOf.find((each: { if: { properties: { type: { const: string } } } }) => {
    return each.if.properties.type.const === 'azure-queue';
  });
  expect(queue.then.properties.metadata.required).toEqual(['queueName']);
  expect(queue.then.properties.metadata.properties).toMatchObject({
    queueLength: { type: 'string', default: '5' },
    queueLengthStrategy: { enum: ['all', 'visibleonly'] },
    connectionFromEnv: { type: 'string' },
  });
  const cpu = schema.allOf.find((each: { if: { properties: { type: { const: string } } } }) => {
    return each.if.properties.type.const === 'cpu';
  });
  expect(cpu.then.required).toEqual(['metricType']);
});
