import { hasCode } from '../../base/errors.ts';
import { matchesLabels, parseSelector, type SelectorRequirement } from '../../base/selector.ts';
import { type AnyObject, ApiError } from '../types.ts';
import { type Resource, resourceName } from './resource.ts';

export interface Selection {
  labelSelector: string;
  fieldSelector: string;
  matches(object: AnyObject): boolean;
  /** Matches everything. */
  everything: boolean;
}

interface FieldRequirement {
  field: string;
  equal: boolean;
  value: string;
}

/**
 * What the label and field selectors of a request choose; objects are in the resource's version.
 * @throws ApiError BadRequest for a selector that cannot be read or a field that the type does not select by
 */
export function selectionOf(resource: Resource, query: URLSearchParams): Selection {
  const labelSelector = query.get('labelSelector') ?? '';
  const fieldSelector = query.get('fieldSelector') ?? '';
  const labels = readLabels(labelSelector);
  const fields = readFields(resource, fieldSelector);
  return {
    labelSelector,
    fieldSelector,
    everything: labels.length === 0 && fields.length === 0,
    matches: (object) =>
      matchesLabels(labels, object.metadata.labels) &&
      fields.every(({ field, equal, value }) => (fieldOf(object, field) === value) === equal),
  };
}

/** @throws ApiError BadRequest for a label selector that cannot be read */
export function readLabels(text: string): SelectorRequirement[] {
  try {
    return parseSelector(text);
  } catch (error) {
    if (hasCode(error, 'InvalidArgument'))
      throw new ApiError('BadRequest', `unable to parse requirement: ${error.message}`);
    throw error;
  }
}

function readFields(resource: Resource, text: string): FieldRequirement[] {
  const known = new Set([
    'metadata.name',
    ...(resource.type.namespaced ? ['metadata.namespace'] : []),
    ...resource.fields,
  ]);
  const requirements: FieldRequirement[] = [];
  for (const part of splitEscaped(text)) {
    const match = /^([^=!]+?)\s*(==|!=|=)\s*(.*)$/s.exec(part.trim());
    if (!match) throw new ApiError('BadRequest', `invalid selector: '${text}'; can't understand '${part}'`);
    const [, field = '', sign, value = ''] = match;
    if (!known.has(field)) {
      const { group, version } = resource.type;
      const message =
        `Unable to find ${JSON.stringify(`${group}/${version}, Resource=${resource.type.plural}`)} that match label selector "", ` +
        `field selector ${JSON.stringify(text)}: field label not supported: ${field}`;
      throw new ApiError('BadRequest', message, { kind: resourceName(resource.type) });
    }
    requirements.push({ field, equal: sign !== '!=', value: value.replace(/\\([\\,=])/g, '$1') });
  }
  return requirements;
}

/** Commas separate, unless a backslash stands before them. */
function splitEscaped(text: string): string[] {
  return text.split(/(?<!\\),/).filter((part) => part.trim() !== '');
}

// Kubernetes names some fields otherwise than they are written in the object.
const ELSEWHERE: Record<string, (object: AnyObject) => unknown> = {
  source: (event) =>
    (event.source as { component?: string } | undefined)?.component ??
    event.reportingComponent ??
    event.reportingController,
  'spec.unschedulable': (node) => (node.spec as { unschedulable?: boolean } | undefined)?.unschedulable === true,
  'spec.hostNetwork': (pod) => (pod.spec as { hostNetwork?: boolean } | undefined)?.hostNetwork === true,
  'status.successful': (job) => (job.status as { succeeded?: number } | undefined)?.succeeded ?? 0,
};

function fieldOf(object: AnyObject, field: string): string {
  const elsewhere = ELSEWHERE[field];
  let value: unknown = elsewhere ? elsewhere(object) : object;
  if (!elsewhere) {
    let path = field;
    if (path.startsWith('involvedObject.') && object.involvedObject === undefined)
      path = path.replace('involvedObject', 'regarding');
    for (const part of path.split('.')) {
      value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
    }
  }
  return value === undefined || value === null ? '' : String(value);
}
