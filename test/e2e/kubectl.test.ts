import { execFile, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';

const kubectlPath = onPath('kubectl');

function onPath(program: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

interface Outcome {
  code: number;
  out: string;
  err: string;
}

let home: string;
let sandbox: Sandbox;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'windlass-kubectl-'));
  sandbox = await startSandbox({ clock: systemClock, log: silentLogger, kubeconfig: path.join(home, 'kubeconfig') });
});
afterAll(async () => {
  await sandbox.stop();
  await rm(home, { recursive: true, force: true });
});

// HOME is a temporary folder, so that kubectl's cache of discovery goes with it.
const environment = () => ({ PATH: process.env.PATH, HOME: home, KUBECONFIG: path.join(home, 'kubeconfig') });

function run(args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(kubectlPath ?? '', args, { env: environment(), timeout: 30_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err });
    });
  });
}

/** Runs kubectl (words are split at spaces, unless given as a list) and expects it to succeed. */
async function kubectl(command: string | string[]): Promise<string> {
  const args = typeof command === 'string' ? command.split(' ') : command;
  const { code, out, err } = await run(args);
  expect({ code, err: code === 0 ? '' : err }, args.join(' ')).toEqual({ code: 0, err: '' });
  return out;
}

async function apply(name: string, manifest: string, ...flags: string[]): Promise<string> {
  const file = path.join(home, `${name}.yaml`);
  await writeFile(file, manifest);
  return kubectl(['apply', ...flags, '-f', file]);
}

it('answers that it is ready', async () => {
  expect(sandbox.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
});

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: sandbox/web
          command: [sh, -c, "echo hello from $POD; sleep 1000"]
          env: [{ name: POD, valueFrom: { fieldRef: { fieldPath: metadata.name } } }]
`;

const DEFINITION = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: boats.sea.dev }
spec:
  group: sea.dev
  scope: Namespaced
  names: { plural: boats, singular: boat, kind: Boat, shortNames: [bt] }
  versions:
    - name: v1
      served: true
      storage: true
      subresources: { status: {}, scale: { specReplicasPath: .spec.crew, statusReplicasPath: .status.crew } }
      additionalPrinterColumns: [{ name: Crew, type: integer, jsonPath: .spec.crew }]
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [crew]
              properties:
                crew: { type: integer, minimum: 0, description: How many sail it. }
                name: { type: string, default: Nameless }
            status: { type: object, properties: { crew: { type: integer } } }
`;

if (kubectlPath !== undefined) {
  describe('kubectl on objects', () => {
    it('applies, shows and changes them', async () => {
      const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: sea }\ndata: { colour: blue }\n';
      expect(await apply('sea', manifest)).toBe('configmap/sea created\n');
      expect(await apply('sea', manifest)).toBe('configmap/sea unchanged\n');
      expect(await apply('sea', manifest.replace('blue', 'green'))).toBe('configmap/sea configured\n');
      expect(await kubectl('get configmap sea -o jsonpath={.data.colour}')).toBe('green');
      expect(await kubectl('label configmap sea depth=deep')).toBe('configmap/sea labeled\n');
      expect(await kubectl('annotate configmap sea seen=yes')).toBe('configmap/sea annotated\n');
      expect(await kubectl(['patch', 'cm', 'sea', '-p', '{"data":{"salt":"yes"}}'])).toBe('configmap/sea patched\n');
      const shown = JSON.parse(await kubectl('get configmap -l depth=deep -o json'));
      expect(shown.items).toHaveLength(1);
      expect(shown.items[0]).toMatchObject({
        data: { colour: 'green', salt: 'yes' },
        metadata: { annotations: { seen: 'yes' } },
      });
      expect(await kubectl('get configmap sea -o yaml')).toContain('colour: green');
      expect(await kubectl('get cm sea')).toMatch(/^NAME +DATA +AGE\nsea +2 +\d+s\n$/);
      expect(await kubectl('delete configmap sea')).toBe('configmap "sea" deleted\n');
      expect(await run(['get', 'configmap', 'sea'])).toEqual({
        code: 1,
        out: '',
        err: 'Error from server (NotFound): configmaps "sea" not found\n',
      });
    });

    it('creates by its own commands, which send protobuf', async () => {
      expect(await kubectl('create namespace harbour')).toBe('namespace/harbour created\n');
      expect(await kubectl('create secret generic key -n harbour --from-literal=a=b')).toBe('secret/key created\n');
      expect(await kubectl('get secret key -n harbour -o jsonpath={.data.a}')).toBe('Yg==');
      expect(await kubectl('create serviceaccount pilot -n harbour')).toBe('serviceaccount/pilot created\n');
      expect(await kubectl('create token pilot -n harbour')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      expect(await kubectl('auth can-i delete pods')).toBe('yes\n');
      expect(await kubectl('auth whoami')).toContain('kubernetes-admin');
      expect(await kubectl('delete namespace harbour')).toBe('namespace "harbour" deleted\n');
    });

    it('applies on the server, and hears of conflicts', async () => {
      const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: shared }\ndata: { owner: one }\n';
      const other = manifest.replace('one', 'two');
      expect(await apply('shared', manifest, '--server-side', '--field-manager=one')).toContain('serverside-applied');
      const refused = await run(['apply', '--server-side', '--field-manager=two', '-f', await written('other', other)]);
      expect(refused.err).toContain('conflict with "one": .data.owner');
      await apply('other', other, '--server-side', '--field-manager=two', '--force-conflicts');
      expect(await kubectl('get cm shared -o jsonpath={.data.owner}')).toBe('two');
    });

    it('is told what is wrong with a manifest', async () => {
      const { code, err } = await run([
        'apply',
        '-f',
        await written('wrong', DEPLOYMENT.replace('replicas: 1', 'replica: 1')),
      ]);
      expect(code).toBe(1);
      expect(err).toContain('strict decoding error: unknown field "spec.replica"');
    });

    it('knows the types', async () => {
      const types = await kubectl('api-resources');
      expect(types).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
      expect(await kubectl('explain deployment.spec.replicas')).toContain('FIELD: replicas <integer>');
      expect(await kubectl('explain hpa.spec.metrics --api-version=autoscaling/v2')).toContain(
        'FIELD: metrics <[]MetricSpec>',
      );
      expect(JSON.parse(await kubectl('get --raw /apis/apps/v1')).kind).toBe('APIResourceList');
      expect(await kubectl('version')).toContain('v1.36');
    });
  });

  describe('kubectl on custom resources', () => {
    it('sees them as soon as they are defined', async () => {
      expect(await apply('definition', DEFINITION)).toBe(
        'customresourcedefinition.apiextensions.k8s.io/boats.sea.dev created\n',
      );
      await kubectl('wait --for=condition=Established crd/boats.sea.dev --timeout=10s');
      const boat = 'apiVersion: sea.dev/v1\nkind: Boat\nmetadata: { name: ark }\nspec: { crew: 2 }\n';
      expect(await apply('boat', boat)).toBe('boat.sea.dev/ark created\n');
      expect(await kubectl('get bt')).toBe('NAME   CREW\nark    2\n');
      expect(await kubectl('get boat ark -o jsonpath={.spec.name}')).toBe('Nameless');
      expect(await kubectl('scale boat ark --replicas=5')).toBe('boat.sea.dev/ark scaled\n');
      expect(await kubectl('get boat ark -o jsonpath={.spec.crew}')).toBe('5');
      expect(await kubectl('explain boat.spec.crew')).toContain('How many sail it.');
      const refused = await run(['apply', '-f', await written('bad-boat', boat.replace('crew: 2', 'crew: -1'))]);
      expect(refused.err).toContain(
        'spec.crew: Invalid value: -1: spec.crew in body should be greater than or equal to 0',
      );
      await kubectl('delete crd boats.sea.dev');
      expect((await run(['get', 'boats'])).code).toBe(1);
    });
  });

  describe('kubectl on workloads', () => {
    it('runs a Deployment from the manifest to its logs', async () => {
      expect(await apply('web', DEPLOYMENT)).toBe('deployment.apps/web created\n');
      expect(await kubectl('rollout status deployment/web --timeout=20s')).toContain('successfully rolled out');
      expect(await kubectl('get deployment web')).toMatch(/\nweb +1\/1 +1 +1 +\d+s\n$/);
      const pod = await kubectl('get pods -l app=web -o jsonpath={.items[0].metadata.name}');
      await kubectl(`wait --for=condition=Ready pod/${pod} --timeout=10s`);
      await expect.poll(() => kubectl(`logs ${pod}`), { timeout: 10_000 }).toBe(`hello from ${pod}\n`);
      expect(await kubectl('get pods -o wide')).toMatch(/\nweb-\S+ +1\/1 +Running +0 +\d+s +127\.0\.0\.1 /);
      const described = await kubectl(`describe pod ${pod}`);
      expect(described).toContain('Status:           Running');
      expect(described).toMatch(/Normal +Started .* kubelet/);
      await expect
        .poll(() => kubectl('top pods'), { timeout: 30_000, interval: 500 })
        .toMatch(/\nweb-\S+ +\d+m +\d+Mi/);
      expect(await kubectl('describe deployment web')).toContain('NewReplicaSet:   web-');
      for (const events of ['events', 'events.events.k8s.io']) {
        expect(await kubectl(`get ${events}`)).toMatch(/\n\d+s +Normal +ScalingReplicaSet +deployment\/web/);
      }
    });

    it('scales it, watches it, and deletes it with everything it owns', async () => {
      const watching = spawn(kubectlPath, ['get', 'deployment', 'web', '-w', '--output-watch-events'], {
        env: environment(),
      });
      let seen = '';
      watching.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
      });
      await expect.poll(() => seen, { timeout: 10_000 }).toContain('ADDED');
      expect(await kubectl('scale deployment web --replicas=3')).toBe('deployment.apps/web scaled\n');
      await expect.poll(() => seen, { timeout: 20_000 }).toMatch(/MODIFIED +web +3\/3/);
      watching.kill();
      expect(await kubectl('set image deployment/web main=sandbox/web:2')).toContain('image updated');
      await kubectl('rollout status deployment/web --timeout=20s');
      expect(await kubectl('rollout undo deployment/web')).toContain('rolled back');
      await kubectl('rollout status deployment/web --timeout=20s');
      expect(await kubectl('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}')).toBe(
        'sandbox/web',
      );
      expect(await kubectl('delete deployment web')).toContain('deleted');
      await expect.poll(() => kubectl('get pods,replicasets -o name'), { timeout: 20_000 }).toBe('');
    });

    it('runs a pod to its end', async () => {
      const manifest = `
apiVersion: batch/v1
kind: Job
metadata: { name: once }
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: sandbox/once, command: [sh, -c, "echo done"] }]
`;
      await apply('once', manifest);
      await kubectl('wait --for=condition=Complete job/once --timeout=20s');
      expect(await kubectl('logs job/once')).toBe('done\n');
      await kubectl('delete job once');
      await expect.poll(() => kubectl('get pods -o name'), { timeout: 20_000 }).toBe('');
    });
  });
}

async function written(name: string, manifest: string): Promise<string> {
  const file = path.join(home, `${name}.yaml`);
  await writeFile(file, manifest);
  return file;
}
