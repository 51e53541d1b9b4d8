import { apiVersionOf, type ResourceType } from '../../base/object.ts';
import { type AnyObject, ApiError } from '../types.ts';
import { builtinData } from './builtin.ts';
import { type CustomVersion, customVersions } from './custom/index.ts';
import { defaultingOf } from './defaults/index.ts';
import { type FieldError, invalidObject } from './field-error.ts';
import { makeNode, type NodeSource, type SchemaNode } from './node.ts';
import { type OpenApiDocuments, openApiDocuments } from './openapi/index.ts';
import { checkBuiltin } from './rules/index.ts';
import { shape } from './shape.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface PrepareOptions {
  operation: 'create' | 'update';
  /** What to do about fields that the schema does not know: nothing, a warning each, or refusal. */
  fieldValidation: FieldValidation;
  /** The stored object that an update replaces; needed for immutable fields and transition rules. */
  old?: AnyObject | undefined;
}

/** The schemas of everything served. One instance per API server. */
export interface SchemaSource {
  /**
   * Serves the versions of a CustomResourceDefinition from now on, in place of what an older form of it said.
   * @throws ApiError Invalid when a schema is not structural or a rule cannot be compiled
   */
  setCustomResource(crd: AnyObject): void;
  /** Forgets the types of the CustomResourceDefinition with this name (`scaledobjects.keda.sh`). */
  removeCustomResource(name: string): void;
  /**
   * A copy of the object as it may be stored: unknown fields gone, defaults filled in, validated.
   * Types without a schema pass through unchanged.
   * @throws ApiError BadRequest for values that cannot be decoded (and for unknown fields when Strict), Invalid for
   * everything that a rule forbids, with one cause per field
   */
  prepare(type: ResourceType, object: AnyObject, options: PrepareOptions): { object: AnyObject; warnings: string[] };
  /** The schema of a type's objects, for merging them field by field. */
  node(type: TypeName): SchemaNode | undefined;
  /** Whether status is written through a subresource of its own. */
  hasStatus(type: TypeName): boolean;
  /** The OpenAPI documents of everything served. */
  openApi: OpenApiDocuments;
}

/** The part of a ResourceType by which schemas are found. */
export interface TypeName {
  group: string;
  version: string;
  kind: string;
}

const keyOf = (type: TypeName) => `${apiVersionOf(type)}/${type.kind}`;

export function createSchemas(): SchemaSource {
  const builtin = builtinNodes();
  const custom = new Map<string, CustomVersion>();
  const namesOf = new Map<string, string[]>();

  const remove = (name: string) => {
    for (const key of namesOf.get(name) ?? []) custom.delete(key);
    namesOf.delete(name);
  };

  const nodeOf = (type: TypeName) => custom.get(keyOf(type))?.node ?? builtin.node(type);

  return {
    setCustomResource(crd) {
      const versions = customVersions(crd, builtin.metadata);
      remove(crd.metadata.name);
      namesOf.set(
        crd.metadata.name,
        versions.map((version) => keyOf(version.type)),
      );
      for (const version of versions) custom.set(keyOf(version.type), version);
    },
    removeCustomResource: remove,
    openApi: openApiDocuments(() => [...custom.values()].filter((version) => version.served)),
    node: nodeOf,
    hasStatus(type) {
      const version = custom.get(keyOf(type));
      if (version !== undefined) return version.status;
      const resource = builtinData().resources[apiVersionOf(type)]?.find((one) => one.kind === type.kind);
      return resource?.subresources.status !== undefined;
    },
    prepare(type, object, { operation, fieldValidation, old }) {
      const node = nodeOf(type);
      if (node === undefined) return { object, warnings: [] };
      const shaped = shape(node, object);
      const warnings = complain(type, shaped.unknown, shaped.mistyped, fieldValidation);
      const version = custom.get(keyOf(type));
      let errors: FieldError[];
      if (version !== undefined) errors = version.validate(shaped.object, operation === 'update' ? old : undefined);
      else {
        defaultingOf(type)?.(shaped.object);
        errors = checkBuiltin(type, shaped.object, operation === 'update' ? old : undefined);
      }
      if (errors.length > 0) throw invalidObject(type, object.metadata.name ?? '', errors);
      return { object: shaped.object as AnyObject, warnings };
    },
  };
}

/** Throws for what cannot be decoded, else says what to warn about. */
function complain(type: ResourceType, unknown: string[], mistyped: string[], validation: FieldValidation): string[] {
  const refuse = (why: string) =>
    new ApiError('BadRequest', `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: ${why}`);
  const [first] = mistyped;
  if (first !== undefined) throw refuse(first);
  const complaints = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (complaints.length > 0 && validation === 'Strict') throw refuse(`strict decoding error: ${complaints.join(', ')}`);
  return validation === 'Warn' ? complaints : [];
}

interface BuiltinNodes {
  node(type: TypeName): SchemaNode | undefined;
  metadata: SchemaNode;
}

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

function builtinNodes(): BuiltinNodes {
  const { schemas } = builtinData();
  const names = new Map<string, string>();
  for (const [name, schema] of Object.entries(schemas)) {
    const kinds = schema['x-kubernetes-group-version-kind'] ?? [];
    // DeleteOptions and the like belong to every group; they are never stored.
    if (kinds.length === 1 && kinds[0] !== undefined) names.set(keyOf(kinds[0]), name);
  }
  const from: NodeSource = { resolve: (name) => schemas[name], builtin: true };
  const made = new Map<string, SchemaNode>();
  return {
    metadata: makeNode(schemas[OBJECT_META] ?? {}, from),
    node(type) {
      const key = keyOf(type);
      const name = names.get(key);
      if (name === undefined) return undefined;
      const known = made.get(key) ?? makeNode(schemas[name] ?? {}, from);
      made.set(key, known);
      return known;
    },
  };
}
