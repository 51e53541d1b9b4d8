import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/log.ts';
import { startLocalCluster } from '../../src/cli/local-cluster.ts';
import { applyManifests } from '../../src/cli/manifests.ts';
import { startOperator } from '../../src/cli/operator/operator.ts';
import { readSettings } from '../../src/cli/operator/settings.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { eventually } from '../support/eventually.ts';
import { startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type Loose } from '../support/operator.ts';

const clock = systemClock;
const NAMES = ['busy', 'idle', 'fixed'];

describe('an API server that goes away and comes back', () => {
  it('finds everything as it was, and is worked with at once', async () => {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'windlass-api-outage-'));
    const logs: string[] = [];
    const log = createLogger({ level: 'warn', write: (line) => logs.push(line) });
    const start = (port: number) => startLocalCluster({ clock, log, port, dataDir, hpaSyncPeriodMs: 1_000 });
    let cluster = await start(0);
    const { port } = cluster.sandbox;
    const { connection } = cluster;
    const writes: string[] = [];
    const client = createKubeClient(connection, {
      clock,
      log,
      observe: ({ method, path: at }) => {
        if (method !== 'GET' && !at.includes('reviews')) writes.push(`${method} ${at}`);
      },
    });
    const env = { POD_NAMESPACE: 'keda' };
    const operator = await startOperator({
      client,
      settings: readSettings(env),
      clock,
      log,
      env,
      metricsApi: { host: '127.0.0.1', port: 0, service: 'keda-metrics-apiserver', reachableAt: 'localhost' },
    });
    const busy = await startMetricSource(5);
    const idle = await startMetricSource(0);
    try {
      await operator.ready;
      const get = (type: typeof DEPLOYMENTS, name: string) =>
        cluster.client.get<Loose>(type, name, { namespace: 'default' });
      const replicas = async (name: string) => (await get(DEPLOYMENTS, name)).spec.replicas;
      for (const object of [
        aDeployment('busy', 0),
        aDeployment('idle', 0),
        aDeployment('fixed', 0),
        aScaler('busy', [busy.trigger()]),
        aScaler('idle', [idle.trigger()]),
        aScaler('fixed', [idle.trigger()], { minReplicaCount: 2 }),
      ]) {
        await applyManifests(cluster.client, JSON.stringify(object), 'default');
      }
      await eventually(async () => expect(await Promise.all(NAMES.map(replicas))).toEqual([1, 0, 2]), 15_000);
      await busy.asks(3);
      const versions = async () =>
        Promise.all(NAMES.map(async (name) => (await get(SCALED_OBJECTS, name)).metadata.resourceVersion));
      const hpas = async () =>
        Promise.all(NAMES.map(async (n) => (await get(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${n}`)).metadata.uid));
      const before = { versions: await versions(), hpas: await hpas() };

      await cluster.stop();
      // Sources are asked whether or not there is an API server.
      await busy.asks(3);
      const written = writes.length;
      cluster = await start(port);
      await busy.asks(4);
      expect(await Promise.all(NAMES.map(replicas))).toEqual([1, 0, 2]);
      expect(await hpas()).toEqual(before.hpas);
      expect(await versions()).toEqual(before.versions);
      expect(writes.slice(written).filter((write) => !/leases/.test(write))).toEqual([]);

      idle.answer = 5;
      await eventually(async () => expect(await replicas('idle')).toBe(1), 15_000);
      busy.answer = 0;
      await eventually(async () => expect(await replicas('busy')).toBe(0), 15_000);
    } finally {
      await operator.stop();
      await client.close();
      await cluster.stop();
      await busy.stop();
      await idle.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
