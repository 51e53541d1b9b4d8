import { describe, expect, it } from 'vitest';
import { resolveContainerEnv } from './container-env.ts';
import { resolveTriggerAuthentication } from './resolve.ts';
import type { AuthReaders, AuthSettings, PodTemplate, ResolveRequest, TriggerAuthenticationSpec } from './types.ts';

const SETTINGS: AuthSettings = { clusterObjectNamespace: 'keda', restrictSecretAccess: false };

interface World {
  secrets?: Record<string, Record<string, string>>;
  configMaps?: Record<string, Record<string, string>>;
  authentications?: Record<string, TriggerAuthenticationSpec>;
  clusterAuthentications?: Record<string, TriggerAuthenticationSpec>;
  serviceAccounts?: Record<string, Record<string, string>>;
  files?: Record<string, string>;
}

/** Readers over what a test says exists; `read` lists what was asked for. */
function readersOf(world: World) {
  const read: string[] = [];
  const pick = <T>(kind: string, map: Record<string, T> | undefined, key: string) => {
    read.push(`${kind} ${key}`);
    return Promise.resolve(map?.[key]);
  };
  const readers: AuthReaders = {
    triggerAuthentication: (ns, name) => pick('TriggerAuthentication', world.authentications, `${ns}/${name}`),
    clusterTriggerAuthentication: (name) => pick('ClusterTriggerAuthentication', world.clusterAuthentications, name),
    secret: (ns, name) => pick('Secret', world.secrets, `${ns}/${name}`),
    configMap: (ns, name) => pick('ConfigMap', world.configMaps, `${ns}/${name}`),
    serviceAccount: (ns, name) => pick('ServiceAccount', world.serviceAccounts, `${ns}/${name}`),
    async serviceAccountToken(ns, name) {
      return (await pick('token', world.serviceAccounts, `${ns}/${name}`)) && `token-of-${name}`;
    },
    file: world.files && ((path) => Promise.resolve(world.files![path] ?? '')),
  };
  return { readers, read };
}

function resolve(world: World, request: Partial<ResolveRequest> = {}) {
  const { readers, read } = readersOf(world);
  return resolveTriggerAuthentication({
    trigger: { authenticationRef: { name: 'auth' } },
    object: { kind: 'ScaledObject', namespace: 'shop', name: 'web' },
    podTemplate: undefined,
    readers,
    settings: SETTINGS,
    ...request,
  }).then((result) => ({ ...result, read }));
}

const inNamespace = (spec: TriggerAuthenticationSpec): World => ({ authentications: { 'shop/auth': spec } });
const inCluster = (spec: TriggerAuthenticationSpec): World => ({ clusterAuthentications: { auth: spec } });
const clusterRef = { trigger: { authenticationRef: { name: 'auth', kind: 'ClusterTriggerAuthentication' } } };
const told = (problems: { severity: string; message: string }[]) => problems.map((p) => `${p.severity}: ${p.message}`);

describe('sources of authentication parameters', () => {
  it('reads Secrets and ConfigMaps of the namespace, and says what was read', async () => {
    const result = await resolve({
      ...inNamespace({
        secretTargetRef: [{ parameter: 'password', name: 'db', key: 'pw' }],
        configMapTargetRef: [{ parameter: 'host', name: 'settings', key: 'dbHost' }],
      }),
      secrets: { 'shop/db': { pw: 's3cret' } },
      configMaps: { 'shop/settings': { dbHost: 'db.shop' } },
    });
    expect(result.params).toEqual({ password: 's3cret', host: 'db.shop' });
    expect(result.problems).toEqual([]);
    expect(result.dependencies).toEqual([
      { kind: 'TriggerAuthentication', namespace: 'shop', name: 'auth' },
      { kind: 'ConfigMap', namespace: 'shop', name: 'settings' },
      { kind: 'Secret', namespace: 'shop', name: 'db' },
    ]);
  });

  it('reads what a ClusterTriggerAuthentication names in the cluster object namespace', async () => {
    const world = {
      ...inCluster({ secretTargetRef: [{ parameter: 'password', name: 'db', key: 'pw' }] }),
      secrets: { 'keda/db': { pw: 'right' }, 'shop/db': { pw: 'wrong' } },
    };
    expect((await resolve(world, clusterRef)).params).toEqual({ password: 'right' });
  });

  it('lets the later source win: env, ConfigMap, Secret, token', async () => {
    const podTemplate = { containers: [{ name: 'main', env: [{ name: 'A', value: 'env' }] }] };
    const env = [{ parameter: 'p', name: 'A' }];
    const configMapTargetRef = [{ parameter: 'p', name: 'c', key: 'k' }];
    const secretTargetRef = [{ parameter: 'p', name: 's', key: 'k' }];
    const boundServiceAccountToken = [{ parameter: 'p', serviceAccountName: 'sa' }];
    const world = {
      configMaps: { 'shop/c': { k: 'config' } },
      secrets: { 'shop/s': { k: 'secret' } },
      serviceAccounts: { 'shop/sa': {} },
    };
    const given = async (spec: TriggerAuthenticationSpec) =>
      (await resolve({ ...world, ...inNamespace(spec) }, { podTemplate })).params.p;
    expect(await given({ env })).toBe('env');
    expect(await given({ env, configMapTargetRef })).toBe('config');
    expect(await given({ env, configMapTargetRef, secretTargetRef })).toBe('secret');
    expect(await given({ env, configMapTargetRef, secretTargetRef, boundServiceAccountToken })).toBe('token-of-sa');
  });

  it('takes a file alone, whatever else is named', async () => {
    const spec = { filePath: 'team/creds.json', secretTargetRef: [{ parameter: 'x', name: 's', key: 'k' }] };
    const files = { 'team/creds.json': '{"user":"u","password":"p"}' };
    const result = await resolve({ ...inCluster(spec), files }, clusterRef);
    expect(result.params).toEqual({ user: 'u', password: 'p' });
    expect(result.read).not.toContain('Secret keda/s');
  });

  it.each<[string, World, string]>([
    ['outside the root', { ...inCluster({ filePath: '../etc/passwd' }), files: {} }, 'without ".."'],
    ['absolute', { ...inCluster({ filePath: '/etc/passwd' }), files: {} }, 'relative to the root'],
    ['not JSON', { ...inCluster({ filePath: 'f' }), files: { f: 'canary-secret' } }, 'the file is not JSON'],
    ['not texts', { ...inCluster({ filePath: 'f' }), files: { f: '{"a":1}' } }, 'values are texts'],
    ['without a root', inCluster({ filePath: 'f' }), '--filepath-auth-root-path'],
  ])('refuses a file %s', async (_name, world, text) => {
    const { problems, params } = await resolve(world, clusterRef);
    expect(told(problems).join()).toMatch(/^error: /);
    expect(told(problems).join()).toContain(text);
    expect(told(problems).join()).not.toContain('canary-secret');
    expect(params).toEqual({});
  });
});

describe('what is missing', () => {
  it.each<[string, World, string]>([
    [
      'the authentication',
      {},
      'warning: TriggerAuthentication shop/auth does not exist; create it or mend authenticationRef.name',
    ],
    [
      'the Secret',
      inNamespace({ secretTargetRef: [{ parameter: 'p', name: 's', key: 'k' }] }),
      'warning: TriggerAuthentication shop/auth takes "p" from key "k" of Secret shop/s, which does not exist',
    ],
    [
      'the key',
      {
        ...inNamespace({ configMapTargetRef: [{ parameter: 'p', name: 'c', key: 'k' }] }),
        configMaps: { 'shop/c': { other: 'x' } },
      },
      'warning: TriggerAuthentication shop/auth takes "p" from key "k" of ConfigMap shop/c, which has no such key',
    ],
    [
      'the service account',
      inNamespace({ boundServiceAccountToken: [{ parameter: 'p', serviceAccountName: 'sa' }] }),
      'warning: TriggerAuthentication shop/auth takes "p" from a token of ServiceAccount shop/sa, which does not exist',
    ],
    [
      'the variable',
      inNamespace({ env: [{ parameter: 'p', name: 'NOPE' }] }),
      `warning: the target's container has no variable NOPE for the parameter "p"`,
    ],
  ])('%s: the parameter is empty, a warning says where, and its coming is waited for', async (_name, world, text) => {
    const { params, problems, dependencies } = await resolve(world);
    expect(told(problems)).toEqual([text]);
    expect(params.p ?? '').toBe('');
    expect(dependencies.length).toBeGreaterThan(0);
  });

  it.each(['hashiCorpVault', 'azureKeyVault', 'gcpSecretManager', 'awsSecretManager', 'oauth2'])(
    'a provider that is not served (%s) is an error that names the field',
    async (field) => {
      const { problems } = await resolve(inNamespace({ [field]: {} } as TriggerAuthenticationSpec));
      expect(told(problems)[0]).toMatch(new RegExp(`^error: .*spec\\.${field}.*not serve`));
    },
  );

  it('an unknown kind of reference is an error', async () => {
    const { problems } = await resolve({}, { trigger: { authenticationRef: { name: 'auth', kind: 'Vault' } } });
    expect(told(problems)[0]).toMatch(/^error: authenticationRef.kind is "Vault"/);
  });

  it('an API server that cannot be asked is no missing object', async () => {
    const { readers } = readersOf({});
    const away = { ...readers, triggerAuthentication: () => Promise.reject(new Error('connection refused')) };
    await expect(resolve({}, { readers: away })).rejects.toThrow('connection refused');
  });
});

describe('restricted access to Secrets', () => {
  const restricted = { settings: { clusterObjectNamespace: 'keda', restrictSecretAccess: true } };
  const secretTargetRef = [{ parameter: 'p', name: 's', key: 'k' }];
  const secrets = { 'keda/s': { k: 'of the operator' }, 'shop/s': { k: 'of the shop' } };

  it('never gives a namespaced authentication the Secret of that name in our namespace', async () => {
    const result = await resolve({ ...inNamespace({ secretTargetRef }), secrets }, restricted);
    expect(result.params).toEqual({ p: '' });
    expect(told(result.problems)[0]).toMatch(/KEDA_RESTRICT_SECRET_ACCESS .* use a ClusterTriggerAuthentication/);
    expect(result.read.filter((r) => r.startsWith('Secret'))).toEqual([]);
  });

  it('serves a ClusterTriggerAuthentication', async () => {
    const result = await resolve({ ...inCluster({ secretTargetRef }), secrets }, { ...restricted, ...clusterRef });
    expect(result.params).toEqual({ p: 'of the operator' });
  });
});

describe('pod identity', () => {
  const podTemplate: PodTemplate = { serviceAccountName: 'worker', containers: [{ name: 'main' }] };
  const role = { 'eks.amazonaws.com/role-arn': 'arn:worker' };

  it.each<[string, TriggerAuthenticationSpec['podIdentity'], Record<string, string>, string[]]>([
    ['a named role', { provider: 'aws', roleArn: 'arn:x' }, { awsRoleArn: 'arn:x' }, []],
    ["the operator's own", { provider: 'aws' }, {}, []],
    ["the workload's", { provider: 'aws', identityOwner: 'workload' }, { awsRoleArn: 'arn:worker' }, []],
    ['eks', { provider: 'aws-eks' }, { awsRoleArn: 'arn:worker' }, []],
    [
      'a named role of a workload',
      { provider: 'aws', roleArn: 'arn:x', identityOwner: 'workload' },
      {},
      ['error: podIdentity.roleArn and podIdentity.identityOwner "workload" exclude each other'],
    ],
    [
      'an empty client id',
      { provider: 'azure-workload', identityId: '' },
      {},
      ['error: podIdentity.identityId is empty; leave the field out or give a client id'],
    ],
  ])('%s', async (_name, podIdentity, params, problems) => {
    const world = { ...inNamespace({ podIdentity: podIdentity! }), serviceAccounts: { 'shop/worker': role } };
    const result = await resolve(world, { podTemplate });
    expect(result.params).toEqual(params);
    expect(told(result.problems)).toEqual(problems);
    expect(result.podIdentity).toEqual(podIdentity);
  });

  it('a workload without the annotation is an error for aws and a warning for aws-eks', async () => {
    const serviceAccounts = { 'shop/worker': {} };
    const of = async (podIdentity: NonNullable<TriggerAuthenticationSpec['podIdentity']>) =>
      (await resolve({ ...inNamespace({ podIdentity }), serviceAccounts }, { podTemplate })).problems[0]?.severity;
    expect(await of({ provider: 'aws', identityOwner: 'workload' })).toBe('error');
    expect(await of({ provider: 'aws-eks' })).toBe('warning');
  });
});

describe('the identity of a credential', () => {
  const spec = (key: string) => ({ secretTargetRef: [{ parameter: 'p', name: 's', key }] });
  const secrets = { 'shop/s': { a: 'one', b: 'one', c: 'two' } };
  const identity = async (key: string) => (await resolve({ ...inNamespace(spec(key)), secrets })).identity;

  it('is equal for equal values, differs for others, and tells nothing', async () => {
    expect(await identity('a')).toBe(await identity('b'));
    expect(await identity('a')).not.toBe(await identity('c'));
    expect(await identity('a')).not.toContain('one');
  });
});

describe("the target container's environment", () => {
  const world: World = {
    secrets: { 'shop/creds': { USER: 'bob', PW: 'p' } },
    configMaps: { 'shop/conf': { HOST: 'db', PORT: '5' } },
  };
  const main = {
    name: 'main',
    envFrom: [{ configMapRef: { name: 'conf' }, prefix: 'DB_' }, { secretRef: { name: 'creds' } }],
    env: [
      { name: 'USER', value: 'alice' },
      { name: 'URL', value: '$(USER)@$(DB_HOST):$(LATER) $$(USER) $(' },
      { name: 'LATER', value: 'x' },
      { name: 'PW2', valueFrom: { secretKeyRef: { name: 'creds', key: 'PW' } } },
      { name: 'PORT', valueFrom: { configMapKeyRef: { name: 'conf', key: 'PORT' } } },
      { name: 'OPT', valueFrom: { secretKeyRef: { name: 'gone', key: 'x', optional: true } } },
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    ],
  };
  const side = { name: 'side', env: [{ name: 'USER', value: 'carol' }] };

  const envOf = async (podTemplate: PodTemplate | undefined, more: object = {}) => {
    const { readers, read } = readersOf(world);
    const result = await resolveContainerEnv({ podTemplate, namespace: 'shop', readers, settings: SETTINGS, ...more });
    return { ...result, read };
  };

  it('is what the kubelet would set', async () => {
    const { env, problems } = await envOf({ containers: [main, side] });
    expect(problems).toEqual([]);
    expect(env).toEqual({
      DB_HOST: 'db',
      DB_PORT: '5',
      PW: 'p',
      USER: 'alice',
      URL: 'alice@db:$(LATER) $(USER) $(',
      LATER: 'x',
      PW2: 'p',
      PORT: '5',
    });
  });

  it.each([
    ['a plain variable', ['LATER'], { LATER: 'x' }, []],
    ['one key of a Secret', ['PW2'], { PW2: 'p' }, ['Secret shop/creds']],
    ['what it refers to', ['URL'], undefined, ['ConfigMap shop/conf', 'Secret shop/creds']],
  ])('reads for %s no more than that needs', async (_name, wanted, env, read) => {
    const result = await envOf({ containers: [main] }, { wanted: new Set(wanted) });
    expect(result.read).toEqual(read);
    if (env) expect(result.env).toEqual(env);
    else expect(result.env.URL).toBe('alice@db:$(LATER) $(USER) $(');
  });

  it('is of the container that is named', async () => {
    expect((await envOf({ containers: [main, side] }, { containerName: 'side' })).env).toEqual({ USER: 'carol' });
    const { problems } = await envOf({ containers: [main, side] }, { containerName: 'nope' });
    expect(told(problems)).toEqual([
      'error: the target has no container "nope" to take the environment from; it has "main", "side"',
    ]);
  });

  it('is empty without containers', async () => {
    expect((await envOf(undefined)).env).toEqual({});
    expect((await envOf({ containers: [] }, { containerName: 'x' })).problems).toEqual([]);
  });

  it.each([
    [{ envFrom: [{ secretRef: { name: 'gone' } }] }, 'Secret shop/gone, which does not exist'],
    [{ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'creds', key: 'x' } } }] }, 'has no such key'],
    [{ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'gone', key: 'x' } } }] }, 'ConfigMap shop/gone'],
  ])('says which object is missing: %o', async (container, text) => {
    const { problems } = await envOf({ containers: [{ name: 'main', ...container }] });
    expect(told(problems)).toHaveLength(1);
    expect(told(problems)[0]).toContain(text);
  });

  it('does not fail over what no field of the trigger asks for', async () => {
    const podTemplate = { containers: [{ name: 'main', envFrom: [{ secretRef: { name: 'gone' } }] }] };
    const { problems, read } = await resolve(world, { podTemplate, trigger: { metadata: { queue: 'q' } } });
    expect([problems, read]).toEqual([[], []]);
    const used = await resolve(world, { podTemplate, trigger: { metadata: { hostFromEnv: 'HOST' } } });
    expect(told(used.problems)).toEqual([
      "error: the target's environment needs Secret shop/gone, which does not exist",
    ]);
  });

  it('leaves Secrets out while access is restricted, unless the workload lives in our namespace', async () => {
    const settings = { clusterObjectNamespace: 'keda', restrictSecretAccess: true };
    const { env, problems } = await envOf({ containers: [main] }, { settings });
    expect(problems).toEqual([]);
    expect(Object.keys(env)).not.toContain('PW2');
    expect(env.DB_HOST).toBe('db');
    const own = { clusterObjectNamespace: 'shop', restrictSecretAccess: true };
    expect((await envOf({ containers: [main] }, { settings: own })).env.PW2).toBe('p');
  });
});
