import type { ScaledJob, ScaledObject } from '../api/index.ts';
import { dryRunNote } from '../decision/dry-run.ts';
import type { DecisionRecord } from '../decision/record.ts';
import type { ControllerContext } from './context.ts';

/** Keeps the record of a decision that is not carried out, and tells what it would have done when that is news. */
export function noteDryRun(
  ctx: ControllerContext,
  state: { toldDryRun: string | undefined },
  object: ScaledObject | ScaledJob,
  record: DecisionRecord,
): void {
  ctx.records.add({ ...record, dryRun: true });
  const note = dryRunNote(record);
  if (note !== undefined && note !== state.toldDryRun)
    ctx.events.record(object, { type: 'Normal', reason: 'WindlassDryRun', action: 'WindlassDryRun', note });
  state.toldDryRun = note;
}
