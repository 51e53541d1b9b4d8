import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, JOBS, SCALED_JOBS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

/** What KEDA's documentation of ScaledObjects says its examples do; shapes are in test/fixtures/keda-manifests. */

const HPA = 'keda-hpa-web';
const COMPOSITE = 'composite-metric';
const ready = (ns: TestNamespace) => ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady', 20_000);
const behaviorOf = async (ns: TestNamespace) => (await ns.get(HORIZONTAL_POD_AUTOSCALERS, HPA)).spec.behavior;

/** Where a formula stands, and the triggers that it is made of: a source each, under the given names. */
async function aFormula(ns: TestNamespace, names: readonly string[], modifiers: object, spec: object = {}) {
  const sources = await Promise.all(names.map(() => startMetricSource()));
  const triggers = sources.map((source, index) => source.trigger({ name: names[index] }));
  await ns.apply(
    aDeployment('web', 1),
    aScaler('web', triggers, { minReplicaCount: 1, ...spec, advanced: { scalingModifiers: modifiers } }),
  );
  await ready(ns);
  return {
    /** Sets what the sources answer and gives what the HPA then reads. */
    async gives(answers: readonly (number | 'fails')[], wanted: string) {
      answers.forEach((answer, index) => {
        const source = sources[index];
        if (source) source.answer = answer === 'fails' ? { status: 500 } : answer;
      });
      await eventually(async () => {
        const value = await ns.externalMetric('web', COMPOSITE);
        if (value !== `${COMPOSITE}=${wanted}`) throw new Error(`${answers} give ${value}, not ${wanted}`);
      }, 30_000);
    },
    async stop() {
      for (const source of sources) await source.stop();
    },
  };
}

describe.concurrent('as KEDA’s documentation has it, annotations', () => {
  it('force-activation wakes a target without work, and its end lets it rest', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'force-activation': 'true' });
    await eventually(() => replicas.at(-1) === 1);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'force-activation': null });
    await eventually(() => replicas.at(-1) === 0, 20_000);
  });

  it('paused-scale-in blocks scaling in, to zero as well, until it is gone', async ({ ns, source }) => {
    source.answer = 5;
    const scaleDown = { selectPolicy: 'Min', policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] };
    const advanced = { horizontalPodAutoscalerConfig: { behavior: { scaleDown } } };
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], { advanced }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-scale-in': 'true' });
    await eventually(async () => (await behaviorOf(ns)).scaleDown.selectPolicy === 'Disabled');
    source.answer = 0;
    // Far beyond the cooldown of a second.
    await source.asks(4);
    expect(replicas).toEqual([0, 1]);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-scale-in': null });
    await eventually(async () => (await behaviorOf(ns)).scaleDown.selectPolicy === 'Min');
    await eventually(() => replicas.at(-1) === 0, 20_000);
  });

  it('paused-scale-out blocks scaling out, from zero as well, until it is gone', async ({ ns, source }) => {
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger()], {}, { annotations: { 'autoscaling.keda.sh/paused-scale-out': 'true' } }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(async () => (await behaviorOf(ns))?.scaleUp.selectPolicy === 'Disabled', 20_000);
    source.answer = 5;
    await source.asks(3);
    expect(replicas).toEqual([0]);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-scale-out': null });
    await eventually(() => replicas.at(-1) === 1, 20_000);
    expect((await behaviorOf(ns))?.scaleUp?.selectPolicy).not.toBe('Disabled');
  });

  it('hpa-excluded-labels keeps labels off the HPA, and only those', async ({ ns, source }) => {
    const labels = { team: 'backend', 'foo.bar/environment': 'bf50', 'foo.bar/version': '1' };
    const annotations = { 'scaledobject.keda.sh/hpa-excluded-labels': 'foo.bar/environment,foo.bar/version' };
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], {}, { labels, annotations }));
    await ready(ns);
    const there = (await ns.get(HORIZONTAL_POD_AUTOSCALERS, HPA)).metadata.labels;
    expect(there).toMatchObject({ team: 'backend', 'app.kubernetes.io/managed-by': 'keda-operator' });
    expect(Object.keys(there ?? {}).filter((key) => key.startsWith('foo.bar/'))).toEqual([]);
  });
});

describe.concurrent('as KEDA’s documentation has it, bounds', () => {
  it('idleReplicaCount: work lifts the target to its minimum at once, and without work it goes to idle', async ({
    ns,
    source,
  }) => {
    const bounds = { idleReplicaCount: 0, minReplicaCount: 3, maxReplicaCount: 5 };
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], bounds));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns);
    expect(replicas).toEqual([0]);
    source.answer = 5;
    await eventually(() => replicas.at(-1) === 3);
    expect(replicas).toEqual([0, 3]);
    source.answer = 0;
    await eventually(() => replicas.at(-1) === 0, 20_000);
    expect(replicas).toEqual([0, 3, 0]);
  });

  it('activation goes before scaling: 40 of a target of 10 rest below an activation of 50', async ({ ns, source }) => {
    source.answer = 40;
    await ns.apply(
      aDeployment('web', 1),
      aScaler('web', [source.trigger({ metadata: { activationTargetValue: '50' } })]),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 0, 20_000);
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=40`);
    source.answer = 50;
    await source.asks(2);
    expect(replicas.at(-1)).toBe(0);
    source.answer = 51;
    await eventually(() => replicas.at(-1) === 1);
  });
});

describe.concurrent('as KEDA’s documentation has it, a formula', () => {
  it.for<[string, string[], string, [number[], string][]]>([
    [
      'is the mean of two triggers',
      ['trig_one', 'trig_two'],
      '(trig_one + trig_two)/2',
      [
        [[2, 6], '4'],
        [[1, 2], '1.500'],
      ],
    ],
    [
      'chooses with ? and :',
      ['trig_one', 'trig_two'],
      'trig_one > 2 ? trig_one + trig_two : 1',
      [
        [[3, 4], '7'],
        [[2, 9], '1'],
      ],
    ],
    [
      'counts',
      ['trig_one', 'trig_two', 'trig_three'],
      'count([trig_one,trig_two,trig_three],{#>1}) > 1 ? 5 : 0',
      [
        [[2, 0, 2], '5'],
        [[2, 1, 1], '0'],
      ],
    ],
    [
      'nests choices',
      ['trig_one', 'trig_two'],
      'trig_one < 2 ? trig_one+trig_two >= 2 ? 5 : 10 : 0',
      [
        [[1, 1], '5'],
        [[1, 0], '10'],
        [[2, 0], '0'],
      ],
    ],
  ])('%s', async ([, names, formula, cases], { ns }) => {
    const stage = await aFormula(ns, names, { formula, target: '2', metricType: 'AverageValue' });
    for (const [answers, wanted] of cases) await stage.gives(answers, wanted);
    await stage.stop();
  });

  it('goes over to the next trigger with ?? when one has failed, and to the number at its end', async ({ ns }) => {
    const stage = await aFormula(
      ns,
      ['best_metric', 'slower_metric', 'metric_backup'],
      { formula: 'best_metric ?? slower_metric ?? metric_backup ?? 8', target: '2' },
      { fallback: { failureThreshold: 1, replicas: 10, behavior: 'scalingModifiers' } },
    );
    await stage.gives([3, 4, 5], '3');
    await stage.gives(['fails', 4, 5], '4');
    await stage.gives(['fails', 'fails', 5], '5');
    await stage.gives(['fails', 'fails', 'fails'], '8');
    await stage.gives([3, 'fails', 'fails'], '3');
    await stage.stop();
  });

  it('is the fallback’s replicas when all have failed and there is no number at its end', async ({ ns }) => {
    const stage = await aFormula(
      ns,
      ['best_metric', 'slower_metric'],
      { formula: 'best_metric ?? slower_metric', target: '2' },
      { fallback: { failureThreshold: 1, replicas: 10, behavior: 'scalingModifiers' } },
    );
    await stage.gives([3, 4], '3');
    // Ten replicas of a target of 2.
    await stage.gives(['fails', 'fails'], '20');
    await stage.stop();
  });

  it('rests at its activationTarget, and works above it', async ({ ns, source }) => {
    source.answer = 2;
    const scalingModifiers = { formula: 'trig_one', target: '2', activationTarget: '2' };
    await ns.apply(
      aDeployment('web', 1),
      aScaler('web', [source.trigger({ name: 'trig_one' })], { advanced: { scalingModifiers } }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 0, 20_000);
    source.answer = 3;
    await eventually(() => (replicas.at(-1) ?? 0) > 0);
  });
});

describe.concurrent('as KEDA’s documentation has it, a fallback', () => {
  it.for([
    ['static', 2, 6, 6],
    ['currentReplicas', 6, 2, 6],
    ['currentReplicasIfHigher', 6, 3, 6],
    ['currentReplicasIfHigher', 2, 3, 3],
    ['currentReplicasIfLower', 3, 6, 3],
    ['currentReplicasIfLower', 5, 2, 2],
  ] as const)('with behavior %s, %d replicas running and %d given, asks for %d', async (row, { ns, source }) => {
    const [behavior, running, given, wanted] = row;
    source.answer = running * 10;
    await ns.apply(
      aDeployment('web', running),
      // A minimum and a maximum around the number keep the HPA from moving it meanwhile.
      aScaler('web', [source.trigger()], {
        minReplicaCount: running,
        maxReplicaCount: running,
        fallback: { failureThreshold: 1, replicas: given, behavior },
      }),
    );
    await ready(ns);
    await eventually(async () => (await ns.externalMetric('web', METRIC)) === `${METRIC}=${running * 10}`);
    source.answer = { status: 500 };
    await ns.becomes(SCALED_OBJECTS, 'web', 'Fallback', 'True/FallbackExists', 20_000);
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=${wanted * 10}`);
  });
});

describe.concurrent('as KEDA’s documentation has it, events', () => {
  it.for([
    ['ScaledObject', SCALED_OBJECTS],
    ['ScaledJob', SCALED_JOBS],
  ] as const)('tell when the triggers of a %s are watched and no longer', async ([kind, type], { ns, source }) => {
    const object = kind === 'ScaledObject' ? aScaler('web', [source.trigger()]) : aScaledJob(aJob([source.trigger()]));
    await ns.apply(aDeployment('web', 0), object);
    const told = async (...wanted: string[]) =>
      eventually(async () => {
        const events = (await ns.events('web')).map(({ reason, count }) => `${reason} ${count}`);
        const seen = events.filter((event) => /^KEDAScalersSt|Deleted|aused/.test(event)).sort();
        if (seen.join() !== [...wanted].sort().join()) throw new Error(`told ${seen}, not ${wanted}`);
      }, 60_000);
    await told('KEDAScalersStarted 1');
    await ns.annotate(type, 'web', { paused: 'true' });
    await told('KEDAScalersStarted 1', 'KEDAScalersStopped 1', `${kind}Paused 1`);
    const frozen = source.asked;
    await ns.annotate(type, 'web', { paused: 'false' });
    await source.asks(1);
    expect(source.asked).toBeGreaterThan(frozen);
    const resumed = [`${kind}Paused 1`, `${kind}Unpaused 1`];
    await told('KEDAScalersStarted 2', 'KEDAScalersStopped 1', ...resumed);
    await ns.delete(type, 'web');
    await told('KEDAScalersStarted 2', 'KEDAScalersStopped 2', `${kind}Deleted 1`, ...resumed);
  });
});

describe.concurrent('as KEDA’s documentation has it, a ScaledJob', () => {
  it.for([
    // The documentation's table: length of the queue, maximum, messages a Job, Jobs that run, Jobs that are there then.
    [10, 3, 1, 0, 3],
    [10, 3, 2, 0, 3],
    [10, 3, 1, 1, 3],
    [10, 100, 1, 0, 10],
    [4, 3, 5, 0, 1],
  ] as const)(
    'with a queue of %d, a maximum of %d, %d messages a Job and %d running has %d then',
    async (row, { ns, source }) => {
      const [queue, maxReplicaCount, each, running, wanted] = row;
      const trigger = source.trigger({ metadata: { targetValue: String(each) } });
      source.answer = running * each;
      await ns.apply(aScaledJob({ ...aJob([trigger]), maxReplicaCount }));
      await jobsBecome(ns, running);
      source.answer = queue;
      await jobsBecome(ns, wanted);
      await source.asks(3);
      await jobsBecome(ns, wanted);
    },
  );

  it('with a minimum of 2 runs two Jobs always, and three more for three messages', async ({ ns, source }) => {
    const trigger = source.trigger({ metadata: { targetValue: '1' } });
    await ns.apply(aScaledJob({ ...aJob([trigger]), minReplicaCount: 2 }));
    await jobsBecome(ns, 2);
    source.answer = 3;
    await jobsBecome(ns, 5);
    await source.asks(3);
    await jobsBecome(ns, 5);
  });

  it('leaves excluded labels off its Jobs, and gives them all others', async ({ ns, source }) => {
    source.answer = 1;
    const object = aScaledJob(aJob([source.trigger({ metadata: { targetValue: '1' } })]), {
      labels: { team: 'backend', 'foo.bar/version': '1' },
      annotations: { 'scaledjob.keda.sh/job-excluded-labels': 'foo.bar/environment,foo.bar/version' },
    });
    await ns.apply(object);
    await jobsBecome(ns, 1);
    const [job] = await jobsOf(ns);
    expect(job?.metadata.labels).toMatchObject({ team: 'backend', 'scaledjob.keda.sh/name': 'web' });
    expect(job?.metadata.labels).not.toHaveProperty(['foo.bar/version']);
  });
});

const aScaledJob = (spec: object, metadata: object = {}) => ({
  ...aScaler('web', [], {}, metadata),
  kind: 'ScaledJob',
  spec,
});

const jobsOf = (ns: TestNamespace) => ns.list(JOBS);

async function jobsBecome(ns: TestNamespace, wanted: number): Promise<void> {
  await eventually(async () => {
    const there = (await jobsOf(ns)).length;
    if (there !== wanted) throw new Error(`there are ${there} Jobs, not ${wanted}`);
  }, 30_000);
}

/** A ScaledJob's spec that polls every second. */
const aJob = (triggers: object[]) => ({
  pollingInterval: 1,
  jobTargetRef: {
    template: { spec: { containers: [{ name: 'main', image: 'example.com/simulated:1' }], restartPolicy: 'Never' } },
  },
  triggers,
});
