import type { MetricType } from '../scalers/definition.ts';

/** What asking a source gave. The kinds are never mixed: only `value` holds a number. */
export type TriggerReading =
  | { kind: 'value'; value: number; active?: boolean | undefined }
  /** `active`: the source says whether there is work although it has no number. */
  | { kind: 'no-data'; reason: string; active?: boolean | undefined }
  /** `terminal`: no retry helps before somebody changes an object or a setting. */
  | { kind: 'error'; message: string; terminal?: boolean | undefined }
  /** Not answered yet: just started, taken over from another replica, or still waiting. */
  | { kind: 'pending' };

interface Identity {
  /** Position in spec.triggers, 0-based. */
  index: number;
  type: string;
  /** The trigger's `name`, if it has one. */
  name?: string | undefined;
}

/** An external metric of a trigger and what is known of it. */
export interface ExternalTriggerState extends Identity {
  kind: 'external';
  /** As the HPA asks for it: `s0-…`. */
  metricName: string;
  target: number;
  metricType: Exclude<MetricType, 'Utilization'>;
  /** What it counts as while it cannot be read; absent is as KEDA has it. */
  onError?: 'hold' | 'ignore' | 'fallback' | undefined;
  /** Active when the value is strictly greater; absent where the scaler judges activity itself. */
  activation?: number | undefined;
  reading: TriggerReading;
  /** The source said by itself that there is work, and no reading of later says otherwise. */
  signalled?: boolean | undefined;
  /** Age of the reading in milliseconds; absent before the first one. */
  ageMs?: number | undefined;
  /** Failed polls in a row, at most one per polling interval however often the source was asked; 0 after a success. */
  failures: number;
  /** Whether the trigger was active when that was last known (this process or status.triggersActivity). */
  lastKnownActive?: boolean | undefined;
  /** The last good value, if there was one since the process knows the trigger. */
  lastGood?: { value: number; ageMs: number } | undefined;
}

/** A trigger that Kubernetes measures itself: it gives no activity and no value here. */
export interface ResourceTriggerState extends Identity {
  kind: 'resource';
  resource: 'cpu' | 'memory';
}

export type TriggerState = ExternalTriggerState | ResourceTriggerState;

/** A reading in which no number is NaN or infinite: such an answer is an error, not a value. */
export function soundReading(reading: TriggerReading): TriggerReading {
  if (reading.kind !== 'value' || Number.isFinite(reading.value)) return reading;
  return {
    kind: 'error',
    message: `the source answered ${reading.value}, which is not a number that can be scaled on`,
  };
}

/** How a person finds the trigger: `orders (rabbitmq)`, or `trigger 0 (rabbitmq)` when it has no name. */
export function triggerLabel({ index, type, name }: Identity): string {
  return name ? `${name} (${type})` : `trigger ${index} (${type})`;
}
