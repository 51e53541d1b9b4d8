/** A pod of a Job, as far as counting needs it. */
export interface JobPod {
  phase: string;
  /** When its first container started, in milliseconds since 1970; undefined before that or when it is not known. */
  startedAt?: number | undefined;
  /** Types of the conditions that are True. */
  conditions: readonly string[];
}

/** A Job, as far as decisions need it. Times are wall-clock milliseconds since 1970, from the API server's objects. */
export interface JobView {
  name: string;
  createdAt: number;
  /** UID of the controlling owner. */
  ownerUid?: string | undefined;
  /** From the annotation scaledjob.keda.sh/generation. */
  generation?: string | undefined;
  /** From the annotation windlass.dev/job-template, on Jobs that we made. */
  template?: string | undefined;
  /** The condition Complete or Failed that is True; absent while the Job runs. */
  outcome?: 'complete' | 'failed' | undefined;
  /** status.completionTime, or for failed Jobs when the condition Failed became True. */
  finishedAt?: number | undefined;
  /** Its deletion is under way; it still counts as running while its pods end. */
  deleting?: boolean | undefined;
  pods: readonly JobPod[];
}

/** A Job that was created, and that the list of Jobs does not show yet. */
export interface ExpectedJob {
  name: string;
  createdAt: number;
}

/**
 * A batch/v1 Job and its pods, as read from the API server.
 * @param pods those with the label `job-name` of the Job
 */
export function jobView(
  job: RawJob,
  pods: readonly RawPod[],
  names: { generation: string; template: string },
): JobView {
  const { metadata, status } = job;
  const ended = status?.conditions?.find(
    ({ type, status: on }) => on === 'True' && (type === 'Complete' || type === 'Failed'),
  );
  const finishedAt = time(status?.completionTime) ?? time(ended?.lastTransitionTime);
  return {
    name: metadata.name,
    createdAt: time(metadata.creationTimestamp) ?? 0,
    ownerUid: metadata.ownerReferences?.find(({ controller }) => controller)?.uid,
    generation: metadata.annotations?.[names.generation],
    template: metadata.annotations?.[names.template],
    ...(ended ? { outcome: ended.type === 'Complete' ? 'complete' : 'failed', finishedAt } : {}),
    deleting: metadata.deletionTimestamp !== undefined,
    pods: pods.map(podView),
  };
}

interface RawJob {
  metadata: {
    name: string;
    creationTimestamp?: string | undefined;
    deletionTimestamp?: string | undefined;
    annotations?: Readonly<Record<string, string>> | undefined;
    ownerReferences?: readonly { uid: string; controller?: boolean | undefined }[] | undefined;
  };
  status?:
    | {
        completionTime?: string | undefined;
        conditions?: readonly { type: string; status: string; lastTransitionTime?: string | undefined }[] | undefined;
      }
    | undefined;
}

interface RawPod {
  status?:
    | {
        phase?: string | undefined;
        startTime?: string | undefined;
        conditions?: readonly { type: string; status: string }[] | undefined;
        containerStatuses?:
          | readonly {
              state?: {
                running?: { startedAt?: string | undefined } | undefined;
                terminated?: { startedAt?: string | undefined } | undefined;
              };
            }[]
          | undefined;
      }
    | undefined;
}

function podView({ status }: RawPod): JobPod {
  const starts = (status?.containerStatuses ?? []).flatMap(({ state }) => {
    const started = time(state?.running?.startedAt ?? state?.terminated?.startedAt);
    return started === undefined ? [] : [started];
  });
  return {
    phase: status?.phase ?? 'Unknown',
    startedAt: starts.length > 0 ? Math.min(...starts) : undefined,
    conditions: (status?.conditions ?? []).flatMap(({ type, status: on }) => (on === 'True' ? [type] : [])),
  };
}

function time(text: string | undefined): number | undefined {
  const parsed = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(parsed) ? undefined : parsed;
}
