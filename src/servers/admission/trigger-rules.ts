import { isDeepStrictEqual } from 'node:util';
import { usesScalingModifiers } from '../../api/defaults.ts';
import type { ScaledJob, ScaledObject, Trigger } from '../../api/index.ts';
import { isResourceTrigger } from '../../api/rules/index.ts';
import { judgeTrigger } from '../../scalers/judge-trigger.ts';
import { KEDA_TRIGGER_TYPES } from '../../scalers/keda-types.ts';
import { nothingKnown, nothingThere } from '../../scalers/partly-known.ts';
import { findDefinition } from '../../scalers/registry.ts';
import { formatPath } from '../../spec/object-path.ts';
import { note } from './review.ts';
import type { Verdict } from './types.ts';

/**
 * Judges the parameters of every trigger by what stands in it. Whatever an authentication or the environment of the
 * target could give counts as there, since both may come later: only what can never work is refused. A trigger that is
 * in the old object as it stands is not refused, so that an object from before can still be changed elsewhere.
 */
export function checkTriggers(
  kind: 'ScaledObject' | 'ScaledJob',
  object: ScaledObject | ScaledJob,
  oldObject: Readonly<Record<string, unknown>> | undefined,
): Verdict {
  const verdict: Verdict = { problems: [], notes: [] };
  const before = triggersOf(oldObject);
  const asMetricSource = kind === 'ScaledObject' && usesScalingModifiers(object as ScaledObject);
  object.spec.triggers.forEach((trigger: Trigger, triggerIndex) => {
    // Nothing measures a Job's cpu; a rule of the kind tells that.
    if (trigger.type === '' || (kind === 'ScaledJob' && isResourceTrigger(trigger))) return;
    if (findDefinition(trigger.type) === undefined && KEDA_TRIGGER_TYPES.has(trigger.type)) {
      const path = ['spec', 'triggers', triggerIndex, 'type'];
      verdict.notes.push(note(path, `this version cannot read ${trigger.type} yet: the trigger fails until it can`));
      return;
    }
    const refers = trigger.authenticationRef !== undefined;
    const findings = judgeTrigger(trigger, {
      context: {
        triggerIndex,
        namespace: object.metadata.namespace ?? '',
        objectName: object.metadata.name,
        objectKind: kind,
        triggerName: trigger.name,
        metricType: kind === 'ScaledJob' ? undefined : trigger.metricType,
        asMetricSource,
      },
      parameters: refers ? nothingKnown() : nothingThere(),
      podIdentity: refers ? undefined : { provider: 'none' },
      environment: nothingKnown(),
    });
    const isOld = before.some((old) => isDeepStrictEqual(old, trigger));
    for (const { path, severity, message, hint } of findings) {
      const told = withoutField(message, String(path.at(-1)));
      const text = hint === undefined ? told : `${told} (${hint})`;
      if (severity === 'error' && !isOld)
        verdict.problems.push({ reason: 'incorrect-triggers', path: formatPath(path), message: text });
      else verdict.notes.push(note(path, text));
    }
  });
  return verdict;
}

/** Some messages begin with the field's name, for where no path stands before them. */
function withoutField(message: string, field: string): string {
  return message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
}

function triggersOf(object: Readonly<Record<string, unknown>> | undefined): Trigger[] {
  const triggers = (object?.spec as { triggers?: unknown } | undefined)?.triggers;
  return Array.isArray(triggers) ? triggers : [];
}
