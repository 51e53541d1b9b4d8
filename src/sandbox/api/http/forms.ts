import type { AnyObject } from '../../types.ts';
import type { Resource } from '../resource.ts';
import type { Form } from './request.ts';

export interface TableOptions {
  crd?: AnyObject | undefined;
  includeObject?: 'None' | 'Metadata' | 'Object';
  list?: object | undefined;
  now: number;
}

/** Makes the meta.k8s.io/v1 Table of objects of a type. */
export type TableMaker = (type: Resource['type'], objects: AnyObject[], options: TableOptions) => object;

export interface FormContext {
  form: Form;
  toTable: TableMaker;
  includeObject: string | null;
  now: number;
}

/** One object as the client wants it: whole, its metadata, or a table of one row. */
export function inForm(resource: Resource, object: AnyObject, context: FormContext): object {
  if (context.form === 'metadata') {
    return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
  }
  if (context.form === 'table')
    return table(resource, [object], context, { resourceVersion: object.metadata.resourceVersion });
  return object;
}

export interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

/** A list as the client wants it. */
export function listInForm(resource: Resource, objects: AnyObject[], metadata: ListMeta, context: FormContext): object {
  if (context.form === 'table') return table(resource, objects, context, metadata);
  if (context.form === 'metadata') {
    const items = objects.map((object) => inForm(resource, object, context));
    return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items };
  }
  const { group, version, kind } = resource.type;
  const named = (resource.crd?.spec as { names?: { listKind?: string } } | undefined)?.names?.listKind;
  return {
    kind: named ?? `${kind}List`,
    apiVersion: group === '' ? version : `${group}/${version}`,
    metadata,
    items: objects,
  };
}

function table(resource: Resource, objects: AnyObject[], context: FormContext, list: object): object {
  const wanted = context.includeObject;
  return context.toTable(resource.type, objects, {
    crd: resource.crd,
    includeObject: wanted === 'None' || wanted === 'Object' ? wanted : 'Metadata',
    list,
    now: context.now,
  });
}
