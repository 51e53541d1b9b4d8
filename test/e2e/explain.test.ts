import { expect } from 'vitest';
import { DEPLOYMENTS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { runExplain } from '../../src/cli/explain.ts';
import { eventually } from '../support/eventually.ts';
import { aDeployment, aScaler, type World } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const test = worldTest({ more: { explain: { host: '127.0.0.1', port: 0 } } });

async function explain(world: World, kind: string, namespace: string, name: string): Promise<string> {
  const lines: string[] = [];
  await runExplain({
    args: [kind, name],
    namespace,
    address: `http://127.0.0.1:${world.operator.explain?.port}`,
    format: 'text',
    print: (line = '') => lines.push(line),
    signal: new AbortController().signal,
  });
  return lines.join('\n');
}
const rulesIn = (text: string) => [...text.matchAll(/^ {2}Rule ([a-z-]+):/gm)].map(([, rule]) => rule);

test('the decisions about a ScaledObject are told in order, until it is gone', async ({ world, ns, source }) => {
  await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
  const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
  const told = () => explain(world, 'scaledobject', ns.name, 'web');
  await eventually(async () => expect(rulesIn(await told()).at(-1)).toBe('at-rest'));
  source.answer = 5;
  await eventually(() => replicas.at(-1) === 1);
  source.answer = 0;
  await eventually(() => replicas.at(-1) === 0, 20_000);
  const text = await eventually(async () => {
    const now = await told();
    expect(rulesIn(now).at(-1)).toBe('at-rest');
    return now;
  });
  const rules = rulesIn(text);
  const order = ['at-rest', 'activate', 'hpa', 'cooldown', 'deactivate'].map((rule) => rules.indexOf(rule));
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(order).not.toContain(-1);
  expect(text).toContain('value 5 against target 10');
  expect(text).toContain('The target is woken up: from 0 to 1 replica.');

  await ns.annotate(SCALED_OBJECTS, 'web', { paused: 'true' });
  await eventually(async () => expect(rulesIn(await told()).at(-1)).toBe('paused'));
  await ns.delete(SCALED_OBJECTS, 'web');
  await eventually(() => expect(told()).rejects.toThrow('nothing was decided'));
});

test('Jobs that the cluster refuses are told with the reason', async ({ world, ns, source }) => {
  source.answer = 3;
  await ns.apply({
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: { name: 'work' },
    spec: {
      pollingInterval: 1,
      jobTargetRef: {
        template: {
          spec: { restartPolicy: 'Never', containers: [{ name: 'No_Name', image: 'example.com/simulated:1' }] },
        },
      },
      triggers: [source.trigger({ metadata: { targetValue: '1' } })],
    },
  });
  const text = await eventually(async () => {
    const now = await explain(world, 'sj', ns.name, 'work');
    expect(now).toContain('That failed:');
    return now;
  }, 20_000);
  expect(text).toContain('No_Name');
});
