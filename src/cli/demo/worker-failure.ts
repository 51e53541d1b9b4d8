import { PODS } from '../../api/resources.ts';
import { WindlassError } from '../../base/errors.ts';
import type { KubeObject } from '../../base/object.ts';
import type { KubeClient } from '../../kube/client.ts';

interface Ended {
  exitCode?: number;
  message?: string;
}

interface Pod extends KubeObject {
  status?: {
    containerStatuses?: {
      state?: { waiting?: { reason?: string; message?: string }; terminated?: Ended };
      lastState?: { terminated?: Ended };
    }[];
  };
}

/** States of a container that does not come up by itself. */
const STUCK = new Set(['CrashLoopBackOff', 'CreateContainerError', 'CreateContainerConfigError']);

const endingOf = ({ status }: Pod): Ended | undefined => {
  const container = status?.containerStatuses?.[0];
  const ended = container?.state?.terminated ?? container?.lastState?.terminated;
  return ended && ended.exitCode !== 0 ? ended : undefined;
};

/** Pods of a selector whose container ends again and again, or cannot be started. */
export async function stuckPods(client: KubeClient, namespace: string, labelSelector: string): Promise<Pod[]> {
  const pods = await client.listAll<Pod>(PODS, { namespace, labelSelector });
  return pods.filter(({ status }) => STUCK.has(status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ''));
}

/** The error for workers that fail: how one of the selected pods ended, and the last lines that it wrote. */
export async function workerFailure(
  client: KubeClient,
  { namespace, labelSelector, what }: { namespace: string; labelSelector: string; what: string },
): Promise<WindlassError> {
  const pods = await client.listAll<Pod>(PODS, { namespace, labelSelector });
  const pod = pods.findLast(endingOf) ?? pods.at(-1);
  const ended = pod && endingOf(pod);
  const waiting = pod?.status?.containerStatuses?.[0]?.state?.waiting;
  const how = ended?.message || (ended ? `exit code ${ended.exitCode}` : (waiting?.message ?? 'no reason was given'));
  const lines = pod
    ? await client
        .request({
          method: 'GET',
          path: `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/log`,
          query: { tailLines: 20 },
        })
        .then((answer) => answer.text.trimEnd())
        .catch(() => '')
    : '';
  return new WindlassError('Internal', `${what}: ${how}`, {
    hint: lines === '' ? 'the worker wrote nothing before it ended' : `its last lines:\n${lines.replace(/^/gm, '  ')}`,
  });
}
