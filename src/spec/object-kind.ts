import type { ResourceType } from '../base/object.ts';
import type { ObjectField } from './object-fields.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  path: string;
  type?: 'string' | 'integer' | 'date';
  /** 1 shows it with `-o wide` only. */
  priority?: number;
}

/** A kind of ours, from which its CRD, schemas, validation and reference page follow. */
export interface ObjectKind<Spec extends ObjectField = ObjectField, Status extends ObjectField = ObjectField> {
  type: ResourceType;
  singular: string;
  shortNames: readonly string[];
  /** One or two sentences for `kubectl explain` and the reference page. */
  description: string;
  columns: readonly PrinterColumn[];
  spec: Spec;
  status: Status;
  /** The CRD lets an object without a spec pass, as KEDA's does; our own checks do not. */
  specOptionalInCrd?: true;
}

/** Helps inference: keeps the types of the spec's and status' fields. */
export function defineKind<Spec extends ObjectField, Status extends ObjectField>(
  kind: ObjectKind<Spec, Status>,
): ObjectKind<Spec, Status> {
  return kind;
}
