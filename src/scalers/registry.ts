import { nearest } from '../base/nearest.ts';
import { definition as awsSqsQueue } from './aws-sqs-queue/definition.ts';
import { definition as azureQueue } from './azure-queue/definition.ts';
import { definition as cpu } from './cpu/definition.ts';
import { definition as cron } from './cron/definition.ts';
import type { ScalerDefinition } from './definition.ts';
import { definition as external } from './external/definition.ts';
import { definition as externalPush } from './external-push/definition.ts';
import { definition as kubernetesWorkload } from './kubernetes-workload/definition.ts';
import { definition as memory } from './memory/definition.ts';
import { definition as metricsApi } from './metrics-api/definition.ts';

/** All trigger types; definitions are data, so this loads no scaler and no client of any vendor. */
const ALL: readonly ScalerDefinition[] = [
  awsSqsQueue,
  azureQueue,
  cpu,
  cron,
  external,
  externalPush,
  kubernetesWorkload,
  memory,
  metricsApi,
];

/** Every definition by its trigger type, in alphabetical order. */
export const definitions: ReadonlyMap<string, ScalerDefinition> = new Map(
  [...ALL].sort((a, b) => (a.type < b.type ? -1 : 1)).map((definition) => [definition.type, definition]),
);

/** The definition of a trigger type, spelled exactly (KEDA has no aliases and counts upper and lower case). */
export function findDefinition(type: string): ScalerDefinition | undefined {
  return definitions.get(type);
}

/** A sentence about a type that does not exist, with the ones that may have been meant. */
export function unknownTypeMessage(type: string): string {
  const close = nearest(type, [...definitions.keys()]);
  return `there is no trigger type "${type}"${close === undefined ? '' : `; did you mean "${close}"?`}`;
}
