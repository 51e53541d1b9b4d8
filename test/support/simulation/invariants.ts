import { isDeepStrictEqual } from 'node:util';
import { DRY_RUN, PAUSED_SCALE_IN, PAUSED_SCALE_OUT, readBooleanAnnotation } from '../../../src/api/annotations.ts';
import type { ScaledJob, ScaledObject } from '../../../src/api/index.ts';
import {
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  SCALED_JOBS,
  SCALED_OBJECTS,
} from '../../../src/api/resources.ts';
import { controllerOf } from '../../../src/base/object.ts';
import { pauseState } from '../../../src/decision/pause.ts';
import { LEASES } from '../../../src/kube/lease.ts';
import type { Loose } from '../operator.ts';
import type { SeenWrite } from './network.ts';
import type { Simulation } from './world.ts';

/** A watch that ended is opened again after this long at most, its list included. */
const LAG_MS = 35_000;
/** What an operator may still go by: the object as it was within this time, since watches and requests take theirs. */
const GRACE_MS = 1_000;

interface Version {
  from: number;
  object: Loose | undefined;
}

/** Watches everything from outside and says what must not have happened. */
export function watchInvariants(world: Simulation) {
  const { api, clock, network, seen } = world;
  const histories = new Map<string, Version[]>();
  for (const type of [SCALED_OBJECTS, SCALED_JOBS])
    api.watch<Loose>(type, ({ type: change, object }) => {
      const key = `${type.kind}/${object.metadata.name}`;
      const versions = histories.get(key) ?? [];
      histories.set(key, versions);
      versions.push({ from: clock.now(), object: change === 'DELETED' ? undefined : object });
    });
  /** Every version of an object that was current at some time within the grace before `at`. */
  const versionsAt = (kind: string, name: string, at: number): Loose[] => {
    const versions = histories.get(`${kind}/${name}`) ?? [];
    return versions.flatMap(({ from, object }, index) => {
      const until = versions[index + 1]?.from ?? Number.POSITIVE_INFINITY;
      return object && from <= at && until >= at - GRACE_MS ? [object] : [];
    });
  };
  const pausedAt = (object: Loose, at: number) => pauseState(object as unknown as ScaledObject, at);

  /** When an object was last changed by somebody other than the writer who is asked about. */
  const changes: { at: number; kind: string; name: string; version: string | undefined }[] = [];
  for (const type of [DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS, SCALED_JOBS])
    api.watch<Loose>(type, ({ object: { metadata } }) => {
      changes.push({ at: clock.now(), kind: type.kind, name: metadata.name, version: metadata.resourceVersion });
    });
  /** Somebody changed it a moment before, which the writer could not know yet. */
  const wasJustChanged = ({ type, name, at, before }: SeenWrite): boolean =>
    changes.some(
      (change) =>
        change.kind === type.kind &&
        change.name === name &&
        change.at >= at - GRACE_MS &&
        change.at <= at &&
        change.version === before?.metadata.resourceVersion,
    );

  /** Watches of the writer may lag: what it writes then may be there already, but must never be wrong. */
  const lags = ({ by, at }: SeenWrite): boolean => {
    const cutAt = world.members.get(by)?.process.cutAt;
    return cutAt !== undefined && at - cutAt < LAG_MS;
  };

  let checked = 0;
  const problems: string[] = [];
  const check = (holds: boolean, write: SeenWrite, what: string) => {
    if (!holds) problems.push(`${what}: ${describe(write)}`);
  };

  const checkScale = (write: SeenWrite) => {
    const { name, at } = write;
    const to = (write.after as Loose | undefined)?.spec.replicas as number;
    const from = (write.before as Loose | undefined)?.spec.replicas as number;
    const versions = versionsAt('ScaledObject', name, at);
    check(versions.length > 0, write, 'a target is scaled without a ScaledObject');
    const allowed = versions.some((object) => {
      const { minReplicaCount: min = 0, maxReplicaCount: max = 100, idleReplicaCount: idle } = object.spec;
      const pause = pausedAt(object, at);
      if (pause.paused) return pause.replicas === to;
      if (readBooleanAnnotation(object, DRY_RUN)) return false;
      if (to < from && readBooleanAnnotation(object, PAUSED_SCALE_IN)) return false;
      if (to > from && readBooleanAnnotation(object, PAUSED_SCALE_OUT)) return false;
      return to <= max && to >= (idle ?? min);
    });
    check(allowed, write, 'replicas out of bounds, or against a pause');
    late.push({ write, to, from });
  };
  /** The record of an action is kept when its outcome is known, so it may come a moment later. */
  const late: { write: SeenWrite; to: number; from: number }[] = [];

  const checkJob = (write: SeenWrite) => {
    const job = write.after as Loose | undefined;
    const owner = job?.metadata.labels?.['scaledjob.keda.sh/name'] ?? '';
    const versions = versionsAt('ScaledJob', owner, write.at);
    const may = versions.some((object) => {
      if (pausedAt(object, write.at).paused || readBooleanAnnotation(object, DRY_RUN)) return false;
      return running(world, owner) <= (object.spec.maxReplicaCount ?? 100);
    });
    check(may, write, 'a Job beyond the maximum, or against a pause');
  };

  return {
    problems,
    /** Judges everything that was written since the last call. */
    check() {
      for (const { write, to, from } of late.splice(0)) {
        const records = seen.filter(
          ({ by, record }) =>
            by === write.by &&
            record.object.endsWith(`/${write.name}`) &&
            Math.abs(record.at - write.at) < 5_000 &&
            'to' in record.action &&
            record.action.to === to,
        );
        check(records.length > 0, write, 'a target is scaled without a decision record');
        const believed = records.flatMap(({ record: { action } }) => ('from' in action ? [action.from] : []));
        const isRight = believed.includes(from) || from === to || wasJustChanged(write);
        check(isRight, write, `scaled from ${believed}, which it was not`);
      }
      for (const write of network.writes.slice(checked)) {
        if (write.type.kind === LEASES.kind || write.type.kind === 'Event') continue;
        const lease = world.api
          .list<Loose>(LEASES, { namespace: 'keda' })
          .find(({ spec }) => spec?.holderIdentity?.startsWith(write.by));
        check(lease !== undefined || !world.members.has(write.by), write, 'a write without a Lease');
        if (write.verb === 'patch')
          check(
            lags(write) || wasJustChanged(write) || !isDeepStrictEqual(bare(write.before), bare(write.after)),
            write,
            'a write that changes nothing',
          );
        if (write.type.kind === DEPLOYMENTS.kind && write.subresource === 'scale') checkScale(write);
        if (write.type.kind === JOBS.kind && write.verb === 'create') checkJob(write);
      }
      checked = network.writes.length;
    },
  };
}

/** Jobs of a ScaledJob that have not ended. */
export function running(world: Simulation, name: string): number {
  return world
    .list(JOBS)
    .filter(
      ({ metadata, status }) =>
        metadata.labels?.['scaledjob.keda.sh/name'] === name &&
        !metadata.deletionTimestamp &&
        !status?.conditions?.some(({ type }: { type: string }) => type === 'Complete' || type === 'Failed'),
    ).length;
}

function bare(object: unknown): unknown {
  if (object === undefined) return undefined;
  const { metadata, ...rest } = structuredClone(object) as Loose;
  const {
    resourceVersion: _,
    managedFields: __,
    ...kept
  } = metadata as Loose['metadata'] & { managedFields?: unknown };
  return { ...rest, metadata: kept };
}

function describe({ at, by, verb, type, name, subresource, before, after }: SeenWrite): string {
  const replicas = (object: unknown) => (object as Loose | undefined)?.spec?.replicas;
  const change = type.kind === 'Deployment' ? ` ${replicas(before)}→${replicas(after)}` : '';
  return `${by} at ${new Date(at).toISOString()} ${verb} ${type.kind} ${name}${subresource ? `/${subresource}` : ''}${change}`;
}

const condition = (object: Loose, type: string): string | undefined =>
  object.status?.conditions?.find((each: { type: string }) => each.type === type)?.status;

/**
 * What has to hold once nothing happens any more: every object is where a plain model says.
 * @param answerOf what the source of a trigger answers
 */
export function unsettled(world: Simulation, answerOf: (name: string, index: number) => number): string[] {
  const problems: string[] = [];
  const now = world.clock.now();
  const say = (object: Loose, what: string) =>
    problems.push(
      `${object.metadata.name}: ${what}; ${JSON.stringify(object.metadata.annotations ?? {})} ${JSON.stringify(object.spec.triggers.length)} ${JSON.stringify(object.status)}`,
    );
  for (const object of world.list(SCALED_OBJECTS)) {
    const { name, uid } = object.metadata;
    if (object.metadata.deletionTimestamp) {
      say(object, 'is still there though it was deleted');
      continue;
    }
    const target = world.get(DEPLOYMENTS, name);
    const hpa = world.get(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${name}`);
    const pause = pauseState(object as unknown as ScaledObject, now);
    const isDry = readBooleanAnnotation(object, DRY_RUN);
    const noIn = readBooleanAnnotation(object, PAUSED_SCALE_IN);
    const noOut = readBooleanAnnotation(object, PAUSED_SCALE_OUT);
    const isPaused = pause.paused || noIn || noOut;
    if (condition(object, 'Paused') !== (isPaused ? 'True' : 'False')) say(object, `Paused is not ${isPaused}`);
    if (pause.paused) {
      if (hpa) say(object, 'is paused and has an HPA');
      if (target && pause.replicas !== undefined && object.status?.pausedReplicaCount !== pause.replicas)
        say(object, 'is not set to its paused replicas');
      continue;
    }
    if (!target) {
      if (condition(object, 'Ready') !== 'False') say(object, 'has no target and is ready');
      continue;
    }
    if (condition(object, 'Ready') !== 'True') say(object, 'is not ready');
    if (isDry) {
      if (hpa) say(object, 'is in dry run and has an HPA');
      continue;
    }
    const { minReplicaCount: min = 0, maxReplicaCount: max = 100, idleReplicaCount: idle } = object.spec;
    if (controllerOf(hpa ?? { metadata: { name: '' } })?.uid !== uid) say(object, 'has no HPA of its own');
    const values = object.spec.triggers.map((_: unknown, index: number) => answerOf(name, index));
    const force = readBooleanAnnotation(object, 'autoscaling.keda.sh/force-activation');
    const active = force || values.some((value: number) => value > 0);
    if (condition(object, 'Active') !== (active ? 'True' : 'False')) say(object, `Active is not ${active}`);
    const replicas = target.spec.replicas as number;
    if (noIn || noOut) continue;
    const least = !active && idle ? idle : Math.max(min, 1);
    if (hpa && (hpa.spec.maxReplicas !== max || hpa.spec.minReplicas !== least))
      say(object, 'has an HPA with other bounds');
    const demand = Math.max(...values.map((value: number) => Math.ceil(value / 10)));
    const wanted = active ? Math.min(max, Math.max(demand, min, 1)) : (idle ?? min);
    // KEDA 2.21: below its idle replicas a target without work is left alone.
    const isBelowIdle = !active && idle !== undefined && replicas < idle;
    if (replicas !== wanted && !isBelowIdle) say(object, `runs ${replicas} replicas, not ${wanted}`);
  }
  for (const hpa of world.list(HORIZONTAL_POD_AUTOSCALERS)) {
    const owner = controllerOf(hpa);
    const object = owner && world.get(SCALED_OBJECTS, owner.name);
    if (!object || object.metadata.uid !== owner?.uid) problems.push(`the HPA ${hpa.metadata.name} is left behind`);
  }
  for (const object of world.list(SCALED_JOBS)) {
    const { name } = object.metadata;
    if (object.metadata.deletionTimestamp) {
      say(object, 'is still there though it was deleted');
      continue;
    }
    const pause = pauseState(object as unknown as ScaledJob, now);
    if (condition(object, 'Paused') !== (pause.paused ? 'True' : 'False')) say(object, `Paused is not ${pause.paused}`);
    if (pause.paused || readBooleanAnnotation(object, DRY_RUN)) continue;
    const { minReplicaCount: min = 0, maxReplicaCount: max = 100 } = object.spec;
    if (running(world, name) < Math.min(max, min)) say(object, 'runs fewer Jobs than its minimum');
    const value = answerOf(name, 0);
    if (value > 0 && running(world, name) === 0) say(object, 'has work and no Job');
  }
  return problems;
}
