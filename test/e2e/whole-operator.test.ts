import { describe, expect, it } from 'vitest';
import { createRandom } from '../support/decision-objects.ts';
import { unsettled, watchInvariants } from '../support/simulation/invariants.ts';
import { drawStep, selectorOf, setScene } from '../support/simulation/steps.ts';
import { startSimulation } from '../support/simulation/world.ts';

/** A story can be told again, or many new ones: WINDLASS_SEED=123 or 1-500, WINDLASS_STEPS=40. */
const given = process.env.WINDLASS_SEED;
const STEPS = Number(process.env.WINDLASS_STEPS ?? 60);
const fresh = Date.now() % 1_000_000;
const [first = Number.NaN, last = first] = (given ?? '').split('-').map(Number);
const SEEDS =
  given === undefined
    ? [1, 2, 3, 4, fresh, fresh + 1]
    : Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('whatever happens to objects, sources, operators and the cluster', () => {
  it.each(SEEDS)('the operators do what they may, and end up where they should (seed %i)', async (seed) => {
    const random = createRandom(seed);
    const world = await startSimulation(createRandom(seed + 1).next);
    const story: string[] = [];
    const invariants = watchInvariants(world);
    const fail = (problems: string[]) =>
      problems.length === 0
        ? undefined
        : `${problems.slice(0, 3).join('\n')}\nafter (WINDLASS_SEED=${seed} WINDLASS_STEPS=${STEPS}):\n${story.join('\n')}`;
    try {
      await setScene(world, random);
      await world.clock.advance(3_000);
      for (let index = 0; index < STEPS && invariants.problems.length === 0; index++) {
        const step = drawStep(world, random);
        story.push(`${new Date(world.clock.now()).toISOString().slice(11, 23)} ${step.text}`);
        await step.run();
        await world.clock.advance(random.pick([0, 50, 400]));
        invariants.check();
      }
      expect(fail(invariants.problems)).toBeUndefined();

      story.push('everything becomes quiet');
      const values = new Map<string, number>();
      const answerOf = (name: string, index: number) => values.get(selectorOf(name, index)) ?? 0;
      for (const name of ['web-0', 'web-1', 'web-2', 'job-0', 'job-1'])
        for (const index of [0, 1]) {
          const value = random.pick([0, 0, 15, 35]);
          values.set(selectorOf(name, index), value);
          world.sources.set(selectorOf(name, index), value);
        }
      for (const { process } of world.members.values()) {
        process.cut(false);
        process.thaw();
      }
      if (world.members.size === 0) world.start();
      await world.clock.advance(240_000);
      invariants.check();
      expect(fail([...invariants.problems, ...unsettled(world, answerOf)])).toBeUndefined();

      const before = world.network.writes.length;
      await world.clock.advance(60_000);
      const later = world.network.writes.slice(before).filter(({ type }) => type.kind !== 'Lease');
      expect(
        fail(later.map(({ by, verb, type, name }) => `at rest ${by} wrote: ${verb} ${type.kind} ${name}`)),
      ).toBeUndefined();
    } finally {
      await world.end();
    }
  });
});
