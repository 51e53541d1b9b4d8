import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEPLOYMENTS, JOBS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { type Moto, REGION, startMoto } from '../servers/moto/index.ts';
import { eventually } from '../support/eventually.ts';
import { aDeployment, aScaler, startWorld, type TestNamespace, type World } from '../support/operator.ts';

let moto: Moto;
let world: World;
let folder: string;

beforeAll(async () => {
  moto = await startMoto();
  folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-aws-'));
  await writeFile(path.join(folder, 'token'), 'token-of-the-service-account');
  world = await startWorld({
    // As EKS sets them for a pod whose service account is annotated with a role.
    env: {
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/keda-operator',
      AWS_WEB_IDENTITY_TOKEN_FILE: path.join(folder, 'token'),
      AWS_ENDPOINT_URL_STS: moto.url,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });
});
afterAll(async () => {
  await world?.stop();
  await moto?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function inNamespace(test: (ns: TestNamespace) => Promise<void>): Promise<void> {
  const ns = await world.namespace();
  try {
    await test(ns);
  } finally {
    await ns.end();
  }
}

const identity = (name: string, podIdentity: object) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'TriggerAuthentication',
  metadata: { name },
  spec: { podIdentity },
});
const trigger = (queueURL: string, authentication: string) => ({
  type: 'aws-sqs-queue',
  metadata: { queueURL, queueLength: '5', awsRegion: REGION, awsEndpoint: moto.url },
  authenticationRef: { name: authentication },
});
const QUICK = { pollingInterval: 1, cooldownPeriod: 1 };

describe.concurrent('an SQS queue', () => {
  it('takes a workload from nothing to two replicas and back, with the identity of the operator', () =>
    inNamespace(async (ns) => {
      const queue = await moto.createQueue('story');
      await ns.apply(
        identity('operator', { provider: 'aws' }),
        aDeployment('consumer', 0),
        aScaler('consumer', [trigger(queue, 'operator')], { ...QUICK, maxReplicaCount: 2 }),
      );
      const replicas = ns.replicasOf(DEPLOYMENTS, 'consumer');
      await ns.becomes(SCALED_OBJECTS, 'consumer', 'Ready', 'True/ScaledObjectReady');
      expect(replicas).toEqual([0]);
      await moto.send(queue, 10);
      await eventually(() => replicas.at(-1) === 2, 30_000);
      expect(await ns.externalMetric('consumer', 's0-aws-sqs-story')).toBe('s0-aws-sqs-story=10');
      // A worker that has taken messages still has work, though none waits any more.
      const taken = await moto.receive(queue, 10);
      expect(taken).toHaveLength(10);
      expect(await ns.externalMetric('consumer', 's0-aws-sqs-story')).toBe('s0-aws-sqs-story=10');
      for (const done of taken) await done();
      await eventually(() => replicas.at(-1) === 0, 30_000);
      expect(replicas.slice(0, 3)).toEqual([0, 1, 2]);
    }));

  it('makes Jobs with the role of the service account that they run with', () =>
    inNamespace(async (ns) => {
      const queue = await moto.createQueue('batch');
      const role = 'arn:aws:iam::123456789012:role/batch';
      await ns.apply(
        {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: 'batch', annotations: { 'eks.amazonaws.com/role-arn': role } },
        },
        identity('workload', { provider: 'aws', identityOwner: 'workload' }),
        {
          apiVersion: 'keda.sh/v1alpha1',
          kind: 'ScaledJob',
          metadata: { name: 'batch' },
          spec: {
            pollingInterval: 1,
            maxReplicaCount: 3,
            triggers: [{ ...trigger(queue, 'workload') }],
            jobTargetRef: {
              template: {
                spec: {
                  serviceAccountName: 'batch',
                  restartPolicy: 'Never',
                  containers: [{ name: 'main', image: 'example.com/simulated:1' }],
                },
              },
            },
          },
        },
      );
      await moto.send(queue, 15);
      await eventually(async () => expect(await ns.list(JOBS)).toHaveLength(3), 30_000);
      await moto.purge(queue);
    }));

  it('that is not there makes its object say so, and scales nothing', () =>
    inNamespace(async (ns) => {
      await ns.apply(
        identity('operator', { provider: 'aws' }),
        aDeployment('consumer', 1),
        aScaler('consumer', [trigger(`${moto.url}/123456789012/nowhere`, 'operator')], QUICK),
      );
      const replicas = ns.replicasOf(DEPLOYMENTS, 'consumer');
      await ns.becomes(SCALED_OBJECTS, 'consumer', 'Ready', 'False/TriggerError', 30_000);
      const events = await ns.events('consumer');
      expect(events.find(({ reason }) => reason === 'KEDAScalerFailed')?.note).toMatch(
        /NonExistentQueue|QueueDoesNotExist/,
      );
      expect(replicas).toEqual([1]);
    }));
});
