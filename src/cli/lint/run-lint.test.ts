import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runLint } from './index.ts';

const GOOD = `apiVersion: eventing.keda.sh/v1alpha1
kind: CloudEventSource
metadata:
  name: sink
spec:
  destination:
    http:
      uri: https://sink.example
`;
const BAD = GOOD.replace('https://sink.example', 'sink');
const ODD = GOOD.replace('spec:', 'spec:\n  clustrName: a');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'windlass-lint-'));
  await writeFile(path.join(folder, 'good.yaml'), GOOD);
  await writeFile(path.join(folder, 'values.yml'), 'replicas: 1\n');
  await writeFile(path.join(folder, 'notes.txt'), 'no manifest');
});
afterAll(() => rm(folder, { recursive: true }));

async function run(files: string[], { stdin = '', format = 'text' } = {}) {
  const lines: string[] = [];
  const code = await runLint({ files, format, stdin: Readable.from([stdin]), write: (line) => lines.push(line) });
  return { code, lines };
}

test.each([
  ['without a problem', GOOD, 0, ['no problems in 1 object of 1 file']],
  [
    'with an error',
    BAD,
    1,
    [
      '<stdin>:8:7: error: CloudEventSource sink spec.destination.http.uri: must be a URL that starts with http:// or https://',
      '1 error in 1 object of 1 file',
    ],
  ],
  [
    'with a warning only',
    ODD,
    0,
    [
      '<stdin>:6:3: warning: CloudEventSource sink spec.clustrName: is not a field here and is ignored; did you mean clusterName?',
      '1 warning in 1 object of 1 file',
    ],
  ],
  ['with nothing', '', 0, ['no problems in 0 objects of 1 file']],
])('standard input %s', async (_, stdin, code, lines) => {
  expect(await run(['-'], { stdin })).toEqual({ code, lines });
});

test('findings come as JSON for programs', async () => {
  const { code, lines } = await run(['-'], { stdin: BAD, format: 'json' });
  expect(code).toBe(1);
  expect(JSON.parse(lines.join('\n'))).toEqual([
    {
      file: '-',
      line: 8,
      column: 7,
      object: 'CloudEventSource sink',
      field: 'spec.destination.http.uri',
      severity: 'error',
      message: 'must be a URL that starts with http:// or https://',
    },
  ]);
});

test('a folder stands for the manifests in it, whatever else is there', async () => {
  expect(await run([folder])).toEqual({ code: 0, lines: ['no problems in 1 object of 2 files'] });
});

test('a file that is no manifest is an error when it is named itself', async () => {
  const { code, lines } = await run([path.join(folder, 'values.yml')]);
  expect(code).toBe(1);
  expect(lines[0]).toContain('values.yml:1:1: error: is no Kubernetes object');
});

test.each([
  [[], 'text', 'no file is given'],
  [['-'], 'xml', 'there is no format "xml"'],
  [['missing.yaml'], 'text', 'cannot read missing.yaml'],
])('files %j as %s is a wrong use: %s', async (files, format, message) => {
  await expect(run(files, { format })).rejects.toMatchObject({
    code: 'InvalidArgument',
    message: expect.stringContaining(message),
  });
});
