import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { API_SERVICES, DEPLOYMENTS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger, silentLogger } from '../../src/base/log.ts';
import { type Operator, startOperator } from '../../src/cli/operator/operator.ts';
import { readSettings } from '../../src/cli/operator/settings.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { type Moto, REGION, startMoto } from '../servers/moto/index.ts';
import { type ControlPlane, startControlPlane } from '../support/cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import { CHART, fixture } from '../support/helm.ts';
import { inventory } from '../support/inventory.ts';
import { aDeployment, aScaler, type Loose } from '../support/operator.ts';

const clock = systemClock;
const namespace = 'shop';
const logs: string[] = [];

let cluster: ControlPlane;
let client: KubeClient;
let moto: Moto;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-aws-'));
  await writeFile(path.join(folder, 'token'), 'token-of-the-service-account');
  moto = await startMoto();
  cluster = await startControlPlane({ services: true });
  client = createKubeClient(cluster.connection, { clock, log: silentLogger });
  for (const name of [namespace, 'keda']) await cluster.kubectl(['create', 'namespace', name]);
});
afterAll(async () => {
  await client?.close();
  await cluster?.stop();
  await moto?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The operator, with the service account that the chart made; the chart's own pods only seem to run here. */
async function runOperator(): Promise<() => Promise<void>> {
  const account = await client.requestJson<Loose>({
    method: 'GET',
    path: '/api/v1/namespaces/keda/serviceaccounts/keda-operator',
  });
  const operatorClient = createKubeClient(
    cluster.connectionFor({
      name: 'system:serviceaccount:keda:keda-operator',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:keda'],
    }),
    { clock, log: silentLogger },
  );
  const env = {
    POD_NAMESPACE: 'keda',
    POD_NAME: 'keda-operator-0',
    // What EKS adds to pods of a service account with this annotation.
    AWS_ROLE_ARN: account.metadata.annotations?.['eks.amazonaws.com/role-arn'],
    AWS_WEB_IDENTITY_TOKEN_FILE: path.join(folder, 'token'),
    AWS_ENDPOINT_URL_STS: moto.url,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const operator: Operator = await startOperator({
    client: operatorClient,
    settings: readSettings(env),
    clock,
    log: createLogger({ level: 'info', write: (line) => logs.push(line) }),
    env,
    metricsApi: { host: '127.0.0.1', port: 0, service: 'keda-operator-metrics-apiserver' },
    webhooks: { host: '127.0.0.1', port: 0, service: 'keda-admission-webhooks', configuration: 'keda-admission' },
    replicas: { identity: 'keda-operator-0' },
  });
  const { metricsApi, webhooks } = operator;
  await cluster.routeService({ namespace: 'keda', name: 'keda-operator-metrics-apiserver' }, metricsApi.port);
  await cluster.routeService({ namespace: 'keda', name: 'keda-admission-webhooks' }, webhooks?.port ?? 0);
  await operator.ready;
  await webhooks?.registered;
  return async () => {
    await operator.stop();
    await operatorClient.close();
  };
}

describe('a values file for an IAM role', () => {
  it('installs an operator that scales on a queue, 0 to 2 to 0, and nothing is left of it', async () => {
    onTestFailed(() => {
      process.stderr.write(`${logs.slice(-30).join('\n')}\n`);
    });
    const before = await inventory(client);
    const flags = ['-n', 'keda', '--wait', '--timeout=90s'];
    await cluster.helm(['install', 'keda', CHART, ...flags, '-f', fixture('sqs-post'), '--set', 'crds.keep=false']);
    expect(await cluster.kubectl(['get', 'pods', '-n', 'keda'])).toMatch(/keda-operator-\S+ +1\/1 +Running/);

    const stopOperator = await runOperator();
    try {
      const queueURL = await moto.createQueue('story');
      await cluster.apply(
        [
          {
            apiVersion: 'keda.sh/v1alpha1',
            kind: 'TriggerAuthentication',
            metadata: { name: 'aws' },
            spec: { podIdentity: { provider: 'aws' } },
          },
          aDeployment('consumer', 0),
          aScaler(
            'consumer',
            [
              {
                type: 'aws-sqs-queue',
                metadata: { queueURL, queueLength: '5', awsRegion: REGION, awsEndpoint: moto.url },
                authenticationRef: { name: 'aws' },
              },
            ],
            { pollingInterval: 1, cooldownPeriod: 1, maxReplicaCount: 2 },
          ),
        ],
        ['-n', namespace],
      );
      const becomes = (replicas: number) =>
        eventually(async () => {
          const consumer = await client.get<Loose>(DEPLOYMENTS, 'consumer', { namespace });
          expect([consumer.spec.replicas, consumer.status?.readyReplicas ?? 0]).toEqual([replicas, replicas]);
        }, 60_000);
      await eventually(async () => {
        const { status } = await client.get<Loose>(SCALED_OBJECTS, 'consumer', { namespace });
        const ready = status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
        expect(ready).toMatchObject({ status: 'True', reason: 'ScaledObjectReady' });
      }, 30_000);
      await becomes(0);
      await moto.send(queueURL, 10);
      await becomes(2);
      const raw = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/s0-aws-sqs-story`;
      const query = '?labelSelector=scaledobject.keda.sh%2Fname%3Dconsumer';
      expect(JSON.parse(await cluster.kubectl(['get', '--raw', `${raw}${query}`])).items).toMatchObject([
        { metricName: 's0-aws-sqs-story', value: '10' },
      ]);
      await moto.purge(queueURL);
      await becomes(0);
      await cluster.kubectl(['delete', 'so,ta,deployment', '--all', '-n', namespace, '--timeout=60s']);
    } finally {
      await stopOperator();
    }
    await cluster.helm(['uninstall', 'keda', ...flags]);
    await eventually(async () => expect(await inventory(client)).toEqual(before), 60_000);
    expect(await client.find(API_SERVICES, 'v1beta1.external.metrics.k8s.io')).toBeUndefined();
  });
});
