import type { ResourceType } from '../../base/object.ts';
import type { AnyObject } from '../types.ts';
import type { FieldError } from './field-error.ts';
import { makeNode, type NodeSource, type OpenApiSchema, type SchemaNode } from './node.ts';
import { checkMetadata } from './rules/metadata.ts';

/** The part of a CustomResourceDefinition that schemas need. */
export interface DefinitionSpec {
  group: string;
  scope: 'Namespaced' | 'Cluster';
  names: { plural: string; kind: string; listKind?: string };
  versions: {
    name: string;
    served?: boolean;
    schema?: { openAPIV3Schema?: OpenApiSchema };
    subresources?: { status?: object; scale?: object };
  }[];
}

/** One version of a custom resource, ready for use. */
export interface CustomVersion {
  type: ResourceType;
  node: SchemaNode;
  schema: OpenApiSchema;
  listKind: string;
  served: boolean;
  /** Has a status subresource. */
  status: boolean;
  scale: boolean;
  validate(object: Record<string, unknown>, old: AnyObject | undefined): FieldError[];
}

/** The versions that a CustomResourceDefinition defines; `metadata` is the node of every object's metadata. */
export function customVersions(crd: AnyObject, metadata: SchemaNode): CustomVersion[] {
  const spec = crd.spec as DefinitionSpec;
  const from: NodeSource = { resolve: () => undefined, builtin: false, metadata };
  return spec.versions.map((version) => {
    const schema = version.schema?.openAPIV3Schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const type: ResourceType = {
      group: spec.group,
      version: version.name,
      plural: spec.names.plural,
      kind: spec.names.kind,
      namespaced: spec.scope === 'Namespaced',
    };
    return {
      type,
      schema,
      listKind: spec.names.listKind ?? `${spec.names.kind}List`,
      served: version.served !== false,
      status: version.subresources?.status !== undefined,
      scale: version.subresources?.scale !== undefined,
      node: makeNode(schema, from, true),
      validate: (object) => checkMetadata(type, object),
    };
  });
}
