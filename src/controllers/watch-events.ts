import type { KubeObject } from '../base/object.ts';
import type { ControllerContext } from './context.ts';

type Teller = Pick<ControllerContext, 'events'>;

/** The triggers of an object are watched from now on; `types` as its status names them. */
export function tellStarted({ events }: Teller, object: KubeObject, count: number, types: string | undefined): void {
  events.record(object, {
    type: 'Normal',
    reason: 'KEDAScalersStarted',
    action: 'ScalersWatchStarted',
    note: `Watching ${count} trigger(s): ${types}`,
  });
}

/** They are watched no longer: the object is paused, or going. */
export function tellStopped({ events }: Teller, object: KubeObject): void {
  events.record(object, { type: 'Normal', reason: 'KEDAScalersStopped', note: 'Stopped watching the triggers' });
}
