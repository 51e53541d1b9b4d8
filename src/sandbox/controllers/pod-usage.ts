/** What a pod uses now, container by container. */
export interface PodUsage {
  namespace: string;
  name: string;
  labels: Record<string, string>;
  /** Milliseconds since 1970. */
  at: number;
  /** Over how many milliseconds the CPU was measured. */
  windowMs: number;
  containers: { name: string; cpuMilli: number; memoryBytes: number }[];
}

/** The pods of which usage is known at the moment. */
export type PodUsageReader = () => PodUsage[];
