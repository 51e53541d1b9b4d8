/** A value that a trigger was read as, for those who follow raw metrics. */
export interface RawReading {
  namespace: string;
  /** Name of the ScaledObject or ScaledJob. */
  object: string;
  /** The trigger's name, or the name KEDA's dashboards know its type by. */
  trigger: string;
  value: number;
  active: boolean;
  /** When the source gave it, in milliseconds since 1970. */
  at: number;
  /** For whom it was read or handed out. */
  asked: 'poll' | 'hpa';
}

export type RawReadings = (reading: RawReading) => void;
