import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { ensureWebhookConfiguration } from '../../src/servers/admission/index.ts';
import { type RunningWebhooks, serveAdmission } from '../support/admission-server.ts';
import { type ControlPlane, startControlPlane } from '../support/cluster/index.ts';
import { eventually } from '../support/eventually.ts';

const root = path.resolve(import.meta.dirname, '../..');
const clock = systemClock;
const log = silentLogger;

let cluster: ControlPlane;
let client: KubeClient;
let webhooks: RunningWebhooks;
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await startControlPlane({ nodes: 0, crds: [path.join(root, 'config/crd/all.yaml')] });
  undo.push(() => cluster.stop());
  client = createKubeClient(cluster.connection, { clock, log });
  undo.push(() => client.close());
  webhooks = await serveAdmission(cluster.connection);
  undo.push(() => webhooks.stop());
  // The API server learns of the webhooks by a watch of its own.
  await eventually(() => refusal(scaledObject('probe', 'idleReplicaCount: 0')), 30_000);
});
afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

const scaledObject = (name: string, spec = 'minReplicaCount: 1') => `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: ${name} }
spec:
  scaleTargetRef: { name: worker }
  ${spec}
  triggers:
    - type: cron
      metadata: { timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "3" }
`;
const apply = (input: string, ...flags: string[]) => cluster.kubectl(['apply', '-f', '-', ...flags], { input });
/** What kubectl says when it fails; false when it does not. */
const refusal = (input: string, ...flags: string[]): Promise<string | false> =>
  apply(input, ...flags).then(
    () => false,
    (error: Error) => error.message,
  );

test('a real API server takes the configuration as it was applied', async () => {
  const name = 'keda-admission';
  const { url, caBundle } = webhooks;
  const versionNow = async () => (await client.get(VALIDATING_WEBHOOK_CONFIGURATIONS, name)).metadata.resourceVersion;
  const before = await versionNow();
  expect(await ensureWebhookConfiguration(client, { name, at: { url }, caBundle })).toBe(false);
  expect(await versionNow()).toBe(before);
  const service = { namespace: 'keda', name: 'keda-admission-webhooks' };
  const behind = { name: 'behind-a-service', at: { service }, caBundle };
  expect(await ensureWebhookConfiguration(client, behind)).toBe(true);
  expect(await ensureWebhookConfiguration(client, behind)).toBe(false);
  await client.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, behind.name);
});

test('kubectl shows all problems of a refused object, and a dry run is judged too', async () => {
  const broken = scaledObject('broken', 'idleReplicaCount: 0').replace('0 8 * * *', 'early');
  for (const flags of [[], ['--dry-run=server']]) {
    const said = await refusal(broken, ...flags);
    expect(said).toContain('admission webhook "vscaledobject.kb.io" denied the request: 2 problems');
    expect(said).toContain('spec.idleReplicaCount (0)');
    expect(said).toContain('spec.triggers[0].metadata.start');
  }
});

test('of two on one workload the second is refused, and passes when the first is gone', async () => {
  await apply(scaledObject('one'));
  expect(await refusal(scaledObject('two'))).toContain("already managed by the ScaledObject 'one'");
  await cluster.kubectl(['delete', 'scaledobject', 'one']);
  await apply(scaledObject('two'));
});

test.each(['scaled-objects.yaml', 'scaled-jobs.yaml', 'others.yaml'])(
  'the manifests of %s are accepted',
  async (file) => {
    const text = await readFile(path.join(root, 'test/fixtures/keda-manifests', file), 'utf8');
    // No CRD of another project is installed here.
    const served = text.split('\n---\n').filter((document) => !document.includes('argoproj.io'));
    expect(await refusal(served.join('\n---\n'))).toBe(false);
  },
);
