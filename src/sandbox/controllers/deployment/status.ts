import { setCondition } from '../context.ts';
import type { Condition, ReplicaSet } from '../kinds.ts';
import { rolloutLimits } from './rolling.ts';
import type { Deployment, DeploymentStatus } from './types.ts';

const total = (sets: ReplicaSet[], of: (set: ReplicaSet) => number | undefined) =>
  sets.reduce((sum, set) => sum + (of(set) ?? 0), 0);

/** Every wanted pod is of the new template and available, and no other is left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const replicas = deployment.spec.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (s: DeploymentStatus) => (s.replicas ?? 0) - (s.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

export interface StatusResult {
  status: DeploymentStatus;
  /** Milliseconds until the progress deadline passes. */
  again?: number;
}

/** A Deployment's status from its ReplicaSets; `next` is the one of the current template. */
export function deploymentStatus(
  deployment: Deployment,
  sets: ReplicaSet[],
  next: ReplicaSet | undefined,
  now: number,
): StatusResult {
  const { spec } = deployment;
  const before = deployment.status ?? {};
  const replicas = spec.replicas ?? 1;
  const available = total(sets, (s) => s.status?.availableReplicas);
  const wantedTotal = total(sets, (s) => s.spec.replicas ?? 1);
  const counts: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: total(sets, (s) => s.status?.replicas),
    updatedReplicas: next?.status?.replicas ?? 0,
    readyReplicas: total(sets, (s) => s.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wantedTotal - available),
  };
  const minimum =
    replicas -
    (spec.strategy?.type === 'Recreate' ? 0 : rolloutLimits(spec.strategy?.rollingUpdate, replicas).unavailable);
  let conditions = before.conditions;
  const set = (condition: Condition) => {
    const present = conditions?.find((c) => c.type === condition.type);
    const list = setCondition(conditions, condition, now);
    const changed = list.find((c) => c.type === condition.type);
    // Kubernetes: also says when it last changed at all.
    if (list !== conditions && changed && changed !== present)
      changed.lastUpdateTime = new Date(now).toISOString().replace(/\.\d+/, '');
    conditions = list;
  };
  if (available >= minimum)
    set({
      type: 'Available',
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    });
  else
    set({
      type: 'Available',
      status: 'False',
      reason: 'MinimumReplicasUnavailable',
      message: 'Deployment does not have minimum availability.',
    });
  const progressing = conditions?.find((c) => c.type === 'Progressing');
  const subject = next ? `ReplicaSet "${next.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const deadline = (spec.progressDeadlineSeconds ?? 600) * 1000;
  let again: number | undefined;
  if (isComplete(deployment, counts))
    set({
      type: 'Progressing',
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `${subject} has successfully progressed.`,
    });
  else if (!spec.paused) {
    const moved = hasProgressed(before, counts);
    const since = Date.parse(progressing?.lastUpdateTime ?? progressing?.lastTransitionTime ?? '');
    const waiting = progressing && progressing.reason !== 'NewReplicaSetAvailable';
    if (moved && progressing?.reason !== 'ProgressDeadlineExceeded') {
      if (conditions) conditions = conditions.filter((c) => c.type !== 'Progressing' || c.status === 'True');
      conditions = conditions?.map((c) => (c.type === 'Progressing' ? { ...c, reason: '' } : c));
      set({ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.` });
    } else if (waiting && progressing.status === 'True' && !Number.isNaN(since)) {
      if (now - since >= deadline)
        set({
          type: 'Progressing',
          status: 'False',
          reason: 'ProgressDeadlineExceeded',
          message: `${subject} has timed out progressing.`,
        });
      else again = since + deadline - now;
    }
  }
  const status: DeploymentStatus = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0));
  if (before.collisionCount) status.collisionCount = before.collisionCount;
  if (conditions) status.conditions = conditions;
  return { status, ...(again === undefined ? {} : { again }) };
}

/** Says why a rollout is on its way, where counts alone do not tell. */
export function withProgress(deployment: Deployment, reason: string, message: string, now: number): Deployment {
  const status = deployment.status ?? {};
  const condition: Condition = {
    type: 'Progressing',
    status: reason === 'DeploymentPaused' ? 'Unknown' : 'True',
    reason,
    message,
  };
  const conditions = setCondition(status.conditions, condition, now).map((c) =>
    c.type === 'Progressing' ? { ...c, lastUpdateTime: new Date(now).toISOString().replace(/\.\d+/, '') } : c,
  );
  return { ...deployment, status: { ...status, conditions } };
}
