/**
 * Writes how the sandbox reads protobuf requests: `node tools/protobuf.ts [version of the k8s.io modules]`.
 *
 * The source are generated.proto and types.go of Kubernetes' Go modules (needs `go` on PATH): the first has the wire
 * types, the second says which fields JSON calls otherwise, inlines or leaves out when they are zero. The result is one
 * brotli-compressed JSON file of type MessageData (src/sandbox/api/protobuf/messages.ts).
 * Run it by hand for a new Kubernetes version and commit what it wrote.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import type { Field, MessageData } from '../src/sandbox/api/protobuf/messages.ts';

const DEFAULT_VERSION = 'v0.36.3';

/** apiVersion to Go package. */
const GROUP_VERSIONS: Record<string, string> = {
  v1: 'k8s.io/api/core/v1',
  'admissionregistration.k8s.io/v1': 'k8s.io/api/admissionregistration/v1',
  'apiextensions.k8s.io/v1': 'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1',
  'apiregistration.k8s.io/v1': 'k8s.io/kube-aggregator/pkg/apis/apiregistration/v1',
  'apps/v1': 'k8s.io/api/apps/v1',
  'authentication.k8s.io/v1': 'k8s.io/api/authentication/v1',
  'authorization.k8s.io/v1': 'k8s.io/api/authorization/v1',
  'autoscaling/v1': 'k8s.io/api/autoscaling/v1',
  'autoscaling/v2': 'k8s.io/api/autoscaling/v2',
  'batch/v1': 'k8s.io/api/batch/v1',
  'coordination.k8s.io/v1': 'k8s.io/api/coordination/v1',
  'discovery.k8s.io/v1': 'k8s.io/api/discovery/v1',
  'events.k8s.io/v1': 'k8s.io/api/events/v1',
  'networking.k8s.io/v1': 'k8s.io/api/networking/v1',
  'policy/v1': 'k8s.io/api/policy/v1',
  'rbac.authorization.k8s.io/v1': 'k8s.io/api/rbac/v1',
  'scheduling.k8s.io/v1': 'k8s.io/api/scheduling/v1',
};
const SHARED = [
  'k8s.io/apimachinery/pkg/apis/meta/v1',
  'k8s.io/apimachinery/pkg/api/resource',
  'k8s.io/apimachinery/pkg/runtime',
  'k8s.io/apimachinery/pkg/util/intstr',
];

interface GoField {
  json: string;
  inline: boolean;
  keepZero: boolean;
}

const version = process.argv[2] ?? DEFAULT_VERSION;
const folders = new Map<string, string>();
const messages: MessageData['messages'] = {};
for (const goPackage of [...Object.values(GROUP_VERSIONS), ...SHARED]) readPackage(goPackage);
const packages = Object.fromEntries(
  Object.entries(GROUP_VERSIONS).map(([apiVersion, goPackage]) => [apiVersion, protoName(goPackage)]),
);
const data: MessageData = { version, packages, messages };
const target = fileURLToPath(new URL('../src/sandbox/api/protobuf/messages.generated.json.br', import.meta.url));
const packed = brotliCompressSync(JSON.stringify(data), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
writeFileSync(target, packed);
console.log(`${path.basename(target)}: ${Object.keys(messages).length} messages, ${packed.length} bytes`);

function protoName(goPackage: string): string {
  return goPackage.replaceAll('/', '.').replaceAll('-', '_');
}

function folderOf(goPackage: string): string {
  const [host = '', name = '', ...rest] = goPackage.split('/');
  const module = `${host}/${name}`;
  let folder = folders.get(module);
  if (folder === undefined) {
    const cwd = mkdtempSync(path.join(tmpdir(), 'protobuf-'));
    const env = { ...process.env, GOFLAGS: '-mod=mod' };
    const answer = execFileSync('go', ['mod', 'download', '-json', `${module}@${version}`], {
      cwd,
      env,
      encoding: 'utf8',
    });
    rmSync(cwd, { recursive: true, force: true });
    folder = (JSON.parse(answer) as { Dir: string }).Dir;
    folders.set(module, folder);
  }
  return path.join(folder, ...rest);
}

function readPackage(goPackage: string): void {
  const folder = folderOf(goPackage);
  const goFields = readGo(folder);
  const prefix = protoName(goPackage);
  let message = '';
  for (const line of readFileSync(path.join(folder, 'generated.proto'), 'utf8').split('\n')) {
    const start = /^message (\w+) \{/.exec(line);
    if (start) {
      message = start[1] ?? '';
      messages[`${prefix}.${message}`] = {};
      continue;
    }
    const field = /^ {2}(optional|repeated|map<string,) ?([.\w]+)>? (\w+) = (\d+);/.exec(line);
    if (!field) continue;
    const [, label, type = '', name = '', number = ''] = field;
    const go = goFields.get(`${message} ${number}`);
    const scalar = /^(string|bytes|bool|int32|int64|double|float|uint32|uint64)$/.test(type);
    const full = scalar ? type : type.startsWith('.') ? type.slice(1) : type.includes('.') ? type : `${prefix}.${type}`;
    const flags = [
      label === 'repeated' ? 'r' : '',
      label === 'map<string,' ? 'm' : '',
      go?.inline ? 'i' : '',
      go?.keepZero ? 'z' : '',
    ].join('');
    const entry: Field = flags === '' ? [go?.json ?? name, full] : [go?.json ?? name, full, flags];
    const fields = messages[`${prefix}.${message}`] ?? {};
    messages[`${prefix}.${message}`] = fields;
    fields[number] = entry;
  }
}

/** The JSON side of fields, by `<struct> <number>`. */
function readGo(folder: string): Map<string, GoField> {
  const found = new Map<string, GoField>();
  for (const name of ['types.go', 'types_jsonschema.go', 'meta.go']) {
    const file = path.join(folder, name);
    if (!existsSync(file)) continue;
    let struct = '';
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      struct = /^type (\w+) struct/.exec(line)?.[1] ?? struct;
      const field = /^\s+(?:\w+\s+)?(\S+)\s+`json:"([^"]*)"[^`]*protobuf:"\w+,(\d+)[^"]*"/.exec(line);
      if (!field) continue;
      const [, type = '', tag = '', number = ''] = field;
      const [json = '', ...options] = tag.split(',');
      const inline = options.includes('inline');
      found.set(`${struct} ${number}`, {
        json,
        inline,
        keepZero: type.startsWith('*') || !options.includes('omitempty'),
      });
    }
  }
  return found;
}
