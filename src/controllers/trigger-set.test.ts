import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { createScriptedSource } from '../../test/support/scripted-source.ts';
import { WindlassError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import { createSampling } from '../sampling/index.ts';
import type { MetricSpec, Reading } from '../scalers/definition.ts';
import { triggerStates } from './trigger-states.ts';
import { createTriggerSet, type PlannedTrigger } from './triggers.ts';

const SECOND = 1_000;
const POLL = 30 * SECOND;
const spec = (name: string, target = 5): MetricSpec => ({ kind: 'external', name, target, precision: 'int' });

function setup(options: { metricSpecs?: () => Promise<MetricSpec[]>; read?: () => Reading | Promise<Reading> } = {}) {
  const clock = createFakeClock();
  const source = createScriptedSource({
    clock,
    metricSpecs: options.metricSpecs ?? (async () => [spec('a'), spec('b')]),
    read: options.read ?? (() => ({ value: 1, active: true, values: { a: 1, b: 2 } })),
  });
  const sampling = createSampling({ clock, log: silentLogger, random: () => 1 });
  const heard = { samples: 0, specs: 0 };
  const set = createTriggerSet(
    sampling,
    () => heard.samples++,
    () => heard.specs++,
  );
  const planned = (key: string, index = 0): PlannedTrigger => {
    const query = source.query(key);
    return {
      index,
      type: 'scripted',
      name: undefined,
      definition: { ...query.definition, metricsFromSource: true },
      metricType: undefined,
      useCachedMetrics: false,
      onError: undefined,
      metrics: [],
      query,
    };
  };
  const complete = async (...plan: PlannedTrigger[]) => {
    const result = set.complete(plan, POLL).catch((error: unknown) => error);
    await clock.advance(2 * SECOND);
    const completed = await result;
    if (completed instanceof Error) throw completed;
    return completed as PlannedTrigger[];
  };
  return { clock, source, sampling, set, heard, planned, complete };
}

describe('triggers whose source names their metrics', () => {
  it('get the metrics under the names that the HPA asks for, and a state for each', async () => {
    const { clock, set, heard, planned, complete } = setup();
    const plan = await complete(planned('q', 3));
    expect(plan[0]?.metrics.map(({ name }) => name)).toEqual(['s3-a', 's3-b']);
    set.replace(plan, POLL);
    expect(triggerStates(set.triggers, () => undefined, clock)).toMatchObject([
      { metricName: 's3-a', target: 5, reading: { kind: 'value', value: 1, active: true }, lastGood: { value: 1 } },
      { metricName: 's3-b', reading: { kind: 'value', value: 2, active: true }, lastGood: { value: 2 } },
    ]);
    expect(heard.specs).toBe(0);
  });

  it('keep the query that was asked for the metrics', async () => {
    const { source, sampling, set, planned, complete } = setup();
    set.replace(await complete(planned('q')), POLL);
    set.replace(await complete(planned('q')), POLL);
    expect([source.built, source.closed, sampling.size()]).toEqual([1, 0, 1]);
  });

  it('may ask the same twice', async () => {
    const { planned, complete } = setup();
    const plan = await complete(planned('q', 0), planned('q', 1));
    expect(plan.flatMap(({ metrics }) => metrics.map(({ name }) => name))).toEqual(['s0-a', 's0-b', 's1-a', 's1-b']);
  });

  it('fail while the source does, without waiting again, and are called back when it answers', async () => {
    let fails = true;
    const { clock, set, heard, planned, complete } = setup({
      metricSpecs: async () => {
        if (fails) throw new WindlassError('SourceUnavailable', 'no route');
        return [spec('a')];
      },
    });
    const failure = { code: 'SourceUnavailable', message: 'trigger 0 (scripted) has not named its metrics: no route' };
    await expect(complete(planned('q'))).rejects.toMatchObject(failure);
    await expect(set.complete([planned('q')], POLL)).rejects.toMatchObject(failure);
    expect(heard.specs).toBe(0);
    fails = false;
    await clock.advance(60 * SECOND);
    expect(heard.specs).toBe(1);
    expect((await complete(planned('q')))[0]?.metrics).toHaveLength(1);
  });

  it('take what is known of before where the source does not answer', async () => {
    const { set, planned } = setup({ metricSpecs: () => Promise.reject(new WindlassError('SourceUnavailable', 'no')) });
    const plan = await set.complete([planned('q', 2)], POLL, (index) => [spec(`was-${index}`)]);
    expect(plan[0]?.metrics.map(({ name }) => name)).toEqual(['s2-was-2']);
  });

  it('wait two seconds for a source that hangs, and no longer', async () => {
    const { planned, complete } = setup({ metricSpecs: () => new Promise(() => {}) });
    await expect(complete(planned('q'))).rejects.toMatchObject({ code: 'SourceTimeout' });
  });

  it('are made anew when the source names other metrics', async () => {
    let specs = [spec('a')];
    const { clock, set, heard, planned, complete } = setup({ metricSpecs: async () => specs });
    set.replace(await complete(planned('q')), POLL);
    await clock.advance(POLL);
    expect(heard.specs).toBe(0);
    specs = [spec('a', 50)];
    await clock.advance(POLL + SECOND);
    expect(heard.specs).toBe(1);
    expect((await complete(planned('q')))[0]?.metrics).toEqual([{ name: 's0-a', spec: spec('a', 50) }]);
  });

  it('leave nothing behind when the plan changes or ends before they were in force', async () => {
    const { clock, source, sampling, set, planned, complete } = setup();
    await complete(planned('one'));
    await complete(planned('two'));
    await clock.advance(0);
    expect([source.built, source.closed, sampling.size()]).toEqual([2, 1, 1]);
    set.close();
    await clock.advance(0);
    expect([source.closed, sampling.size()]).toEqual([2, 0]);
  });
});

describe('the state of a metric', () => {
  it('is no data when the source has no value for it, with the activity that the source tells', async () => {
    const { clock, set, planned, complete } = setup({ read: () => ({ value: 1, active: false, values: { a: 1 } }) });
    set.replace(await complete(planned('q')), POLL);
    expect(triggerStates(set.triggers, () => undefined, clock)[1]).toMatchObject({
      metricName: 's0-b',
      reading: { kind: 'no-data', active: false },
      lastGood: undefined,
    });
  });
});
