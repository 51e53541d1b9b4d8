import type { ResourceType } from '../../base/object.ts';
import type { AnyObject, Patch } from '../types.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** What the API needs of schemas, patches and field managers. */
export interface Machinery {
  /** Prunes, fills defaults and validates. @throws ApiError Invalid */
  prepare(
    type: ResourceType,
    object: AnyObject,
    options: { operation: 'create' | 'update'; fieldValidation: FieldValidation; old?: AnyObject | undefined },
  ): { object: AnyObject; warnings: string[] };
  /** `current` is absent only for an apply that creates. */
  applyPatch(params: {
    current: AnyObject | undefined;
    patch: Patch;
    type: ResourceType;
    now: string;
    subresource?: string | undefined;
  }): AnyObject;
  /** The object with managedFields that say who changed what. */
  trackUpdate(params: {
    before: AnyObject | undefined;
    after: AnyObject;
    manager: string;
    subresource?: string | undefined;
    now: string;
  }): AnyObject;
  /** The OpenAPI documents of what is served. */
  openApi: OpenApi;
  setCustomResource(crd: AnyObject): void;
  removeCustomResource(name: string): void;
}

export interface OpenApi {
  v2(): object;
  v3Index(): object;
  /** By path below /openapi/v3: `api/v1` or `apis/<group>/<version>`. */
  v3(path: string): object | undefined;
}

/** Who makes a request. */
export interface Caller {
  name: string;
  uid?: string | undefined;
  groups: string[];
  extra?: Record<string, string[]> | undefined;
}

/** How a write is to be made. */
export interface WriteContext {
  caller: Caller;
  /** The field manager that changed fields are recorded for. */
  manager: string;
  dryRun: boolean;
  fieldValidation: FieldValidation;
  warn(text: string): void;
}

export interface AdmissionRequest {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  type: ResourceType;
  subresource?: string | undefined;
  name: string;
  namespace?: string | undefined;
  object?: AnyObject | undefined;
  oldObject?: AnyObject | undefined;
  options?: object | undefined;
  context: WriteContext;
}

/** The admission webhooks. Undefined answers mean that no webhook matched, so that nothing has to be awaited. */
export interface Admission {
  mutate(request: AdmissionRequest): Promise<AnyObject> | undefined;
  validate(request: AdmissionRequest): Promise<void> | undefined;
}
