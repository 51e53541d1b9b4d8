import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkTrigger } from './check-trigger.ts';
import { definitions } from './registry.ts';

const CASES = new URL('../../test/fixtures/parse-cases/', import.meta.url);
const files = readdirSync(CASES).filter((file) => file.endsWith('.jsonl'));

describe.each(files)("KEDA's own verdicts: %s", (file) => {
  const cases = readFileSync(new URL(file, CASES), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

  it('belongs to a trigger type that exists', () => {
    expect(definitions.has(file.replace('.jsonl', ''))).toBe(true);
    expect(cases.length).toBeGreaterThan(0);
  });

  it.each(cases.map((each): [string, typeof each] => [JSON.stringify(each), each]))('%s', (_, each) => {
    const answer = checkTrigger(each);
    expect(answer, answer.errors.join('; ')).toMatchObject({ valid: each.valid });
  });
});

describe('the answer', () => {
  const cron = { start: '0 6 * * *', end: '0 20 * * *', timezone: 'Etc/UTC', desiredReplicas: '3' };

  it.each<[object, string, string]>([
    [{ type: 'cron', metadata: cron }, 's0-cron-Etc-UTC-06xxx-020xxx', '1'],
    [
      {
        type: 'azure-queue',
        metadata: { queueName: 'a.b', queueLength: '1000', connectionFromEnv: 'C' },
        env: { C: 'x' },
      },
      's0-azure-queue-a-b',
      '1k',
    ],
    [{ type: 'kubernetes-workload', metadata: { podSelector: 'a=b', value: '0.5' } }, 's0-workload-default', '500m'],
    [
      { type: 'metrics-api', metadata: { url: 'http://x/', valueLocation: 'a.b', targetValue: '5.5' } },
      's0-metric-api-a-b',
      '5.500',
    ],
    [{ type: 'cpu', metricType: 'Utilization', metadata: { value: '50' } }, '', '50%'],
    [{ type: 'memory', metricType: 'AverageValue', metadata: { value: '1536Mi' } }, '', '1536Mi'],
  ])('%j', (request, metricName, target) => {
    expect(checkTrigger(request)).toMatchObject({ valid: true, errors: [], metricName, target });
  });

  it.each<[unknown, string]>([
    [{ type: 'azurequeue' }, 'there is no trigger type "azurequeue"; did you mean "azure-queue"?'],
    [{ type: 'Cron' }, 'there is no trigger type "Cron"; did you mean "cron"?'],
    [{ type: 'zzz' }, 'there is no trigger type "zzz"'],
    [{}, 'type is required'],
    [[], 'the request is not an object'],
    [{ type: 'cron', metadata: { ...cron, desiredReplicas: 3 } }, 'metadata.desiredReplicas is not a text'],
    [{ type: 'cron', metadata: cron, podIdentity: 'magic' }, 'podIdentity is "magic"'],
    [{ type: 'cron', metadata: cron, metricType: 'Utilization' }, 'a cron trigger takes AverageValue or Value'],
    [
      { type: 'cpu', metadata: { value: '50' } },
      'metricType is missing; a cpu trigger takes Utilization or AverageValue',
    ],
    [{ type: 'cpu', metricType: 'Value', metadata: { value: '50' } }, 'metricType is "Value"'],
    [{ type: 'cpu', metricType: 'Utilization', metadata: { value: '500m' } }, 'whole number of percent'],
    [{ type: 'memory', metricType: 'AverageValue', metadata: { value: 'lots' } }, 'must be a quantity'],
    [
      { type: 'cpu', metricType: 'Utilization', metadata: { value: '50', type: 'Utilization' } },
      "type is not read since KEDA 2.18; use the trigger's metricType",
    ],
    [
      { type: 'azure-queue', metadata: { queueName: 'q', accountName: 'a' }, podIdentity: 'aws' },
      'pod identity aws cannot be used with Azure',
    ],
  ])('refuses %j', (request, message) => {
    const { valid, errors } = checkTrigger(request);
    expect(valid).toBe(false);
    expect(errors.join('\n')).toContain(message);
  });

  it('warns of what will probably not work although KEDA takes it', () => {
    const { valid, warnings } = checkTrigger({ type: 'cron', metadata: { ...cron, timezone: 'Europe/Viena' } });
    expect(valid).toBe(true);
    expect(warnings).toEqual(['timezone is "Europe/Viena", which is not a name of the IANA time zone database']);
  });

  it('allows a zero target to a trigger that only feeds a formula', () => {
    const request = { type: 'metrics-api', metadata: { url: 'http://x/', valueLocation: 'a' } };
    expect(checkTrigger(request).valid).toBe(false);
    expect(checkTrigger({ ...request, asMetricSource: true })).toMatchObject({ valid: true, target: '0' });
  });
});
