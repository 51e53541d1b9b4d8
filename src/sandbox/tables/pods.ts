import { type Fields, isFields, items, number, part, text } from '../schema/fields.ts';
import type { AnyObject } from '../types.ts';
import { since } from './age.ts';
import { AGE, type Column, column, count, NAME, NONE, spec, status, textOr, wide } from './column.ts';

interface PodCells {
  ready: string;
  reason: string;
  restarts: string;
}

export const PODS: Column[] = [
  NAME,
  column('Ready', (pod, now) => podCells(pod, now).ready),
  column('Status', (pod, now) => podCells(pod, now).reason),
  column('Restarts', (pod, now) => podCells(pod, now).restarts),
  AGE,
  wide('IP', (pod) => textOr(items(status(pod), 'podIPs')[0]?.ip ?? status(pod).podIP, NONE)),
  wide('Node', (pod) => textOr(spec(pod).nodeName, NONE)),
  wide('Nominated Node', (pod) => textOr(status(pod).nominatedNodeName, NONE)),
  wide('Readiness Gates', readinessGates),
];

function readinessGates(pod: AnyObject): string {
  const gates = items(spec(pod), 'readinessGates').map((gate) => text(gate, 'conditionType'));
  if (gates.length === 0) return NONE;
  return `${gates.filter((gate) => hasCondition(pod, gate)).length}/${gates.length}`;
}

function hasCondition(object: AnyObject, type: string): boolean {
  return items(status(object), 'conditions').some((one) => one.type === type && one.status === 'True');
}

const restartable = (container: Fields | undefined) => container?.restartPolicy === 'Always';

/** Kubernetes' printPod: what init containers and containers report wins over the phase, in this order. */
function podCells(pod: AnyObject, now: number): PodCells {
  const podStatus = status(pod);
  let reason = textOr(podStatus.reason, text(podStatus, 'phase'));
  if (items(podStatus, 'conditions').some((one) => one.type === 'PodScheduled' && one.reason === 'SchedulingGated'))
    reason = 'SchedulingGated';
  const inits = new Map(items(spec(pod), 'initContainers').map((one) => [text(one, 'name'), one]));
  const sidecars = [...inits.values()].filter(restartable).length;
  const initStatuses = items(podStatus, 'initContainerStatuses');
  const waiting = initReason(initStatuses, inits);
  let ready = waiting.ready;
  let counted = initStatuses.filter(
    (one, index) => index <= waiting.stoppedAt || restartable(inits.get(text(one, 'name'))),
  );
  if (waiting.reason !== undefined) reason = waiting.reason;
  if (waiting.reason === undefined || hasCondition(pod, 'Initialized')) {
    counted = initStatuses.filter((one) => restartable(inits.get(text(one, 'name'))));
    const containers = items(podStatus, 'containerStatuses');
    counted.push(...containers);
    ready += containers.filter((one) => one.ready === true && isFields(part(one, 'state').running)).length;
    reason = containersReason(pod, containers, reason);
  }
  const over = podStatus.phase === 'Succeeded' || podStatus.phase === 'Failed';
  if (pod.metadata.deletionTimestamp !== undefined && podStatus.reason === 'NodeLost') reason = 'Unknown';
  else if (pod.metadata.deletionTimestamp !== undefined && !over) reason = 'Terminating';
  return {
    ready: `${ready}/${items(spec(pod), 'containers').length + sidecars}`,
    reason,
    restarts: restartsText(counted, now),
  };
}

/** The first init container that is not through, if any. */
function initReason(
  statuses: Fields[],
  inits: Map<string, Fields>,
): { reason?: string; ready: number; stoppedAt: number } {
  let ready = 0;
  for (const [index, one] of statuses.entries()) {
    const state = part(one, 'state');
    const terminated = isFields(state.terminated) ? state.terminated : undefined;
    if (terminated && count(terminated, 'exitCode') === 0) continue;
    if (restartable(inits.get(text(one, 'name'))) && one.started === true) {
      if (one.ready === true) ready++;
      continue;
    }
    const waiting = text(part(state, 'waiting'), 'reason');
    if (terminated) return { reason: `Init:${terminatedReason(terminated)}`, ready, stoppedAt: index };
    if (waiting !== '' && waiting !== 'PodInitializing') return { reason: `Init:${waiting}`, ready, stoppedAt: index };
    return { reason: `Init:${index}/${inits.size}`, ready, stoppedAt: index };
  }
  return { ready, stoppedAt: statuses.length };
}

function containersReason(pod: AnyObject, containers: Fields[], before: string): string {
  let reason = before;
  let failed: string | undefined;
  let running = false;
  for (const one of [...containers].reverse()) {
    const state = part(one, 'state');
    const waiting = text(part(state, 'waiting'), 'reason');
    if (waiting !== '') reason = waiting;
    else if (isFields(state.terminated)) {
      reason = terminatedReason(state.terminated);
      if (count(state.terminated, 'exitCode') !== 0) failed = reason;
    } else if (one.ready === true && isFields(state.running)) running = true;
  }
  if (reason !== 'Completed') return reason;
  if (running && hasCondition(pod, 'Ready')) return 'Running';
  return failed ?? (running ? 'NotReady' : reason);
}

function terminatedReason(terminated: Fields): string {
  const signal = count(terminated, 'signal');
  return textOr(terminated.reason, signal === 0 ? `ExitCode:${count(terminated, 'exitCode')}` : `Signal:${signal}`);
}

function restartsText(statuses: Fields[], now: number): string {
  const restarts = statuses.reduce((sum, one) => sum + (number(one, 'restartCount') ?? 0), 0);
  const last = statuses
    .map((one) => text(part(part(one, 'lastState'), 'terminated'), 'finishedAt'))
    .sort()
    .at(-1);
  return restarts > 0 && last ? `${restarts} (${since(last, now)} ago)` : `${restarts}`;
}
