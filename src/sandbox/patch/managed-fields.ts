import { apiVersionOf, type ResourceType } from '../../base/object.ts';
import type { SchemaSource } from '../schema/index.ts';
import type { AnyObject } from '../types.ts';
import { decodeSet, difference, emptySet, encodeSet, equalSets, type FieldSet, isEmpty, union } from './field-set.ts';
import { compare, DEDUCED } from './typed.ts';

/** Who owns which fields: one entry of metadata.managedFields. */
export interface Manager {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource?: string | undefined;
  time?: string | undefined;
  fields: FieldSet;
}

/** Metadata that the server alone decides; nobody owns it. */
const SERVER_METADATA = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
];

/** The object without the fields that managedFields never mention. */
export function ownable(object: AnyObject | undefined): Record<string, unknown> | undefined {
  if (object === undefined) return undefined;
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const fields = Object.entries(metadata ?? {}).filter(([name]) => !SERVER_METADATA.includes(name));
  return { ...rest, metadata: Object.fromEntries(fields) };
}

/** The managers of an object; entries that cannot be read are left out. */
export function managersOf(object: AnyObject | undefined): Manager[] {
  const entries = object?.metadata.managedFields;
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const { manager, operation, apiVersion, subresource, time, fieldsV1 } = entry as Record<string, unknown>;
    if ((operation !== 'Apply' && operation !== 'Update') || typeof apiVersion !== 'string') return [];
    const name = typeof manager === 'string' ? manager : '';
    const read: Manager = { manager: name, operation, apiVersion, fields: decodeSet(fieldsV1) };
    if (typeof subresource === 'string') read.subresource = subresource;
    if (typeof time === 'string') read.time = time;
    return [read];
  });
}

/** The object with these managers written into it, in Kubernetes' order; those that own nothing are left out. */
export function withManagers(object: AnyObject, managers: readonly Manager[]): AnyObject {
  const entries = managers
    .filter(({ fields }) => !isEmpty(fields))
    .sort((a, b) => compareTexts(orderOf(a), orderOf(b)))
    .map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: encodeSet(fields),
      ...(subresource ? { subresource } : {}),
    }));
  const { managedFields: _old, ...metadata } = object.metadata;
  return { ...object, metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries } };
}

const orderOf = (one: Manager) => [one.operation, one.time ?? '', one.manager, one.apiVersion, one.subresource ?? ''];

function compareTexts(a: string[], b: string[]): number {
  for (const [index, text] of a.entries()) {
    const other = b[index] ?? '';
    if (text !== other) return text < other ? -1 : 1;
  }
  return 0;
}

/** Kubernetes: applied entries of one manager are one, whatever version they used. */
export function sameManager(a: Manager, b: Omit<Manager, 'fields'>): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    (a.subresource ?? '') === (b.subresource ?? '') &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

export interface TrackUpdateParams {
  /** The stored object; absent on creation. */
  before: AnyObject | undefined;
  /** What is to be stored, defaults and all; its managedFields count when the client changed them. */
  after: AnyObject;
  manager: string;
  operation: 'Update';
  subresource?: string | undefined;
  /** RFC 3339, whole seconds. */
  now: string;
  schemas: SchemaSource;
}

/** The object with managedFields that give every field changed by a plain write to its writer. */
export function trackUpdate({
  before,
  after,
  manager,
  operation,
  subresource,
  now,
  schemas,
}: TrackUpdateParams): AnyObject {
  const [group, version] = after.apiVersion.includes('/') ? after.apiVersion.split('/') : ['', after.apiVersion];
  const node = schemas.node({ group: group ?? '', version: version ?? '', kind: after.kind }) ?? DEDUCED;
  const given = after.metadata.managedFields;
  // Kubernetes: a client that sends none keeps the stored ones; one empty entry clears them.
  const managers = managersOf(Array.isArray(given) && given.length > 0 ? after : before);
  const { changed, removed } = compare(node, ownable(before) ?? {}, ownable(after));
  changed.own = false;
  const self: Omit<Manager, 'fields'> = { manager, operation, apiVersion: after.apiVersion, subresource };
  const known = managers.find((one) => sameManager(one, self));
  const others = managers
    .filter((one) => one !== known)
    .map((one) => ({ ...one, fields: difference(difference(one.fields, changed), removed) }));
  const fields = union(difference(known?.fields ?? emptySet(), removed), changed);
  const touched = !isEmpty(changed) || !isEmpty(removed) || known === undefined || !equalSets(known.fields, fields);
  return withManagers(after, [...others, { ...self, time: touched ? now : known?.time, fields }]);
}

/** The identity of writes to a type's objects by an applier. */
export function applierOf(
  type: ResourceType,
  manager: string,
  subresource: string | undefined,
): Omit<Manager, 'fields'> {
  return { manager, operation: 'Apply', apiVersion: apiVersionOf(type), subresource };
}
