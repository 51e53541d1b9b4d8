import type { Json } from '../base/object.ts';
import type { ObjectKind } from './object-kind.ts';
import { type Schema, toStructuralSchema } from './object-schema.ts';

/** The apiextensions.k8s.io/v1 CustomResourceDefinition of a kind, ready to be sent to an API server. */
export function crdOf(kind: ObjectKind): Schema {
  const { group, version, plural, kind: name, namespaced } = kind.type;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        kind: name,
        listKind: `${name}List`,
        plural,
        singular: kind.singular,
        ...(kind.shortNames.length > 0 ? { shortNames: [...kind.shortNames] } : {}),
      },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns.map(
            ({ name, path, type = 'string', priority }): Json => ({
              name,
              type,
              jsonPath: path,
              ...(priority === undefined ? {} : { priority }),
            }),
          ),
          schema: {
            openAPIV3Schema: {
              description: kind.description,
              type: 'object',
              ...(kind.spec.options.required && !kind.specOptionalInCrd ? { required: ['spec'] } : {}),
              properties: {
                apiVersion: { type: 'string', description: `${group}/${version}` },
                kind: { type: 'string', description: name },
                metadata: { type: 'object' },
                spec: toStructuralSchema(kind.spec),
                status: toStructuralSchema(kind.status),
              },
            },
          },
        },
      ],
    },
  };
}
