import { describe, expect } from 'vitest';
import { SCALED_OBJECTS, TRIGGER_AUTHENTICATIONS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { type MetricSource, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace, type World } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

const COUNT = 20;

/** Twenty objects with work, twenty without, a failing one and a fallback, all with a credential. */
async function fill(ns: TestNamespace, source: MetricSource) {
  const broken = await startMetricSource({ status: 500 });
  const busy = await startMetricSource(5);
  const access = { metadata: { authMode: 'bearer' }, authenticationRef: { name: 'access' } };
  await ns.apply(
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'access' }, stringData: { token: 'x' } },
    {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'TriggerAuthentication',
      metadata: { name: 'access' },
      spec: { secretTargetRef: [{ parameter: 'token', name: 'access', key: 'token' }] },
    },
  );
  const names: string[] = [];
  for (let i = 0; i < COUNT; i++) {
    for (const [name, trigger] of [
      [`idle-${i}`, source.trigger(access)],
      [`busy-${i}`, busy.trigger(access)],
    ] as const) {
      names.push(name);
      await ns.apply(aDeployment(name, 0), aScaler(name, [trigger]));
    }
  }
  await ns.apply(
    aDeployment('broken', 1),
    aScaler('broken', [broken.trigger()]),
    aDeployment('saved', 1),
    aScaler('saved', [broken.trigger()], { fallback: { failureThreshold: 1, replicas: 2 } }),
  );
  for (const name of names) {
    const active = name.startsWith('busy');
    await ns.becomes(SCALED_OBJECTS, name, 'Active', active ? 'True/ScalerActive' : 'False/ScalerNotActive', 30_000);
    if (active) await ns.becomes(SCALED_OBJECTS, name, 'HPAActive', 'True/HPAActive', 30_000);
  }
  await ns.becomes(SCALED_OBJECTS, 'broken', 'Ready', 'False/TriggerError', 20_000);
  await ns.becomes(SCALED_OBJECTS, 'saved', 'Fallback', 'True/FallbackExists', 20_000);
  await eventually(
    async () =>
      expect((await ns.get(TRIGGER_AUTHENTICATIONS, 'access')).status?.scaledobjects.split(',')).toHaveLength(
        2 * COUNT,
      ),
    20_000,
  );
  return { broken, busy };
}

/** Until `polls` polls of the source have brought no write; what objects still settle is waited out first. */
async function quiet(world: World, source: MetricSource, polls: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const before = world.writes.length;
    await source.asks(polls);
    if (world.writes.length === before) return;
    if (performance.now() > deadline) throw new Error(`writes go on: ${world.writes.slice(before).join('\n')}`);
  }
}

const versionsOf = async (ns: TestNamespace) =>
  Object.fromEntries((await ns.list(SCALED_OBJECTS)).map(({ metadata }) => [metadata.name, metadata.resourceVersion]));

describe('in steady state', () => {
  it('ten polls of forty ScaledObjects write nothing, and a restart writes nothing either', async ({
    world,
    ns,
    source,
  }) => {
    const { broken, busy } = await fill(ns, source);
    await quiet(world, source, 3);
    const before = world.writes.length;
    const asked = { idle: source.asked, busy: busy.asked };
    await source.asks(10);
    expect(world.writes.slice(before)).toEqual([]);
    // Forty objects, two queries.
    expect(source.asked - asked.idle).toBeLessThanOrEqual(12);
    expect(busy.asked - asked.busy).toBeLessThanOrEqual(14);

    const versions = await versionsOf(ns);
    const writes = world.writes.length;
    await world.startOperator();
    await source.asks(5);
    const registration = /\/apiservices\/|\/services\//;
    expect(world.writes.slice(writes).filter((write) => !registration.test(write))).toEqual([]);
    expect(await versionsOf(ns)).toEqual(versions);
    await broken.stop();
    await busy.stop();
  });
});
