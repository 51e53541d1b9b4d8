import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { generateCrds } from './generate-crds.ts';

const files = generateCrds();

interface Crd {
  metadata: { name: string };
  spec: {
    group: string;
    scope: string;
    names: { kind: string; plural: string; singular: string; listKind: string; shortNames?: string[] };
    versions: {
      name: string;
      subresources: unknown;
      additionalPrinterColumns: { name: string; type: string; jsonPath: string; priority?: number }[];
      schema: { openAPIV3Schema: SchemaNode };
    }[];
  };
}
interface SchemaNode {
  type?: string;
  required?: string[];
  enum?: string[];
  minimum?: number;
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  default?: unknown;
  [key: string]: unknown;
}

const crd = (file: string) => parse(files.get(`config/crd/${file}`) ?? '') as Crd;
const schemaOf = (file: string) => crd(file).spec.versions[0]!.schema.openAPIV3Schema;
const at = (node: SchemaNode, dotted: string) =>
  dotted.split('.').reduce((found, name) => (name === '[]' ? found.items : found.properties?.[name])!, node);

test.each([
  ['keda.sh_scaledobjects.yaml', 'ScaledObject', 'Namespaced', ['so']],
  ['keda.sh_scaledjobs.yaml', 'ScaledJob', 'Namespaced', ['sj']],
  ['keda.sh_triggerauthentications.yaml', 'TriggerAuthentication', 'Namespaced', ['ta', 'triggerauth']],
  [
    'keda.sh_clustertriggerauthentications.yaml',
    'ClusterTriggerAuthentication',
    'Cluster',
    ['cta', 'clustertriggerauth'],
  ],
  ['eventing.keda.sh_cloudeventsources.yaml', 'CloudEventSource', 'Namespaced', undefined],
  ['eventing.keda.sh_clustercloudeventsources.yaml', 'ClusterCloudEventSource', 'Cluster', undefined],
])('%s declares %s with the names and scope of KEDA', (file, kind, scope, shortNames) => {
  const { metadata, spec } = crd(file);
  const plural = `${kind.toLowerCase()}s`;
  expect(metadata.name).toBe(`${plural}.${file.split('_')[0]}`);
  expect(spec.names).toEqual({
    kind,
    listKind: `${kind}List`,
    plural,
    singular: kind.toLowerCase(),
    ...(shortNames ? { shortNames } : {}),
  });
  expect(spec.scope).toBe(scope);
  expect(spec.versions.map((version) => [version.name, version.subresources])).toEqual([['v1alpha1', { status: {} }]]);
});

test.each([
  [
    'keda.sh_scaledobjects.yaml',
    'ScaleTargetKind ScaleTargetName Min:integer Max:integer Ready Active Fallback Paused Triggers Authentications Age:date',
  ],
  ['keda.sh_scaledjobs.yaml', 'Min:integer Max:integer Ready Active Paused Triggers Authentications Age:date'],
  ['keda.sh_triggerauthentications.yaml', 'PodIdentity Secret Env VaultAddress ScaledObjects/1 ScaledJobs/1'],
  [
    'keda.sh_clustertriggerauthentications.yaml',
    'PodIdentity Secret Env FilePath VaultAddress ScaledObjects/1 ScaledJobs/1',
  ],
  ['eventing.keda.sh_cloudeventsources.yaml', 'Active'],
])('%s shows the columns %s', (file, expected) => {
  const shown = crd(file).spec.versions[0]!.additionalPrinterColumns.map(
    ({ name, type, priority }) => `${name}${type === 'string' ? '' : `:${type}`}${priority ? `/${priority}` : ''}`,
  );
  expect(shown.join(' ')).toBe(expected);
});

test.each([
  ['keda.sh_scaledobjects.yaml', '', ['spec']],
  ['keda.sh_scaledobjects.yaml', 'spec', ['scaleTargetRef', 'triggers']],
  ['keda.sh_scaledobjects.yaml', 'spec.triggers.[]', ['type', 'metadata']],
  ['keda.sh_scaledobjects.yaml', 'spec.fallback', ['failureThreshold', 'replicas']],
  ['keda.sh_scaledjobs.yaml', '', undefined],
  ['keda.sh_scaledjobs.yaml', 'spec', ['jobTargetRef', 'triggers']],
  ['keda.sh_scaledjobs.yaml', 'spec.jobTargetRef', ['template']],
  ['keda.sh_triggerauthentications.yaml', 'spec.hashiCorpVault', ['address', 'authentication', 'secrets']],
  ['keda.sh_triggerauthentications.yaml', 'spec.awsSecretManager.credentials', ['accessKey', 'accessSecretKey']],
  ['keda.sh_triggerauthentications.yaml', 'spec.oauth2', ['type', 'clientId', 'tokenUrl']],
  ['eventing.keda.sh_cloudeventsources.yaml', 'spec', ['destination']],
])('%s requires at "%s" exactly %j', (file, path, required) => {
  const root = schemaOf(file);
  expect((path === '' ? root : at(root, path)).required).toEqual(required);
});

test('only the two defaults of KEDA are written by the API server', () => {
  const found: string[] = [];
  const visit = (node: SchemaNode, path: string) => {
    if (node.default !== undefined) found.push(`${path}=${String(node.default)}`);
    for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${name}`);
    if (node.items) visit(node.items, `${path}[]`);
  };
  for (const file of files.keys()) if (!file.endsWith('all.yaml')) visit(schemaOf(file.slice(11)), file.slice(11));
  expect(found).toEqual([
    'keda.sh_scaledobjects.yaml.spec.fallback.behavior=static',
    'keda.sh_triggerauthentications.yaml.spec.oauth2.type=clientCredentials',
    'keda.sh_clustertriggerauthentications.yaml.spec.oauth2.type=clientCredentials',
  ]);
});

test('events can be chosen from the 19 types of KEDA', () => {
  const types = at(
    schemaOf('eventing.keda.sh_cloudeventsources.yaml'),
    'spec.eventSubscription.includedEventTypes.[]',
  ).enum;
  expect(types).toHaveLength(19);
  expect(new Set(types).size).toBe(19);
});

test('the minimum is set against the maximum by the API server', () => {
  expect(at(schemaOf('keda.sh_scaledobjects.yaml'), 'spec')['x-kubernetes-validations']).toEqual([
    expect.objectContaining({ rule: expect.stringContaining('self.minReplicaCount <=') }),
  ]);
});

test('pod templates pass through untouched', () => {
  const template = at(schemaOf('keda.sh_scaledjobs.yaml'), 'spec.jobTargetRef.template');
  expect(template).toMatchObject({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
});

test('every schema is structural: each node has a type, or is a quantity', () => {
  const bad: string[] = [];
  const visit = (node: SchemaNode, path: string) => {
    if (node.type === undefined && node['x-kubernetes-int-or-string'] !== true) bad.push(path);
    for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${name}`);
    if (node.items) visit(node.items, `${path}[]`);
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties as SchemaNode, `${path}.*`);
  };
  for (const file of files.keys()) if (!file.endsWith('all.yaml')) visit(schemaOf(file.slice(11)), file);
  expect(bad).toEqual([]);
});

test('every CRD is small enough for client-side apply, which keeps it in an annotation of 256 KiB', () => {
  const all = parseAllDocuments(files.get('config/crd/all.yaml') ?? '').map((document) => document.toJS() as Crd);
  expect(all).toHaveLength(6);
  for (const one of all)
    expect([one.metadata.name, JSON.stringify(one).length < 40_000]).toEqual([one.metadata.name, true]);
});
