/** Labels of the series that are kept for every metric of a trigger (KEDA 2.21). */
export interface TriggerLabels {
  namespace: string;
  /** ScaledObject or ScaledJob. */
  kind: 'ScaledObject' | 'ScaledJob';
  object: string;
  /** The trigger's name, or the name KEDA's dashboards know its type by. */
  scaler: string;
  triggerIndex: number;
  metric: string;
}

/** What controllers report; src/servers/telemetry turns it into series. */
export interface ControllerMetrics {
  triggerRead(
    labels: TriggerLabels,
    reading: { value?: number; active: boolean; tookMs: number; failed: boolean },
  ): void;
  /** Drops the series of triggers that are gone; `keep` are the ones that stay. */
  forgetTriggers(kind: TriggerLabels['kind'], namespace: string, object: string, keep: readonly TriggerLabels[]): void;
  objectError(kind: TriggerLabels['kind'], namespace: string, object: string): void;
  paused(kind: TriggerLabels['kind'], namespace: string, object: string, paused: boolean): void;
  /** Objects that exist, by kind and namespace, and their triggers by type; replaces what was said before. */
  registered(object: { kind: string; namespace: string; name: string }, triggerTypes: readonly string[]): void;
  unregistered(object: { kind: string; namespace: string; name: string }): void;
}

export const noMetrics: ControllerMetrics = {
  triggerRead() {},
  forgetTriggers() {},
  objectError() {},
  paused() {},
  registered() {},
  unregistered() {},
};
