import { apiVersionOf, type ResourceType } from '../../base/object.ts';
import type { AnyObject } from '../types.ts';

export interface ScalePaths {
  specReplicasPath: string;
  statusReplicasPath: string;
  labelSelectorPath?: string | undefined;
}

/** A served resource: one version of one type, and how it behaves. */
export interface Resource {
  type: ResourceType;
  /** Where its objects are kept; versions (and for events, groups) of one type share it. */
  storage: string;
  /** The form in which objects are kept. */
  storageType: ResourceType;
  /** From the stored form to this version, and back; absent when they only differ in apiVersion or not at all. */
  fromStorage?: ((object: AnyObject) => AnyObject) | undefined;
  toStorage?: ((object: AnyObject) => AnyObject) | undefined;
  singular: string;
  shortNames: string[];
  categories: string[];
  /** Has a status subresource. */
  status: boolean;
  scale?: ScalePaths | undefined;
  /** Counts spec changes in metadata.generation. */
  generation: boolean;
  /** Accepts an update without resourceVersion. */
  unconditionalUpdate: boolean;
  /** PUT to a name that does not exist creates it. */
  createOnUpdate: boolean;
  /** Field selectors beyond metadata.name and metadata.namespace. */
  fields: string[];
  /** Stored, or answered on the spot (reviews) without being kept. */
  virtual: boolean;
  /** The CustomResourceDefinition it comes from. */
  crd?: AnyObject | undefined;
}

/** `deployments.apps`, or `pods` for the core group: how messages name a resource. */
export function resourceName(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

/** The object in the resource's version. Frozen objects that need no conversion are passed through. */
export function fromStorage(resource: Resource, object: AnyObject): AnyObject {
  const apiVersion = apiVersionOf(resource.type);
  if (resource.fromStorage === undefined && object.apiVersion === apiVersion) return object;
  const cached = converted.get(object) ?? new Map<string, AnyObject>();
  converted.set(object, cached);
  const known = cached.get(apiVersion);
  if (known) return known;
  const result = Object.freeze(resource.fromStorage ? resource.fromStorage(object) : { ...object, apiVersion });
  cached.set(apiVersion, result);
  return result;
}

const converted = new WeakMap<AnyObject, Map<string, AnyObject>>();

/** The object in the form in which it is kept. */
export function toStorage(resource: Resource, object: AnyObject): AnyObject {
  if (resource.toStorage) return resource.toStorage(object);
  const apiVersion = apiVersionOf(resource.storageType);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}
