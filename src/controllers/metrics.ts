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

/** One HTTP request of a scaler, made to measure something. */
export interface ScalerRequest {
  namespace: string;
  kind: TriggerLabels['kind'];
  /** Name of the ScaledObject or ScaledJob that asked first; others with an equal query share the request. */
  object: string;
  /** The trigger type. */
  scaler: string;
  triggerName: string;
  metric: string;
  /** Undefined when no answer came. */
  statusCode: number | undefined;
  tookMs: number;
}

/** A query of a Prometheus trigger that gave nothing. */
export interface EmptyResponse {
  namespace: string;
  kind: TriggerLabels['kind'];
  object: string;
  triggerName: string;
  metric: string;
  ignoreNullValues: boolean;
}

/** What controllers report; src/servers/telemetry turns it into series. */
export interface ControllerMetrics {
  triggerRead(
    labels: TriggerLabels,
    /** `active` is absent under a formula, which alone decides; `tookMs` when nothing was asked (cpu, memory). */
    reading: { value?: number; active?: boolean; tookMs?: number; failed: boolean },
  ): void;
  /** Drops the series of triggers that are gone; `keep` are the ones that stay. */
  forgetTriggers(kind: TriggerLabels['kind'], namespace: string, object: string, keep: readonly TriggerLabels[]): void;
  objectError(kind: TriggerLabels['kind'], namespace: string, object: string): void;
  paused(kind: TriggerLabels['kind'], namespace: string, object: string, paused: boolean): void;
  /** Objects that exist, by kind and namespace, and their triggers by type; replaces what was said before. */
  registered(object: { kind: string; namespace: string; name: string }, triggerTypes: readonly string[]): void;
  unregistered(object: { kind: string; namespace: string; name: string }): void;
  /** How long after its planned time a scale loop acted, in milliseconds. */
  scaleLoop(loop: { namespace: string; kind: TriggerLabels['kind']; name: string; lateMs: number }): void;
  scalerRequest(request: ScalerRequest): void;
  emptyResponse(response: EmptyResponse): void;
}

export const noMetrics: ControllerMetrics = {
  triggerRead() {},
  forgetTriggers() {},
  objectError() {},
  paused() {},
  registered() {},
  unregistered() {},
  scaleLoop() {},
  scalerRequest() {},
  emptyResponse() {},
};
