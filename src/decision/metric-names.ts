import { WindlassError } from '../base/errors.ts';

/** The name under which the HPA asks for a trigger's metric: `s0-rabbitmq-orders`. */
export function externalMetricName(triggerIndex: number, name: string): string {
  return `s${triggerIndex}-${name}`;
}

/** Whether two names mean one metric. The HPA and the API path may change the case (KEDA 2.21 compares without it). */
export function sameMetricName(a: string, b: string): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase();
}

/**
 * Makes sure that every external metric of an object has a name of its own.
 * @throws InvalidTrigger naming the metric that is there twice
 */
export function requireUniqueNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name))
      throw new WindlassError('InvalidTrigger', `two metrics have the name ${name}`, {
        hint: 'names start with the position of the trigger, so one trigger gives both: its scaler must name them apart',
      });
    seen.add(name);
  }
}
