import { RULES, type Rule } from './rules.ts';
import { type TriggerState, triggerLabel } from './trigger-state.ts';

/** What is done to the target. `none` leaves it alone. */
export type Action =
  | { kind: 'none' }
  | { kind: 'activate' | 'deactivate' | 'scale-to-min' | 'scale-to-paused'; from: number; to: number }
  | { kind: 'create-jobs'; count: number };

/** What a trigger said, in the words of a decision. Numbers are texts, so that a record reads the same everywhere. */
export interface TriggerRecord {
  index: number;
  type: string;
  name?: string;
  metricName: string;
  /** `fallback`: the source fails and the fallback stands in; `measured-by-kubernetes`: cpu and memory. */
  outcome: 'value' | 'no-data' | 'error' | 'pending' | 'fallback' | 'measured-by-kubernetes';
  value?: string;
  target?: string;
  activation?: string;
  activity: 'active' | 'inactive' | 'unknown';
  /** The activity is the one last known; the reading itself says nothing. */
  held?: true;
  /** It cannot be read and is left out of the decision (`onError: ignore`). */
  ignored?: true;
  /** Replicas (or Jobs) this trigger alone asks for. */
  wants?: number;
  /** Age of the reading in milliseconds. */
  ageMs?: number;
  failures?: number;
  /** Why there is no value. */
  problem?: string;
}

/** Why something was or was not done: plain JSON of bounded size, for status, events, `explain`, the page and simulations. */
export interface DecisionRecord {
  /** Wall-clock milliseconds since 1970. */
  at: number;
  kind: 'ScaledObject' | 'ScaledJob';
  /** `namespace/name`. */
  object: string;
  /** What led to the decision: a poll, a push, a changed object, the end of a cooldown. */
  cause: string;
  triggers: TriggerRecord[];
  /** Triggers that did not fit into the record. */
  moreTriggers?: number;
  formula?: { result?: string; target: string; activation: string; problem?: string };
  /** Replicas, or Jobs that run. */
  current?: number;
  /** What the metrics ask for within the bounds; the HPA, or the creation of Jobs, gets there step by step. */
  wanted?: number;
  min: number;
  max: number;
  idle?: number;
  action: Action;
  rule: Rule;
  /** When the rule stops holding by itself, in milliseconds since 1970. */
  until?: number;
  /** What the rule went by, where its description is too general. */
  detail?: string;
  /** What kept the action from being done. */
  failure?: string;
  /** Nothing was done on purpose. */
  dryRun?: true;
}

const MOST_TRIGGERS = 32;
const LONGEST_TEXT = 300;

/** A text cut to what a record may hold. */
export function clip(text: string, longest: number = LONGEST_TEXT): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** A number as people write it, with at most three decimals. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return String(Math.abs(value) >= 1e15 ? value : Number(value.toFixed(3)));
}

/** The part of a record that its size depends on, within bounds. */
export function boundTriggers(triggers: readonly TriggerRecord[]): Pick<DecisionRecord, 'triggers' | 'moreTriggers'> {
  const kept = triggers.slice(0, MOST_TRIGGERS).map((trigger) => ({
    ...trigger,
    metricName: clip(trigger.metricName),
    ...(trigger.problem === undefined ? {} : { problem: clip(trigger.problem) }),
  }));
  return kept.length === triggers.length
    ? { triggers: kept }
    : { triggers: kept, moreTriggers: triggers.length - kept.length };
}

/** The fields of a trigger's record that come from the trigger itself. */
export function triggerIdentity(
  trigger: TriggerState,
): Pick<TriggerRecord, 'index' | 'type' | 'name' | 'metricName' | 'target' | 'activation'> {
  const name = trigger.name ? { name: clip(trigger.name, 100) } : {};
  const { index, type } = trigger;
  if (trigger.kind === 'resource') return { index, type, ...name, metricName: trigger.resource };
  return {
    index,
    type,
    ...name,
    metricName: trigger.metricName,
    target: numberText(trigger.target),
    ...(trigger.activation === undefined ? {} : { activation: numberText(trigger.activation) }),
  };
}

/** The record as sentences for a person: what each trigger said, what was done, and which rule settled it. */
export function explain(record: DecisionRecord): string[] {
  const lines = record.triggers.map((trigger) => explainTrigger(trigger, record.kind));
  if (record.moreTriggers) lines.push(`${record.moreTriggers} more triggers are not shown.`);
  if (record.formula) lines.push(explainFormula(record.formula));
  lines.push(explainBounds(record));
  lines.push(explainAction(record.action));
  if (record.dryRun) lines.push('It is a dry run: nothing of this is done.');
  if (record.failure) lines.push(`That failed: ${record.failure}.`);
  const detail = record.detail ? ` (${record.detail})` : '';
  const until = record.until === undefined ? '' : ` Until ${new Date(record.until).toISOString()}.`;
  lines.push(`Rule ${record.rule}: ${RULES[record.rule]}${detail}${until}`);
  return lines;
}

function explainTrigger(trigger: TriggerRecord, kind: DecisionRecord['kind']): string {
  const label = triggerLabel(trigger);
  const { activity, held } = trigger;
  const known = held ? `; last known to be ${activity}` : '';
  const wants =
    trigger.wants === undefined
      ? ''
      : ` and asks for ${plural(trigger.wants, kind === 'ScaledJob' ? 'Job' : 'replica')}`;
  const age = trigger.ageMs === undefined ? '' : `, read ${numberText(trigger.ageMs / 1000)} s ago`;
  switch (trigger.outcome) {
    case 'value': {
      const above = trigger.activation === undefined ? '' : `, active above ${trigger.activation}`;
      return `${label}: value ${trigger.value} against target ${trigger.target}${above}${age}: it is ${activity}${wants}.`;
    }
    case 'fallback':
      return `${label}: failed ${plural(trigger.failures ?? 0, 'poll')} in a row, so the fallback stands in${wants}: ${trigger.problem ?? 'no reason given'}.`;
    case 'error':
      if (trigger.ignored)
        return `${label}: is left out while it cannot be read (${plural(trigger.failures ?? 0, 'poll')} in a row): ${trigger.problem ?? 'no reason given'}.`;
      return `${label}: cannot be read (${plural(trigger.failures ?? 0, 'poll')} in a row)${known}: ${trigger.problem ?? 'no reason given'}.`;
    case 'no-data':
      return `${label}: the source has no value${known}: ${trigger.problem ?? 'no reason given'}.`;
    case 'pending':
      return `${label}: the source has not answered yet${known}.`;
    case 'measured-by-kubernetes':
      return `${label}: Kubernetes measures it and the HPA scales on it; it does not wake the target up.`;
  }
}

function explainFormula({ result, target, activation, problem }: NonNullable<DecisionRecord['formula']>): string {
  const outcome = result === undefined ? `gives no number: ${problem ?? 'no reason given'}` : `gives ${result}`;
  return `The formula ${outcome} (target ${target}, active above ${activation}).`;
}

function explainBounds({ kind, current, wanted, min, max, idle }: DecisionRecord): string {
  const unit = kind === 'ScaledJob' ? 'Job' : 'replica';
  const now =
    current === undefined
      ? `How many ${unit}s there are was not asked or is not known`
      : `${plural(current, unit)} now`;
  const want = wanted === undefined ? '' : `, ${wanted} wanted`;
  const rest = idle === undefined ? '' : `, ${idle} when idle`;
  return `${now}${want}; ${min} to ${max} allowed${rest}.`;
}

function explainAction(action: Action): string {
  switch (action.kind) {
    case 'none':
      return 'Nothing is changed.';
    case 'create-jobs':
      return `${plural(action.count, 'Job')} ${action.count === 1 ? 'is' : 'are'} created.`;
    case 'activate':
      return `The target is woken up: from ${action.from} to ${plural(action.to, 'replica')}.`;
    case 'deactivate':
      return `The target is put to rest: from ${action.from} to ${plural(action.to, 'replica')}.`;
    case 'scale-to-min':
    case 'scale-to-paused':
      return `The target is set from ${action.from} to ${plural(action.to, 'replica')}.`;
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
