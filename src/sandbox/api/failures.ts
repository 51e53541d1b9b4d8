import type { ResourceType } from '../../base/object.ts';
import { ApiError } from '../types.ts';
import { resourceName } from './resource.ts';

const details = (type: ResourceType, name: string) => ({
  name,
  ...(type.group === '' ? {} : { group: type.group }),
  kind: type.plural,
});

export function notFound(type: ResourceType, name: string): ApiError {
  return new ApiError('NotFound', `${resourceName(type)} "${name}" not found`, details(type, name));
}

export function alreadyExists(type: ResourceType, name: string): ApiError {
  return new ApiError('AlreadyExists', `${resourceName(type)} "${name}" already exists`, details(type, name));
}

export function conflict(type: ResourceType, name: string, why = MODIFIED): ApiError {
  const message = `Operation cannot be fulfilled on ${resourceName(type)} "${name}": ${why}`;
  return new ApiError('Conflict', message, details(type, name));
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

export function forbidden(type: ResourceType, name: string, why: string): ApiError {
  return new ApiError('Forbidden', `${resourceName(type)} "${name}" is forbidden: ${why}`, details(type, name));
}

export interface InvalidField {
  reason: 'FieldValueInvalid' | 'FieldValueRequired' | 'FieldValueForbidden' | 'FieldValueNotSupported';
  field: string;
  message: string;
}

/** One message for all wrong fields, as Kubernetes joins them. */
export function invalid(type: ResourceType, name: string, causes: InvalidField[]): ApiError {
  const list = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const text = list.length === 1 ? list[0] : `[${list.join(', ')}]`;
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`;
  return new ApiError('Invalid', `${kind} "${name}" is invalid: ${text}`, {
    name,
    ...(type.group === '' ? {} : { group: type.group }),
    kind: type.kind,
    causes,
  });
}

/** A failure as the metav1.Status that clients get; anything that is no ApiError is an internal error. */
export function statusOf(error: unknown): { code: number; body: Record<string, unknown> } {
  const failure =
    error instanceof ApiError
      ? error
      : new ApiError(
          'InternalError',
          `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`,
        );
  return {
    code: failure.code,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: failure.message,
      reason: failure.reason,
      ...(failure.details ? { details: failure.details } : {}),
      code: failure.code,
    },
  };
}
