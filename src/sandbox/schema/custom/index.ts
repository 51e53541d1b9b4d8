import type { ResourceType } from '../../../base/object.ts';
import type { AnyObject } from '../../types.ts';
import type { FieldError } from '../field-error.ts';
import { makeNode, type NodeSource, type OpenApiSchema, type SchemaNode } from '../node.ts';
import { checkMetadata } from '../rules/metadata.ts';
import { compileRules, type RuleCheck } from './rules.ts';
import { type Check, compileValues } from './values.ts';

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
      validate: validator(type, schema),
    };
  });
}

/** Kubernetes: rules are evaluated only for objects that the plain validations accept. */
function validator(type: ResourceType, schema: OpenApiSchema): CustomVersion['validate'] {
  let compiled: { values: Check; rules: RuleCheck } | undefined;
  return (object, old) => {
    compiled ??= { values: compileValues(withoutMetadata(schema)), rules: compileRules(schema, '').check };
    const errors = checkMetadata(type, object);
    compiled.values(object, '', old, errors);
    if (errors.length === 0) compiled.rules(object, old, errors);
    return errors;
  };
}

/** The root always has metadata; a schema may restrict the name, and that part is checked like any field. */
function withoutMetadata(schema: OpenApiSchema): OpenApiSchema {
  return { ...schema, required: schema.required?.filter((name) => name !== 'metadata') ?? [] };
}
