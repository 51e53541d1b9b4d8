/**
 * Writes the sandbox's built-in schemas: `node tools/openapi.ts [k8s.io/kubernetes version]`.
 *
 * The source is Kubernetes' own published OpenAPI v3, fetched as a Go module (needs `go` on PATH). The result is one
 * brotli-compressed JSON file of type BuiltinData (src/sandbox/schema/builtin.ts); the licence stands beside it.
 * Run it by hand for a new Kubernetes version and commit what it wrote.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import type { BuiltinData, BuiltinResource } from '../src/sandbox/schema/builtin.ts';

const DEFAULT_VERSION = 'v1.36.3';
const GROUP_VERSIONS = [
  'api/v1',
  'apis/admissionregistration.k8s.io/v1',
  'apis/apiextensions.k8s.io/v1',
  'apis/apiregistration.k8s.io/v1',
  'apis/apps/v1',
  'apis/authentication.k8s.io/v1',
  'apis/authorization.k8s.io/v1',
  'apis/autoscaling/v1',
  'apis/autoscaling/v2',
  'apis/batch/v1',
  'apis/certificates.k8s.io/v1',
  'apis/coordination.k8s.io/v1',
  'apis/discovery.k8s.io/v1',
  'apis/events.k8s.io/v1',
  'apis/networking.k8s.io/v1',
  'apis/node.k8s.io/v1',
  'apis/policy/v1',
  'apis/rbac.authorization.k8s.io/v1',
  'apis/scheduling.k8s.io/v1',
  'apis/storage.k8s.io/v1',
];

interface Operation {
  'x-kubernetes-action'?: string;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

const version = process.argv[2] ?? DEFAULT_VERSION;
const data = collect(download(version));
const target = fileURLToPath(new URL('../src/sandbox/schema/data/kubernetes.generated.json.br', import.meta.url));
const packed = brotliCompressSync(JSON.stringify(data), {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
});
writeFileSync(target, packed);
console.log(`${path.basename(target)}: ${Object.keys(data.schemas).length} schemas, ${packed.length} bytes`);

/** The folder with the OpenAPI documents of a Kubernetes version. */
function download(wanted: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'openapi-'));
  try {
    const answer = execFileSync('go', ['mod', 'download', '-json', `k8s.io/kubernetes@${wanted}`], {
      cwd: folder,
      env: { ...process.env, GOFLAGS: '-mod=mod' },
      encoding: 'utf8',
    });
    return path.join((JSON.parse(answer) as { Dir: string }).Dir, 'api/openapi-spec/v3');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function collect(folder: string): BuiltinData {
  const schemas: Record<string, object> = {};
  const resources: Record<string, BuiltinResource[]> = {};
  for (const prefix of GROUP_VERSIONS) {
    const file = path.join(folder, `${prefix.replaceAll('/', '__')}_openapi.json`);
    const document = JSON.parse(readFileSync(file, 'utf8')) as Document;
    Object.assign(schemas, document.components.schemas);
    resources[prefix.replace(/^apis?\//, '')] = resourcesOf(document, `/${prefix}/`);
  }
  return { version, schemas: sorted(schemas), resources };
}

/** The resources that the paths of a document speak of, with their verbs and subresources. */
function resourcesOf(document: Document, prefix: string): BuiltinResource[] {
  const found = new Map<string, BuiltinResource>();
  for (const [url, item] of Object.entries(document.paths)) {
    const match = /^(namespaces\/\{namespace\}\/)?([a-z]+)(?:\/\{name\})?(?:\/([a-z]+))?$/.exec(
      url.slice(prefix.length),
    );
    const [, namespaced, plural, subresource] = match ?? [];
    if (!url.startsWith(prefix) || plural === undefined || plural === 'watch') continue;
    for (const operation of Object.values(item)) {
      const gvk = operation['x-kubernetes-group-version-kind'];
      const action = operation['x-kubernetes-action'];
      if (gvk === undefined || action === undefined || action === 'connect') continue;
      const resource = found.get(plural) ?? { plural, kind: '', namespaced: false, verbs: [], subresources: {} };
      found.set(plural, resource);
      if (namespaced !== undefined) resource.namespaced = true;
      if (subresource !== undefined) {
        resource.subresources[subresource] = gvk.kind;
        continue;
      }
      resource.kind = gvk.kind;
      const verb = { post: 'create', put: 'update', watchlist: 'watch' }[action] ?? action;
      if (!resource.verbs.includes(verb)) resource.verbs.push(verb);
    }
  }
  return [...found.values()];
}

function sorted(schemas: Record<string, object>): Record<string, object> {
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
}
