import { expect, test } from 'vitest';
import { parsePath } from '../../spec/object-path.ts';
import { parseManifestFile } from './parse-manifests.ts';

const TWO = `# a comment
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: a
  annotations:
    autoscaling.keda.sh/paused: "true"
spec:
  triggers:
    - type: cron
      metadata: &m
        start: 0 8 * * *
    - type: cron
      metadata: *m
---
# nothing here
---
{"apiVersion": "v1", "kind": "Secret",
 "metadata": {"name": "s"}}
`;

test.each([
  [0, '', 2, 1],
  [0, 'kind', 3, 1],
  [0, 'metadata.name', 5, 3],
  [0, 'metadata.annotations["autoscaling.keda.sh/paused"]', 7, 5],
  [0, 'spec.triggers[0]', 10, 7],
  [0, 'spec.triggers[0].type', 10, 7],
  [0, 'spec.triggers[0].metadata.start', 12, 9],
  [0, 'spec.triggers[1].metadata.start', 12, 9],
  [0, 'spec.triggers[1].metadata.end', 14, 7],
  [0, 'spec.triggers[2].type', 9, 3],
  [0, 'spec.scaleTargetRef.name', 8, 1],
  [1, 'metadata.name', 19, 15],
])('document %i has %s, or what is around it, at %i:%i', (document, field, line, column) => {
  const { manifests, findings } = parseManifestFile('f', TWO);
  expect(findings).toEqual([]);
  expect(manifests).toHaveLength(2);
  expect(manifests[document]?.locate(parsePath(field))).toEqual({ line, column });
});

test('a List is taken apart', () => {
  const text = 'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: s\n';
  const { manifests } = parseManifestFile('f', text);
  expect(manifests.map(({ object }) => object.kind)).toEqual(['Secret']);
  expect(manifests[0]?.locate(['metadata', 'name'])).toEqual({ line: 7, column: 5 });
});

test.each([
  ['a: b: c', 1, 'cannot read the YAML'],
  ['apiVersion: v1\nkind: Secret\nkind: Secret\n', 3, 'cannot read the YAML: Map keys must be unique'],
  ['just text', 1, 'is no Kubernetes object: it needs apiVersion and kind'],
  ['a: 1', 1, 'is no Kubernetes object: it needs apiVersion and kind'],
])('%j is a finding at line %i', (text, line, message) => {
  const { findings } = parseManifestFile('f', text);
  expect(findings).toEqual([
    expect.objectContaining({ file: 'f', line, severity: 'error', message: expect.stringContaining(message) }),
  ]);
});

test.each([
  ['yes', true],
  ['"yes"', 'yes'],
  ['on', true],
  ['12:30', '12:30'],
  ['2026-01-31', '2026-01-31'],
  ['0x10', 16],
  ['5', 5],
  ['~', null],
])('an unquoted %s is %j, as for kubectl', (text, value) => {
  const { manifests } = parseManifestFile('f', `apiVersion: v1\nkind: X\nvalue: ${text}\n`);
  expect(manifests[0]?.object.value).toEqual(value);
});
