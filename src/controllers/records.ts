import type { DecisionRecord } from '../decision/record.ts';

/** A decision, and how often the same one was made in a row. */
export interface RecordEntry {
  /** The newest of them. */
  record: DecisionRecord;
  /** When the first of them was made, in milliseconds since 1970. */
  since: number;
  times: number;
}

/** The latest decisions of every object of this process, in memory only. */
export interface Records {
  add(record: DecisionRecord): void;
  /** Oldest first; empty for an object that nothing was decided about. `object` is `namespace/name`. */
  of(kind: DecisionRecord['kind'], object: string): readonly RecordEntry[];
  forget(kind: DecisionRecord['kind'], object: string): void;
}

export interface RecordsOptions {
  /** Entries that are kept of one object. */
  perObject?: number;
  /** Entries that are kept of all objects beside the newest of each: a record takes about a kilobyte. */
  older?: number;
}

interface History {
  older: RecordEntry[];
  newest: RecordEntry;
}

/**
 * Keeps decisions for `windlass explain`. A decision that only repeats the one before, with other readings, counts as
 * the same entry: an object at rest has one entry however often it is polled, and what is left are the changes.
 */
export function createRecords({ perObject = 50, older: mostOlder = 20_000 }: RecordsOptions = {}): Records {
  const histories = new Map<string, History>();
  /** Older entries of all objects in the order they were put away, which is also their order within each object. */
  const shelf = new Map<RecordEntry, History>();
  const keyOf = (kind: DecisionRecord['kind'], object: string) => `${kind}/${object}`;

  const drop = (history: History) => {
    const entry = history.older.shift();
    if (entry) shelf.delete(entry);
  };

  return {
    add(record) {
      const key = keyOf(record.kind, record.object);
      const history = histories.get(key);
      if (!history) {
        histories.set(key, { older: [], newest: { record, since: record.at, times: 1 } });
        return;
      }
      const { newest } = history;
      if (isRepeated(newest.record, record)) {
        newest.record = record;
        newest.times++;
        return;
      }
      history.older.push(newest);
      shelf.set(newest, history);
      history.newest = { record, since: record.at, times: 1 };
      if (history.older.length >= perObject) drop(history);
      const [oldest] = shelf.size > mostOlder ? shelf.values() : [];
      if (oldest) drop(oldest);
    },
    of(kind, object) {
      const history = histories.get(keyOf(kind, object));
      return history ? [...history.older, history.newest] : [];
    },
    forget(kind, object) {
      const key = keyOf(kind, object);
      for (const entry of histories.get(key)?.older ?? []) shelf.delete(entry);
      histories.delete(key);
    },
  };
}

/** Whether nothing but the readings differs. A decision that did something is never a repetition. */
function isRepeated(before: DecisionRecord, after: DecisionRecord): boolean {
  const didNothing = after.action.kind === 'none' || after.failure !== undefined;
  return didNothing && gist(before) === gist(after);
}

function gist({
  action,
  failure,
  rule,
  current,
  wanted,
  min,
  max,
  idle,
  until,
  triggers,
  formula,
}: DecisionRecord): string {
  const said = triggers.map(({ metricName, outcome, activity }) => `${metricName} ${outcome} ${activity}`);
  return JSON.stringify([action, failure, rule, current, wanted, min, max, idle, until, said, formula?.problem]);
}
