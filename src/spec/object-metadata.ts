import { nearest } from '../base/nearest.ts';
import type { Path } from './object-path.ts';
import type { ProblemSink } from './object-problem.ts';

const FIELDS = [
  'name',
  'generateName',
  'namespace',
  'labels',
  'annotations',
  'finalizers',
  'ownerReferences',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
];
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;

/** Checks metadata as an API server does: the name, and that labels and annotations are maps of texts. */
export function checkMetadata(metadata: unknown, namespaced: boolean, sink: ProblemSink): void {
  const at: Path = ['metadata'];
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    sink.problem(at, 'is missing: give the object a name in metadata.name');
    return;
  }
  const fields = metadata as Record<string, unknown>;
  for (const field of Object.keys(fields)) {
    if (FIELDS.includes(field)) continue;
    const meant = nearest(field, FIELDS);
    sink.warning([...at, field], `is not a field of metadata and is ignored${meant ? `; did you mean ${meant}?` : ''}`);
  }
  checkName(fields, sink);
  if (!namespaced && fields.namespace)
    sink.warning([...at, 'namespace'], 'is ignored: the kind is cluster-wide; remove it');
  for (const name of ['labels', 'annotations'] as const)
    checkTexts(fields[name], [...at, name], name === 'labels', sink);
}

function checkName({ name, generateName }: Record<string, unknown>, sink: ProblemSink): void {
  const path: Path = ['metadata', 'name'];
  if (name === undefined || name === null || name === '') {
    if (!generateName) sink.problem(path, 'is missing: give the object a name');
  } else if (typeof name !== 'string') sink.problem(path, `must be text: put it in quotes ("${String(name)}")`, name);
  else if (name.length > 253 || !SUBDOMAIN.test(name))
    sink.problem(
      path,
      'must be lower-case letters, digits, dashes and dots, and start and end with a letter or digit',
      name,
    );
}

function checkTexts(map: unknown, path: Path, labels: boolean, sink: ProblemSink): void {
  if (map === undefined || map === null) return;
  if (typeof map !== 'object' || Array.isArray(map)) {
    sink.problem(path, 'must be a map of texts', map);
    return;
  }
  for (const [key, value] of Object.entries(map)) {
    if (!QUALIFIED_NAME.test(key))
      sink.problem(
        [...path, key],
        'has a key that is none: write it as name or prefix/name, the name at most 63 characters',
      );
    if (value === null) sink.warning([...path, key], 'has no value, which counts as an empty text; write "" to say so');
    else if (typeof value !== 'string')
      sink.problem([...path, key], `must be text: put it in quotes ("${String(value)}")`, value);
    else if (labels && !LABEL_VALUE.test(value))
      sink.problem([...path, key], 'must be at most 63 letters, digits, dashes, underscores and dots', value);
  }
}
