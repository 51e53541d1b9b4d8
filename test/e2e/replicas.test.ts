import { request } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JOBS } from '../../src/api/resources.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { LEASES } from '../../src/kube/lease.ts';
import { eventually } from '../support/eventually.ts';
import { createLoad, FLIP_MS, LOAD_NAMESPACE, type Load } from '../support/replica-load.ts';
import {
  lastWriters,
  OPERATOR_NAMESPACE,
  type Replica,
  type ReplicaWorld,
  startReplicaWorld,
  twoOwners,
} from '../support/replicas.ts';

/**
 * Three operators as processes of their own under load; every test leaves three that share all objects out. The lease is
 * longer than by default, so that a busy machine is not taken for a death; test/bench/handover.ts measures the default.
 */
describe('several replicas', () => {
  const OBJECTS = 60;
  const LEASE_MS = 10_000;
  const SETTLE_MS = LEASE_MS / 2;
  /** Between the time in which an owner writes again and the one that it takes to become owner again. */
  const BACK_MS = SETTLE_MS * 0.6;
  /** For what takes a lease, with room for a slow machine. */
  const PATIENCE_MS = 6 * LEASE_MS;
  let world: ReplicaWorld;
  let load: Load;
  let replicas: Replica[] = [];

  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const replicaOf = (name: string) => {
    const found = replicas.find((replica) => replica.name === name);
    if (!found) throw new Error(`there is no replica ${name}`);
    return found;
  };
  /** The replica whose turn each object is, by object. */
  const turns = async () => {
    const members = await world.members();
    return new Map([...load.uids].map(([name, uid]) => [name, world.owner(uid, members)]));
  };
  /** Until every object that changes is written for by the replica whose turn it is. */
  const settled = (from = performance.now()) =>
    eventually(async () => {
      const latest = lastWriters(world.writes, from);
      const missing = [...(await turns())].filter(([name, by]) => load.flipping.has(name) && latest.get(name) !== by);
      if (missing.length === 0) return;
      throw new Error(`not settled: ${missing.map(([name, by]) => `${name} is ${by}'s, not ${latest.get(name)}'s`)}`);
    }, PATIENCE_MS);
  const jobs = async () => (await world.client.listAll<KubeObject>(JOBS, { namespace: LOAD_NAMESPACE })).length;
  const jobsReach = (count: number) =>
    eventually(async () => {
      const there = await jobs();
      const troubles = replicas.flatMap(({ name, logs }) =>
        logs.filter((line) => /"level":"(warn|error)"/.test(line)).map((line) => `${name} ${line}`),
      );
      if (there < count) throw new Error(`${there} Jobs of ${count}\n${troubles.slice(-10).join('\n')}`);
    }, PATIENCE_MS);
  const join = async (name: string) => {
    replicas = [...replicas.filter(({ hasEnded }) => !hasEnded), await world.start(name)];
    await settled();
  };

  beforeAll(async () => {
    world = await startReplicaWorld({ KEDA_OPERATOR_LEADER_ELECTION_LEASE_DURATION: `${LEASE_MS}ms` });
    load = await createLoad(world, { objects: OBJECTS, pollingInterval: 1, flipping: 5, jobs: true });
    replicas = await Promise.all(['r1', 'r2', 'r3'].map((name) => world.start(name)));
    await settled();
  });
  afterAll(async () => {
    await world?.stop();
    await load?.stop();
  });
  afterEach(() => {
    expect(FLIP_MS).toBeLessThan(BACK_MS);
    expect(twoOwners(world.writes, BACK_MS)).toEqual([]);
  });

  it('share the objects out: each has one that polls it and writes for it', async () => {
    const owners = await turns();
    for (const { name } of replicas)
      expect([...owners.values()].filter((owner) => owner === name).length).toBeGreaterThan(OBJECTS / 10);
    const from = performance.now();
    await eventually(
      () => [...owners.keys()].every((name) => load.polls.some(({ at, about }) => about === name && at > from)),
      PATIENCE_MS,
    );
    await sleep(4_000);
    const seconds = (performance.now() - from) / 1_000;
    for (const name of owners.keys()) {
      const polls = load.polls.filter(({ at, about }) => about === name && at >= from).length;
      // A second poller would make it twice as many.
      expect(polls, name).toBeLessThanOrEqual(seconds * 1.3 + 2);
    }
  });

  it('hand over when one is told to stop', async () => {
    const leaving = replicaOf('r1');
    load.queue = 12;
    leaving.kill('SIGTERM');
    await eventually(async () => !(await world.members()).has('r1'), PATIENCE_MS);
    const gone = performance.now();
    await eventually(() => leaving.hasEnded, PATIENCE_MS);
    // Of its own accord, with the number that says what it was told.
    expect([leaving.process.exitCode, leaving.process.signalCode]).toEqual([143, null]);
    await settled(gone);
    expect(world.writes.filter(({ by, at, about }) => by === 'r1' && at > gone && about !== '')).toEqual([]);
    await jobsReach(12);
    await join('r4');
    expect(await jobs()).toBe(12);
  });

  it('take over from one that is killed, when its lease is over', async () => {
    const owners = await turns();
    const victim = owners.get('so-0') ?? '';
    const orphans = [...load.flipping].filter((name) => owners.get(name) === victim);
    load.queue = 30;
    replicaOf(victim).kill('SIGKILL');
    const from = performance.now();
    await eventually(() => {
      const latest = lastWriters(world.writes, from);
      return orphans.every((name) => latest.has(name) && latest.get(name) !== victim);
    }, PATIENCE_MS);
    await jobsReach(30);
    // Dead members' Leases are cleaned up much later; by then this test is over.
    const lease = (await world.members()).get(victim)?.replace('_', '-');
    await world.client.delete(LEASES, `windlass-member-${lease}`, { namespace: OPERATOR_NAMESPACE });
    await join('r5');
    expect(await jobs()).toBe(30);
  });

  it('write nothing after waking up when others have taken over, until it is their turn again', async () => {
    const owners = await turns();
    const victim = owners.get('so-0') ?? '';
    const orphans = [...load.flipping].filter((name) => owners.get(name) === victim);
    load.queue = 45;
    replicaOf(victim).kill('SIGSTOP');
    const stopped = performance.now();
    await eventually(() => {
      const latest = lastWriters(world.writes, stopped + 500);
      return orphans.every((name) => latest.has(name) && latest.get(name) !== victim);
    }, PATIENCE_MS);
    await jobsReach(45);
    const woken = performance.now();
    replicaOf(victim).kill('SIGCONT');
    await settled(woken);
    const first = world.writes.find(({ at, by, about }) => at > woken && by === victim && about !== '');
    // The others need half a lease to see that it is back.
    expect((first?.at ?? 0) - woken).toBeGreaterThan(SETTLE_MS * 0.8);
    expect(await jobs()).toBe(45);
  });

  it('answer for every object, whichever is asked', async () => {
    const names = [...load.uids.keys()].slice(0, 12);
    for (const replica of replicas)
      for (const name of names)
        await eventually(async () => {
          const { code, body } = await metricAt(replica, name);
          expect([replica.name, name, code, body]).toEqual([
            replica.name,
            name,
            200,
            expect.stringContaining('"value"'),
          ]);
        }, PATIENCE_MS);
  });

  it('let go of everything while the KEDA operator holds its lease', async () => {
    await world.client.create(LEASES, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'operator.keda.sh', namespace: OPERATOR_NAMESPACE },
      spec: {
        holderIdentity: 'keda-operator-x_1',
        leaseDurationSeconds: 300,
        renewTime: new Date().toISOString().replace('Z', '000Z'),
      },
    });
    await eventually(() => {
      const unaware = replicas.filter(
        ({ logs }) => !logs.some((line) => line.includes('the KEDA operator is at work')),
      );
      if (unaware.length > 0) throw new Error(`${unaware.map(({ name }) => name)} did not see the lease`);
    }, PATIENCE_MS);
    const from = performance.now() + 500;
    await sleep(3 * FLIP_MS);
    expect([...lastWriters(world.writes, from)]).toEqual([]);
    await world.client.patch(
      LEASES,
      'operator.keda.sh',
      { spec: { holderIdentity: '' } },
      { type: 'merge', namespace: OPERATOR_NAMESPACE },
    );
    await settled(from);
  });

  function metricAt(replica: Replica, name: string): Promise<{ code: number; body: string }> {
    const selector = `labelSelector=scaledobject.keda.sh%2Fname%3D${name}`;
    const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${LOAD_NAMESPACE}/s0-metric-api-depth?${selector}`;
    const headers = { authorization: `Bearer ${world.token}` };
    const options = { host: '127.0.0.1', port: replica.metricsPort(), path, headers, rejectUnauthorized: false };
    return new Promise((resolve, reject) => {
      request(options, (response) => {
        let body = '';
        response.on('data', (piece) => {
          body += piece;
        });
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body }));
      })
        .on('error', reject)
        .end();
    });
  }
});
