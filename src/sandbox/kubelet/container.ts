import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { timestamp } from '../controllers/context.ts';
import type { Container, ContainerState, ContainerStatus } from '../controllers/kinds.ts';
import { createRestartBackOff } from './back-off.ts';
import { ContainerConfigError, type Launch } from './command.ts';
import type { ProcessRecords } from './leftovers.ts';
import { type LogSource, type LogWriter, openLog } from './logs.ts';
import { startProbes } from './probes.ts';
import { type ContainerRun, type Ending, startProcess, startSimulated } from './process.ts';

export interface Prepared {
  launch: Launch;
  env: Record<string, string>;
  /** Where it runs unless it says otherwise. */
  cwd: string;
}

export interface ContainerDeps {
  clock: Clock;
  records: ProcessRecords;
  /** Folder of this container's logs. */
  logDir: string;
  /** `name_namespace(uid)` of the pod, for messages. */
  podLabel: string;
  idPrefix: string;
  graceMs: number;
  /** Reads what the container declares, anew for every start. @throws ContainerConfigError */
  prepare(): Prepared;
  /** The container's status is another one. */
  changed(): void;
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** One container of a pod through all its restarts. */
export interface ContainerRunner {
  readonly container: Container;
  status(): ContainerStatus;
  pid(): number | undefined;
  /** Runs until it has ended for good by the policy; the exit code of the last run, undefined when it was stopped before. */
  run(policy: 'Always' | 'OnFailure' | 'Never'): Promise<number | undefined>;
  /** Resolves when the container has been ready to go on for the first time (sidecars). */
  started: Promise<void>;
  /** Ends it for good: SIGTERM, SIGKILL after `graceMs`. Resolves when nothing runs any more. */
  stop(graceMs: number): Promise<void>;
  /** Tries a start again that waits for a Secret or ConfigMap. */
  nudge(): void;
  log(previous: boolean): LogSource | undefined;
}

export function createContainer(
  container: Container,
  prior: ContainerStatus | undefined,
  deps: ContainerDeps,
): ContainerRunner {
  const { clock } = deps;
  const backOff = createRestartBackOff();
  const followers = new Set<() => void>();
  let restartCount = prior?.restartCount ?? 0;
  let state: ContainerState = prior?.state ?? { waiting: { reason: 'ContainerCreating' } };
  let lastState: ContainerState = prior?.lastState ?? {};
  let ready = false;
  let started = false;
  let run: ContainerRun | undefined;
  let stopping = false;
  let stopGrace = 0;
  let wake: (() => void) | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let onStarted: () => void = () => {};
  const startedOnce = new Promise<void>((resolve) => {
    onStarted = resolve;
  });
  const containerID = () => `sandbox://${deps.idPrefix}-${container.name}-${restartCount}`;
  const logFile = (count: number) => path.join(deps.logDir, `${container.name}_${count}.log`);
  const set = (next: ContainerState) => {
    state = next;
    deps.changed();
  };

  /** Resolves after `ms` (never without), when nudged, or when the container is stopped. */
  const wait = (ms?: number) =>
    new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : clock.after(ms, () => wake?.());
      wake = () => {
        timer?.cancel();
        wake = undefined;
        resolve();
      };
    });

  const prepared = async (): Promise<Prepared | undefined> => {
    for (let complained = ''; ; ) {
      if (stopping) return undefined;
      try {
        return deps.prepare();
      } catch (error) {
        if (!(error instanceof ContainerConfigError)) throw error;
        if (complained !== error.message) deps.event('Warning', 'Failed', `Error: ${error.message}`);
        complained = error.message;
        set({ waiting: { reason: error.reason, message: error.message } });
        await wait();
      }
    }
  };

  const launch = ({ launch: what, env, cwd }: Prepared): ContainerRun => {
    if (what.kind === 'simulated') return startSimulated(clock, what.runsFor, what.exitCode);
    const log: LogWriter = openLog(logFile(restartCount), clock.now, () => {
      for (const follower of followers) follower();
      followers.clear();
    });
    return startProcess({ argv: what.argv, env, cwd: what.cwd ?? cwd, log, clock, records: deps.records });
  };

  /** From start to end; undefined when it was stopped before it began. */
  const once = async (): Promise<Ending | undefined> => {
    const plan = await prepared();
    if (!plan) return undefined;
    const startedAt = timestamp(clock.now());
    run = launch(plan);
    set({ running: { startedAt } });
    deps.event('Normal', 'Started', `Container started: ${container.name}`);
    const stopProbes = startProbes(
      container,
      { clock, env: plan.env, cwd: plan.cwd },
      {
        started() {
          started = true;
          onStarted();
          deps.changed();
        },
        ready(now) {
          ready = now;
          deps.changed();
        },
        dead(which, why) {
          deps.event(
            'Normal',
            'Killing',
            `Container ${container.name} failed ${which.toLowerCase()} probe, will be restarted`,
          );
          deps.event('Warning', 'Unhealthy', `${which} probe failed: ${why}`);
          run?.kill(deps.graceMs);
        },
        unhealthy: (which, why) => deps.event('Warning', 'Unhealthy', `${which} probe failed: ${why}`),
      },
    );
    if (stopping) run.kill(stopGrace);
    const ending = await run.ended;
    stopProbes();
    run = undefined;
    ready = false;
    started = false;
    if (ending.reason === 'StartError') deps.event('Warning', 'Failed', `Error: ${ending.message}`);
    const finishedAt = timestamp(clock.now());
    set({ terminated: { ...ending, startedAt, finishedAt, containerID: containerID() } });
    for (const follower of followers) follower();
    followers.clear();
    return ending;
  };

  /** What a container that ran before this process began has come to. */
  const before = (): number | undefined => {
    if (prior?.state.terminated) return prior.state.terminated.exitCode;
    return undefined;
  };

  const loop = async (policy: 'Always' | 'OnFailure' | 'Never'): Promise<number | undefined> => {
    let exitCode = before();
    for (;;) {
      if (exitCode === undefined) exitCode = (await once())?.exitCode;
      if (exitCode === undefined || stopping) return exitCode;
      if (policy === 'Never' || (policy === 'OnFailure' && exitCode === 0)) return exitCode;
      const delay = backOff.next(clock.now());
      lastState = { terminated: state.terminated ?? lastState.terminated } as ContainerState;
      if (delay > 0) {
        const message = `back-off ${delay >= 60_000 ? `${Math.floor(delay / 60_000)}m${(delay % 60_000) / 1000}s` : `${delay / 1000}s`} restarting failed container=${container.name} pod=${deps.podLabel}`;
        set({ waiting: { reason: 'CrashLoopBackOff', message } });
        deps.event(
          'Warning',
          'BackOff',
          `Back-off restarting failed container ${container.name} in pod ${deps.podLabel}`,
        );
        await waitFully(delay);
        if (stopping) {
          // As it was: the kubelet reports the end of the last run.
          if (lastState.terminated) set({ terminated: lastState.terminated });
          return exitCode;
        }
      }
      restartCount += 1;
      exitCode = undefined;
    }
  };

  /** A nudge does not shorten a back-off. */
  const waitFully = async (ms: number) => {
    const until = clock.monotonic() + ms;
    while (!stopping && clock.monotonic() < until) await wait(until - clock.monotonic());
  };

  return {
    container,
    started: startedOnce,
    pid: () => run?.pid,
    status: () => ({
      name: container.name,
      image: container.image ?? '',
      imageID: '',
      ready: state.running !== undefined && ready,
      started: state.running !== undefined && started,
      restartCount,
      state,
      lastState,
      ...(state.waiting?.reason === 'ContainerCreating' ? {} : { containerID: containerID() }),
    }),
    run(policy) {
      const result = loop(policy);
      running = result;
      return result;
    },
    async stop(graceMs) {
      stopGrace = stopping ? Math.min(stopGrace, graceMs) : graceMs;
      stopping = true;
      wake?.();
      run?.kill(graceMs);
      await running;
    },
    nudge: () => wake?.(),
    log(previous) {
      const count = previous ? restartCount - 1 : restartCount;
      // While it waits to be restarted the log to show is still that of the run that has ended.
      if (count < 0 || (!previous && state.waiting?.reason === 'ContainerCreating')) return undefined;
      return {
        file: logFile(count),
        next: () =>
          previous || run === undefined ? undefined : new Promise<void>((resolve) => followers.add(resolve)),
      };
    },
  };
}
