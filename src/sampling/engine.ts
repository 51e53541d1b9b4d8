import { WindlassError } from '../base/errors.ts';
import type { ScalerModule } from '../scalers/definition.ts';
import { backoff, holdError, missed, reached } from './breaker.ts';
import { createGate } from './gate.ts';
import { failedPolls, failureOf, outcomeOf, sampleOfHold, sampleOfRead } from './outcome.ts';
import { lead, expected as nextBeat } from './rhythm.ts';
import { nextRead, type Reader, type Run, refreshFor, type Sampler, type Source, streamSuffices } from './sampler.ts';
import { createSchedule } from './schedule.ts';
import { readWithSpecs, settleActive, streamSignals } from './signals.ts';
import { followStream } from './stream.ts';
import type { Outcome, Sample, SamplingLimits, SamplingOptions } from './types.ts';

const FIRST_RETRY_MS = 1_000;
/** A query that is back is noticed within an HPA period even when its trigger polls more often than that. */
const LEAST_RETRY_CAP_MS = 15_000;
/** A read counts against the common limit of starting reads for this long. */
const STARTING_MS = 1_000;
/** Reads of one query that may hang at once after being given up; no third one is begun before one of them ends. */
const MOST_HANGING = 2;
/** After so many failed reads in a row the scaler is built anew: a client that got stuck is not kept for ever. */
const REBUILD_AFTER = 5;

export interface Engine {
  /** Begins or queues a read; false when the query is held back and the newest sample has to do. */
  request(sampler: Sampler, urgent: boolean): boolean;
  /** Plans the next read after something it depends on has changed. */
  plan(sampler: Sampler): void;
  /** Moves the planned read ahead if this reader's next one wants that. */
  nudge(sampler: Sampler, reader: Reader): void;
  /** Ends a query; what it held is given back in the background, see `drained`. */
  close(sampler: Sampler): void;
  /** Resolves when everything that was closed is given back or has run out of its time. */
  drained(): Promise<void>;
}

/** Decides when queries are read and what becomes of the answers. */
export function createEngine(options: Required<SamplingOptions> & { limits: SamplingLimits }): Engine {
  const { clock, log, random, limits, onRead } = options;
  const modules = new Map<string, Promise<ScalerModule<never>>>();
  const closing = new Set<Promise<void>>();
  const gate = createGate<Sampler>(limits, start);
  const schedule = createSchedule<Sampler | Source>(clock, (entry) =>
    entry.kind === 'source' ? probe(entry) : void request(entry, false),
  );

  const moment = () => ({ at: clock.monotonic(), wallAt: clock.now() });

  function request(sampler: Sampler, urgent: boolean): boolean {
    if (sampler.closed) return false;
    if (sampler.run) return true;
    if (sampler.queued) {
      if (urgent) gate.hurry(sampler.source.lane, sampler);
      return true;
    }
    const now = clock.monotonic();
    if (streamSuffices(sampler) && sampler.sample) {
      publish(sampler, { ...sampler.sample, ...moment(), attempt: sampler.sample.attempt + 1 });
      sampler.startedAt = now;
      plan(sampler);
      return false;
    }
    const reason = heldBack(sampler, now);
    if (reason) {
      reportHeld(sampler, reason, now);
      plan(sampler);
      return false;
    }
    enqueue(sampler, urgent);
    return true;
  }

  function enqueue(sampler: Sampler, urgent: boolean) {
    schedule.remove(sampler);
    sampler.queued = true;
    gate.enqueue(sampler.source.lane, sampler, urgent);
  }

  function heldBack(sampler: Sampler, now: number): WindlassError | undefined {
    const { hold } = sampler.source.breaker;
    if (hold) return holdError(hold, now);
    if (sampler.hanging >= MOST_HANGING) {
      return new WindlassError('SourceTimeout', `${MOST_HANGING} earlier reads of the source still hang`);
    }
    const outcome = sampler.sample?.outcome;
    return now < sampler.retryAt && outcome?.kind === 'error' ? outcome.error : undefined;
  }

  /** Says again that the query fails, once per poll that it would have had. */
  function reportHeld(sampler: Sampler, error: WindlassError, now: number) {
    const before = sampler.sample;
    const failing = before?.outcome.kind === 'error';
    if (!failing) sampler.failBase = now;
    const failures = failedPolls(sampler.failBase, now, sampler.intervalMs);
    if (failing && failures === before.failures) return;
    publish(sampler, sampleOfHold(before, { error, moment: moment(), failures, stream: sampler.stream?.state }));
  }

  /** The source's pause is over: one read finds out whether it is back. Its queries take turns. */
  function probe(source: Source) {
    for (const sampler of source.samplers) {
      if (sampler.run || sampler.queued || sampler.hanging >= MOST_HANGING) continue;
      source.samplers.delete(sampler);
      source.samplers.add(sampler);
      enqueue(sampler, true);
      return;
    }
    schedule.set(source, clock.monotonic() + FIRST_RETRY_MS);
  }

  function start(sampler: Sampler) {
    const now = clock.monotonic();
    sampler.queued = false;
    sampler.startedAt = now;
    for (const reader of sampler.readers) {
      const next = reader.rhythm && nextBeat(reader.rhythm, now);
      if (reader.rhythm && next !== undefined && next - lead(reader.rhythm, sampler.took, reader.maxAgeMs) <= now)
        reader.prepared = next;
    }
    // A scaler that ignored its abort may still be busy with the old read: it is replaced, not asked twice at once.
    if (sampler.hanging > 0) discardScaler(sampler);
    const run: Run = {
      controller: new AbortController(),
      startedAt: now,
      late: Math.max(0, now - sampler.due),
      starting: true,
      over: false,
      slow: undefined,
      deadline: undefined,
      settled: Promise.resolve(),
    };
    sampler.run = run;
    const timeout = sampler.query.readTimeoutMs ?? limits.readTimeoutMs;
    run.slow = clock.after(STARTING_MS, () => endStart(run));
    run.deadline = clock.after(timeout, () => giveUp(sampler, run, timeout));
    run.settled = ask(sampler, run).then((outcome) => finish(sampler, run, outcome));
  }

  async function ask(sampler: Sampler, run: Run): Promise<Outcome> {
    const { definition, config, deps } = sampler.query;
    try {
      if (!sampler.scaler) {
        let module = modules.get(definition.type);
        if (!module) {
          module = definition.load() as Promise<ScalerModule<never>>;
          modules.set(definition.type, module);
          module.catch(() => modules.delete(definition.type));
        }
        const { createScaler } = await module;
        run.controller.signal.throwIfAborted();
        sampler.scaler = createScaler(config as never, deps);
        openStream(sampler);
      }
      return outcomeOf(await readWithSpecs(sampler, sampler.scaler, run, tellReaders), definition.type);
    } catch (thrown) {
      return failureOf(thrown, definition.type);
    }
  }

  function endStart(run: Run) {
    run.slow?.cancel();
    if (!run.starting) return;
    run.starting = false;
    gate.startOver();
  }

  function giveUp(sampler: Sampler, run: Run, timeout: number) {
    const error = new WindlassError('SourceTimeout', `the source did not answer within ${timeout / 1000} s`, {
      hint: 'check that the address is right and that the operator can reach it',
    });
    sampler.hanging++;
    run.settled.finally(() => {
      sampler.hanging--;
      if (sampler.hanging === MOST_HANGING - 1) plan(sampler);
    });
    finish(sampler, run, { kind: 'error', error });
    run.controller.abort(error);
  }

  function finish(sampler: Sampler, run: Run, outcome: Outcome) {
    if (run.over) return;
    run.over = true;
    run.deadline?.cancel();
    sampler.run = undefined;
    if (!sampler.closed) {
      const now = clock.monotonic();
      const took = now - run.startedAt;
      sampler.took = sampler.took === 0 ? took : sampler.took + 0.3 * (took - sampler.took);
      judgeSource(sampler.source, outcome, now);
      take(sampler, run, outcome, now, took);
      plan(sampler);
    }
    endStart(run);
    gate.leave(sampler.source.lane);
  }

  function judgeSource(source: Source, outcome: Outcome, now: number) {
    const { breaker } = source;
    const wasHeld = breaker.hold !== undefined;
    if (outcome.kind === 'error') missed(breaker, outcome.error, now, random);
    else reached(breaker);
    if (breaker.hold) {
      schedule.set(source, breaker.hold.until);
      if (!wasHeld) holdQueue(source, now);
    } else if (wasHeld) {
      schedule.remove(source);
      log.info('a source answers again', { queries: source.samplers.size });
      for (const sampler of source.samplers) {
        if (sampler.sample && sampler.sample.outcome.kind !== 'error') continue;
        sampler.retryAt = 0;
        if (!sampler.run && !sampler.queued) schedule.set(sampler, now);
      }
    }
  }

  function holdQueue(source: Source, now: number) {
    const { lane, breaker } = source;
    if (!breaker.hold) return;
    log.warn('a source is not asked for a while', { queries: source.samplers.size, error: breaker.hold.error });
    for (const sampler of [...lane.urgent.splice(0), ...lane.waiting.splice(0)]) {
      sampler.queued = false;
      reportHeld(sampler, holdError(breaker.hold, now), now);
      plan(sampler);
    }
  }

  /** Makes a sample of what a read brought and hands it out. */
  function take(sampler: Sampler, run: Run, outcome: Outcome, now: number, took: number) {
    const before = sampler.sample;
    const pushed = sampler.stream && sampler.stream.pushedAt > run.startedAt && before?.outcome.kind === 'value';
    // What was pushed while the read was under way is newer than what the read saw.
    const result = pushed && outcome.kind === 'value' ? before.outcome : outcome;
    const failed = result.kind === 'error';
    if (failed) noteFailure(sampler, run, result.error, now);
    else {
      sampler.misses = 0;
      sampler.retryAt = 0;
      settleActive(sampler, run.startedAt);
    }
    const failures = failed ? failedPolls(sampler.failBase, now, sampler.intervalMs) : 0;
    const stream = sampler.stream?.state;
    const sample = sampleOfRead(before, { outcome: result, moment: moment(), took, late: run.late, failures, stream });
    publish(sampler, sample);
    onRead(sampler.query, sample);
  }

  function noteFailure(sampler: Sampler, run: Run, error: WindlassError, now: number) {
    if (sampler.sample?.outcome.kind !== 'error') sampler.failBase = run.startedAt;
    sampler.misses++;
    const cap = Math.max(sampler.intervalMs, LEAST_RETRY_CAP_MS);
    // What a user has to repair is asked again at the next poll and no sooner; all else may pass by itself.
    sampler.retryAt =
      error.family === 'user'
        ? Math.max(run.startedAt + sampler.intervalMs, now + FIRST_RETRY_MS)
        : now + backoff(sampler.misses - 1, FIRST_RETRY_MS, cap, random);
    if (sampler.misses % REBUILD_AFTER === 0) discardScaler(sampler);
  }

  function publish(sampler: Sampler, sample: Sample) {
    sampler.sample = sample;
    for (const waiter of sampler.waiters.splice(0)) {
      waiter.timer.cancel();
      waiter.resolve(sample);
    }
    tellReaders(sampler, (reader) => reader.onSample(sample));
  }

  function tellReaders(sampler: Sampler, act: (reader: Reader) => void) {
    for (const reader of sampler.readers) {
      try {
        act(reader);
      } catch (error) {
        log.error('a reader of samples failed', { ...describe(sampler), error });
      }
    }
  }

  function plan(sampler: Sampler) {
    if (sampler.closed || sampler.run || sampler.queued) return;
    const now = clock.monotonic();
    const { sample } = sampler;
    if (!sample) return schedule.set(sampler, now);
    if (sample.outcome.kind !== 'error') return schedule.set(sampler, nextRead(sampler, now));
    const nextReport = sampler.failBase + sample.failures * sampler.intervalMs;
    const held = sampler.source.breaker.hold !== undefined || sampler.hanging >= MOST_HANGING;
    schedule.set(sampler, held ? nextReport : Math.min(nextReport, sampler.retryAt));
  }

  function nudge(sampler: Sampler, reader: Reader) {
    if (sampler.closed || sampler.run || sampler.queued || sampler.sample?.outcome.kind === 'error') return;
    const due = refreshFor(sampler, reader, clock.monotonic());
    if (due !== undefined && due < sampler.due) schedule.set(sampler, due);
  }

  function openStream(sampler: Sampler) {
    const { scaler, query } = sampler;
    const watch = scaler?.watch?.bind(scaler);
    if (!watch) return;
    const stream: NonNullable<Sampler['stream']> = {
      control: new AbortController(),
      state: undefined,
      pushedAt: Number.NEGATIVE_INFINITY,
    };
    sampler.stream = stream;
    void followStream({
      type: query.definition.type,
      watch,
      signal: stream.control.signal,
      clock,
      random,
      onReading(reading) {
        const outcome = outcomeOf(reading, query.definition.type);
        if (outcome.kind !== 'value') return;
        const failing = sampler.sample?.outcome.kind === 'error';
        const at = moment();
        stream.pushedAt = at.at;
        sampler.misses = 0;
        sampler.retryAt = 0;
        publish(
          sampler,
          sampleOfRead(sampler.sample, { outcome, moment: at, took: 0, failures: 0, stream: stream.state }),
        );
        if (failing) plan(sampler);
      },
      ...streamSignals(sampler, clock, tellReaders, () => request(sampler, true)),
      onState(state, quiet) {
        const changed = stream.state?.state !== state.state;
        stream.state = state;
        if (!sampler.sample || !changed || quiet) return;
        publish(sampler, { ...sampler.sample, stream: state });
        // Nothing was polled while a complete stream lived: ask at once.
        if (state.state === 'broken' && sampler.scaler?.watchIsComplete) request(sampler, true);
      },
    });
  }

  function discardScaler(sampler: Sampler) {
    const { scaler, stream } = sampler;
    sampler.scaler = undefined;
    sampler.stream = undefined;
    stream?.control.abort();
    if (scaler) inBackground(withinDrain(() => scaler.close()));
  }

  /** Keeps count of work that gives something back, for `drained`. */
  function inBackground(work: Promise<void>) {
    const done = work
      .catch((error) => log.warn('closing a trigger failed', { error }))
      .then(() => void closing.delete(done));
    closing.add(done);
  }

  /** Waits for a job, but no longer than the drain limit. */
  async function withinDrain(job: () => Promise<void>) {
    const limit = new AbortController();
    const pause = clock.sleep(limits.drainMs, limit.signal).catch(() => {});
    await Promise.race([Promise.resolve().then(job), pause]).finally(() => limit.abort());
  }

  function close(sampler: Sampler) {
    sampler.closed = true;
    schedule.remove(sampler);
    if (sampler.queued) gate.drop(sampler.source.lane, sampler);
    for (const waiter of sampler.waiters.splice(0)) {
      waiter.timer.cancel();
      waiter.resolve(sampler.sample);
    }
    const { run } = sampler;
    if (run) {
      finish(sampler, run, { kind: 'no-data', reason: 'closed' });
      run.controller.abort(new WindlassError('SourceUnavailable', 'the trigger is gone'));
    }
    const { settled } = run ?? {};
    if (settled) inBackground(withinDrain(() => settled).then(() => discardScaler(sampler)));
    else discardScaler(sampler);
    sampler.source.samplers.delete(sampler);
    if (sampler.source.samplers.size === 0) schedule.remove(sampler.source);
    else if (sampler.source.breaker.hold && sampler.source.slot < 0)
      schedule.set(sampler.source, sampler.source.breaker.hold.until);
  }

  return {
    request,
    plan,
    nudge,
    close,
    async drained() {
      while (closing.size > 0) await Promise.all(closing);
    },
  };

  function describe(sampler: Sampler) {
    const { namespace, objectName, objectKind } = sampler.query.deps.context;
    return { type: sampler.query.definition.type, namespace, object: objectName, kind: objectKind };
  }
}
