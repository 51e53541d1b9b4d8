import { type FieldError, forbidden, invalid, notSupported, required } from '../field-error.ts';
import { type Fields, isFields, items, part, text } from '../fields.ts';
import { labelProblems, subdomainProblems } from '../names.ts';
import type { OpenApiSchema } from '../node.ts';
import { checkStructure } from './structure.ts';

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];

/** What is wrong with a CustomResourceDefinition (apiextensions.k8s.io/v1), after defaults; `old` on updates. */
export function checkDefinition(crd: Fields, old: Fields | undefined): FieldError[] {
  const spec = part(crd, 'spec');
  return [...checkNames(crd, spec), ...checkVersions(spec), ...checkConversion(spec), ...checkUpdate(spec, old)];
}

function checkNames(crd: Fields, spec: Fields): FieldError[] {
  const errors: FieldError[] = [];
  const group = text(spec, 'group');
  const names = part(spec, 'names');
  if (group === '') errors.push(required('spec.group'));
  else if (subdomainProblems(group).length > 0)
    errors.push(invalid('spec.group', group, subdomainProblems(group).join(',')));
  else if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'));
  for (const field of ['plural', 'kind']) {
    const value = text(names, field);
    if (value === '') errors.push(required(`spec.names.${field}`));
    const problems = labelProblems(field === 'kind' ? value.toLowerCase() : value);
    const prefix = field === 'kind' ? 'may have mixed case, but should otherwise match: ' : '';
    if (value !== '' && problems.length > 0)
      errors.push(invalid(`spec.names.${field}`, value, prefix + problems.join(',')));
  }
  if (text(names, 'kind') !== '' && names.kind === names.listKind)
    errors.push(invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
  const wanted = `${text(names, 'plural')}.${group}`;
  const name = text(part(crd, 'metadata'), 'name');
  if (name !== wanted) errors.push(invalid('metadata.name', name, `must be spec.names.plural+"."+spec.group`));
  if (text(spec, 'scope') === '') errors.push(required('spec.scope'));
  else if (spec.scope !== 'Namespaced' && spec.scope !== 'Cluster')
    errors.push(notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  return errors;
}

function checkVersions(spec: Fields): FieldError[] {
  const versions = items(spec, 'versions');
  const errors: FieldError[] = [];
  const names = versions.map((version) => text(version, 'name'));
  if (new Set(names).size < names.length)
    errors.push(invalid('spec.versions', names, 'must contain unique version names'));
  if (versions.filter((version) => version.storage === true).length !== 1)
    errors.push(invalid('spec.versions', names, 'must have exactly one version marked as storage version'));
  for (const [index, version] of versions.entries()) {
    const at = `spec.versions[${index}]`;
    errors.push(...labelProblems(text(version, 'name')).map((problem) => invalid(`${at}.name`, version.name, problem)));
    const schema = part(version, 'schema').openAPIV3Schema;
    if (isFields(schema)) errors.push(...checkStructure(schema as OpenApiSchema, `${at}.schema.openAPIV3Schema`));
    else errors.push(required(`${at}.schema.openAPIV3Schema`, 'schemas are required'));
    errors.push(...checkColumns(version, at), ...checkScale(version, at));
  }
  return errors;
}

function checkColumns(version: Fields, at: string): FieldError[] {
  return items(version, 'additionalPrinterColumns').flatMap((column, index) => {
    const place = `${at}.additionalPrinterColumns[${index}]`;
    const errors: FieldError[] = [];
    if (text(column, 'name') === '') errors.push(required(`${place}.name`));
    if (text(column, 'type') === '') errors.push(required(`${place}.type`, `must be one of ${COLUMN_TYPES.join(',')}`));
    else if (!COLUMN_TYPES.includes(text(column, 'type')))
      errors.push(invalid(`${place}.type`, column.type, `must be one of ${COLUMN_TYPES.join(',')}`));
    const path = text(column, 'jsonPath');
    if (path === '') errors.push(required(`${place}.JSONPath`));
    else if (!path.startsWith('.'))
      errors.push(invalid(`${place}.JSONPath`, path, 'must be a simple json path starting with .'));
    return errors;
  });
}

function checkScale(version: Fields, at: string): FieldError[] {
  const scale = part(version, 'subresources').scale;
  if (!isFields(scale)) return [];
  const place = `${at}.subresources.scale`;
  const errors: FieldError[] = [];
  for (const [field, root] of [
    ['specReplicasPath', '.spec'],
    ['statusReplicasPath', '.status'],
  ] as const) {
    const path = text(scale, field);
    if (path === '') errors.push(required(`${place}.${field}`));
    else if (!path.startsWith(`${root}.`))
      errors.push(invalid(`${place}.${field}`, path, `should be a json path under ${root}`));
  }
  const labels = text(scale, 'labelSelectorPath');
  if (labels !== '' && !/^\.(spec|status)\./.test(labels))
    errors.push(invalid(`${place}.labelSelectorPath`, labels, 'should be a json path under either .spec or .status'));
  return errors;
}

function checkConversion(spec: Fields): FieldError[] {
  const strategy = text(part(spec, 'conversion'), 'strategy');
  if (strategy === 'None') return [];
  // A conversion webhook would have to be asked on every read; the sandbox says so instead of serving wrong versions.
  if (strategy === 'Webhook' && items(spec, 'versions').length > 1)
    return [forbidden('spec.conversion.strategy', 'conversion webhooks are not served here; use the strategy None')];
  return strategy === 'Webhook' ? [] : [notSupported('spec.conversion.strategy', strategy, ['None', 'Webhook'])];
}

function checkUpdate(spec: Fields, old: Fields | undefined): FieldError[] {
  if (old === undefined) return [];
  const before = part(old, 'spec');
  const errors: FieldError[] = [];
  for (const field of ['group', 'scope'] as const)
    if (before[field] !== spec[field]) errors.push(invalid(`spec.${field}`, spec[field], 'field is immutable'));
  for (const field of ['plural', 'kind'] as const)
    if (part(before, 'names')[field] !== part(spec, 'names')[field])
      errors.push(invalid(`spec.names.${field}`, part(spec, 'names')[field], 'field is immutable'));
  return errors;
}
