import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

it.each<[string, string | undefined]>([
  ['azure-queu', 'azure-queue'],
  ['azurequeue', 'azure-queue'],
  ['Cron', 'cron'],
  ['corn', 'cron'],
  ['kubernetes-workloads', 'kubernetes-workload'],
  ['zzz', undefined],
  ['', undefined],
])('%s is most likely meant to be %s', (text, expected) => {
  expect(nearest(text, ['azure-queue', 'cron', 'kubernetes-workload'])).toBe(expected);
});
