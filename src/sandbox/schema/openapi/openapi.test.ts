import { beforeEach, describe, expect, test } from 'vitest';
import type { AnyObject } from '../../types.ts';
import { createSchemas, type SchemaSource } from '../index.ts';

const definition = (description: string): AnyObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.shop.example.com' },
  spec: {
    group: 'shop.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description,
            properties: {
              spec: { type: 'object', properties: { size: { type: 'integer', description: 'How many.' } } },
            },
          },
        },
      },
    ],
  },
});

interface Operation {
  parameters: { name: string }[];
  requestBody?: { content: Record<string, unknown> };
  'x-kubernetes-group-version-kind': object;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, AnyObject & { properties: Record<string, { description?: string }> }> };
}

let schemas: SchemaSource;
beforeEach(() => {
  schemas = createSchemas();
  schemas.setCustomResource(definition('A thing to sell.'));
});

const index = () => (schemas.openApi.v3Index() as { paths: Record<string, { serverRelativeURL: string }> }).paths;
const document = (path: string) => schemas.openApi.v3(path) as Document;

/** Every $ref of a document that leads nowhere. */
function dangling(value: unknown, known: object): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    if (key !== '$ref' || typeof item !== 'string') return dangling(item, known);
    return Object.hasOwn(known, item.slice(item.lastIndexOf('/') + 1)) ? [] : [item];
  });
}

describe('OpenAPI v3', () => {
  test('lists every group version with a fingerprint of its content', () => {
    expect(Object.keys(index())).toEqual(
      expect.arrayContaining(['api/v1', 'apis/apps/v1', 'apis/autoscaling/v2', 'apis/shop.example.com/v1']),
    );
    const before = index();
    schemas.setCustomResource(definition('Something else.'));
    const after = index();
    expect(after['apis/shop.example.com/v1']).not.toEqual(before['apis/shop.example.com/v1']);
    expect(after['apis/apps/v1']).toEqual(before['apis/apps/v1']);
  });

  test('every listed document is complete in itself', () => {
    for (const path of Object.keys(index())) {
      const { paths, components } = document(path);
      expect(dangling({ paths, components }, components.schemas), path).toEqual([]);
    }
  });

  test('a patch says that it knows field validation and which patches it takes', () => {
    const { patch } = document('apis/apps/v1').paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']!;
    expect(patch!['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' });
    expect(patch!.parameters.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['fieldValidation', 'dryRun', 'force']),
    );
    expect(Object.keys(patch!.requestBody!.content)).toContain('application/strategic-merge-patch+json');
  });

  test('custom resources come with their descriptions, and vanish with their definition', () => {
    const { paths, components } = document('apis/shop.example.com/v1');
    expect(components.schemas['com.example.shop.v1.Widget']).toMatchObject({
      description: 'A thing to sell.',
      properties: { spec: { properties: { size: { description: 'How many.' } } }, apiVersion: { type: 'string' } },
      'x-kubernetes-group-version-kind': [{ group: 'shop.example.com', version: 'v1', kind: 'Widget' }],
    });
    const one = '/apis/shop.example.com/v1/namespaces/{namespace}/widgets/{name}';
    expect(Object.keys(paths)).toEqual(expect.arrayContaining([one, `${one}/status`, `${one}/scale`]));
    expect(Object.keys(paths[one]!.patch!.requestBody!.content)).not.toContain(
      'application/strategic-merge-patch+json',
    );
    schemas.removeCustomResource('widgets.shop.example.com');
    expect(schemas.openApi.v3('apis/shop.example.com/v1')).toBeUndefined();
  });
});

test('OpenAPI v2 holds the same definitions with references of its own', () => {
  const { swagger, definitions, paths } = schemas.openApi.v2() as {
    swagger: string;
    definitions: Record<string, { properties: Record<string, unknown> }>;
    paths: object;
  };
  expect(swagger).toBe('2.0');
  expect(definitions['io.k8s.api.apps.v1.Deployment']!.properties.spec).toMatchObject({
    $ref: '#/definitions/io.k8s.api.apps.v1.DeploymentSpec',
  });
  expect(definitions['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).toMatchObject({
    type: 'string',
    format: 'int-or-string',
  });
  expect(definitions).toHaveProperty(['com.example.shop.v1.Widget']);
  expect(dangling({ definitions, paths }, definitions)).toEqual([]);
});
