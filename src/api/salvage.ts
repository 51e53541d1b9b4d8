import { type Path, parsePath, valueAt } from '../spec/object-path.ts';
import type { ObjectProblem } from '../spec/object-problem.ts';

/**
 * The part of an object that passed validation, so that rules can judge the rest at the same time: values with a
 * problem that rules could not read are taken out, and what every object has is there though it may be empty.
 */
export function salvage(kept: Record<string, unknown>, problems: readonly ObjectProblem[]): Record<string, unknown> {
  const object = structuredClone(kept);
  for (const { path, usable } of problems) if (!usable) takeOut(object, parsePath(path));
  const spec = own(object, 'spec', {}) as Record<string, unknown>;
  own(object, 'metadata', { name: '' });
  if (object.kind === 'ScaledObject') {
    const target = own(spec, 'scaleTargetRef', { name: '' }) as Record<string, unknown>;
    own(target, 'name', '');
  }
  if (object.kind === 'ScaledJob') {
    const job = own(spec, 'jobTargetRef', { template: {} }) as Record<string, unknown>;
    own(job, 'template', {});
  }
  if (object.kind === 'ScaledObject' || object.kind === 'ScaledJob')
    for (const trigger of own(spec, 'triggers', []) as Record<string, unknown>[]) {
      own(trigger, 'type', '');
      own(trigger, 'metadata', {});
    }
  if (String(object.kind).endsWith('CloudEventSource')) own(spec, 'destination', {});
  return object;
}

function own(object: Record<string, unknown>, name: string, otherwise: unknown): unknown {
  object[name] ??= otherwise;
  return object[name];
}

function takeOut(object: Record<string, unknown>, path: Path): void {
  const last = path.at(-1);
  const parent = valueAt(object, path.slice(0, -1));
  if (last === undefined || typeof parent !== 'object' || parent === null) return;
  // An entry of a list keeps its place, so that later entries keep their numbers.
  if (Array.isArray(parent)) {
    if (typeof last === 'number' && last < parent.length) parent[last] = {};
  } else delete (parent as Record<string | number, unknown>)[last];
}
