import type { ResourceType } from '../../base/object.ts';
import { ApiError } from '../types.ts';

/** One thing wrong with one field, as Kubernetes' field errors say it. */
export interface FieldError {
  /** Path from the object's root: `spec.containers[0].name`. */
  field: string;
  /** Reason of the metav1.StatusCause. */
  reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueNotFound'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid';
  /** Without the field: `Invalid value: 0: must be greater than 0`. */
  message: string;
}

const tail = (detail: string) => (detail === '' ? '' : `: ${detail}`);

/** The value as Kubernetes shows it: strings quoted, objects as JSON. */
export function showValue(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${showValue(value)}${tail(detail)}`,
});

export const typeInvalid = (field: string, value: unknown, detail: string): FieldError => ({
  field,
  reason: 'FieldValueTypeInvalid',
  message: `Invalid value: ${showValue(value)}${tail(detail)}`,
});

export const required = (field: string, detail = ''): FieldError => ({
  field,
  reason: 'FieldValueRequired',
  message: `Required value${tail(detail)}`,
});

export const forbidden = (field: string, detail: string): FieldError => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden${tail(detail)}`,
});

export const duplicate = (field: string, value: unknown): FieldError => ({
  field,
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${showValue(value)}`,
});

export const notFound = (field: string, value: unknown): FieldError => ({
  field,
  reason: 'FieldValueNotFound',
  message: `Not found: ${showValue(value)}`,
});

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  field,
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${showValue(value)}: supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`,
});

export const tooLong = (field: string, most: number): FieldError => ({
  field,
  reason: 'FieldValueTooLong',
  message: `Too long: may not be more than ${most} bytes`,
});

export const tooMany = (field: string, actual: number, most: number): FieldError => ({
  field,
  reason: 'FieldValueTooMany',
  message: `Too many: ${actual}: must have at most ${most} items`,
});

/** `Deployment.apps`, or just `Pod` for the core group. */
export function qualifiedKind(type: ResourceType): string {
  return type.group === '' ? type.kind : `${type.kind}.${type.group}`;
}

/** The 422 answer that names every field error, with one cause each. */
export function invalidObject(type: ResourceType, name: string, errors: readonly FieldError[]): ApiError {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return new ApiError('Invalid', `${qualifiedKind(type)} ${JSON.stringify(name)} is invalid: ${all}`, {
    name,
    ...(type.group === '' ? {} : { group: type.group }),
    kind: type.kind,
    causes: errors.map(({ field, reason, message }) => ({ reason, message, field })),
  });
}
