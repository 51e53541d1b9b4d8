/** The queue before one source. */
export interface Lane<J> {
  active: number;
  /** Jobs that a reader waits for; they go before the others. */
  urgent: J[];
  waiting: J[];
  /** In the line of lanes that wait for a start. */
  inLine: boolean;
}

export interface Gate<J> {
  enqueue(lane: Lane<J>, job: J, urgent: boolean): void;
  /** Somebody now waits for a job that was queued without hurry. */
  hurry(lane: Lane<J>, job: J): void;
  /** Takes a job out that has not started; false when it is not queued. */
  drop(lane: Lane<J>, job: J): boolean;
  /** A started job is past its first second, or over: it no longer counts against the starts of all sources. */
  startOver(): void;
  /** A started job is over. */
  leave(lane: Lane<J>): void;
}

export function createLane<J>(): Lane<J> {
  return { active: 0, urgent: [], waiting: [], inLine: false };
}

/**
 * Bounds how many jobs run per source and how many of all sources are starting. Lanes take turns, so a source with
 * a thousand queries does not keep one with a single query waiting.
 */
export function createGate<J>(limits: { perSource: number; starting: number }, start: (job: J) => void): Gate<J> {
  const line: Lane<J>[] = [];
  let starting = 0;
  let pumping = false;

  const wantsMore = (lane: Lane<J>) =>
    lane.active < limits.perSource && (lane.urgent.length > 0 || lane.waiting.length > 0);

  const join = (lane: Lane<J>) => {
    if (lane.inLine || !wantsMore(lane)) return;
    lane.inLine = true;
    line.push(lane);
  };

  const pump = () => {
    if (pumping) return;
    pumping = true;
    while (starting < limits.starting) {
      const lane = line.shift();
      if (!lane) break;
      lane.inLine = false;
      const job = lane.active < limits.perSource ? (lane.urgent.shift() ?? lane.waiting.shift()) : undefined;
      if (job === undefined) continue;
      lane.active++;
      starting++;
      join(lane);
      start(job);
    }
    pumping = false;
  };

  return {
    enqueue(lane, job, urgent) {
      (urgent ? lane.urgent : lane.waiting).push(job);
      join(lane);
      pump();
    },
    hurry(lane, job) {
      const at = lane.waiting.indexOf(job);
      if (at < 0) return;
      lane.waiting.splice(at, 1);
      lane.urgent.push(job);
    },
    drop(lane, job) {
      for (const queue of [lane.urgent, lane.waiting]) {
        const at = queue.indexOf(job);
        if (at < 0) continue;
        queue.splice(at, 1);
        return true;
      }
      return false;
    },
    startOver() {
      starting--;
      pump();
    },
    leave(lane) {
      lane.active--;
      join(lane);
      pump();
    },
  };
}
