import type { DecisionRecord } from './record.ts';

/**
 * What a dry run tells that would have been done: the action, or, between the bounds, what the HPA would be asked for.
 * Undefined when everything would stay as it is.
 */
export function dryRunNote({ action, current, wanted, kind }: DecisionRecord): string | undefined {
  if (action.kind === 'create-jobs') return `Dry run: ${action.count} Jobs would be created`;
  if (action.kind !== 'none') return `Dry run: the target would be scaled from ${action.from} to ${action.to} replicas`;
  if (kind === 'ScaledJob' || wanted === undefined || current === undefined || wanted === current || current === 0)
    return undefined;
  return `Dry run: the HPA would scale the target from ${current} towards ${wanted} replicas`;
}
