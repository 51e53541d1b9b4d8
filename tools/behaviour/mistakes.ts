import type { Chapter } from './types.ts';

const CLASSES = 'test/e2e/bug-classes.test.ts';
const RESTART = 'test/e2e/bug-classes-restart.test.ts';

/** The mistakes that users of autoscalers report again and again. */
export const MISTAKES: readonly Chapter[] = [
  {
    title: 'Mistakes that are not made again',
    behaviours: [
      [
        'Triggers of a deleted object do not live on under its name.',
        CLASSES,
        'of a deleted object live on in one that is made again under its name',
      ],
      [
        'Triggers that are rebuilt give the HPA no errors and scale nothing in.',
        CLASSES,
        'that are rebuilt while the HPA reads them give errors, and the target is scaled in',
      ],
      [
        'A slow source does not slow others down, nor the HPA’s answers about them.',
        CLASSES,
        'that hangs stalls the others, and the HPA with them',
      ],
      ['A failing source does not collect connections.', CLASSES, 'that fails costs a connection at every read'],
      [
        'Incomplete objects and churn do not end the process.',
        CLASSES,
        'make and delete objects so fast, or so incomplete, that the process ends',
      ],
      [
        'Writes of others at the same moment are not lost.',
        CLASSES,
        'that write at the same moment lose what they wrote',
      ],
      ['401, 404, 429, 503, garbage and silence are not an empty queue.', CLASSES, 'that gives %s counts as empty'],
      [
        'The fallback keeps to its threshold.',
        CLASSES,
        'stands in before its threshold, because the HPA reads meanwhile',
      ],
      ['A pause neither sticks nor comes back.', RESTART, 'misses a pause that %s while nobody was there'],
      [
        'Jobs are not created twice for the same work.',
        CLASSES,
        'are created again at every poll for work that has one',
      ],
      [
        'An HPA that was there is neither fought over nor replaced.',
        CLASSES,
        'that was there before under the name is fought over, or replaced',
      ],
      [
        'A target does not stay at zero that was to get its replicas back.',
        RESTART,
        'leaves its target at zero that was to get its replicas back',
      ],
      [
        'A broken push stream is not an end of scaling.',
        'test/e2e/external-push.test.ts',
        'gets over the end of its server: an event, polls, and the stream again',
      ],
      [
        'Negative, huge and tiny values stay quantities and within the bounds.',
        CLASSES,
        'like %d is no quantity, or scales beyond the maximum',
      ],
      [
        'A rotated credential does not wait for an outage.',
        'test/e2e/scaled-object-triggers.test.ts',
        'that change in their Secret are used at once, without a touch of the ScaledObject',
      ],
      [
        'A ScaledObject may come before its Deployment.',
        'test/e2e/admission.test.ts',
        'a ScaledObject may come before its Deployment, and is judged by it when that is there',
      ],
      [
        'The operator’s own series go with their object.',
        'test/e2e/telemetry.test.ts',
        'the series that KEDA has are there while the object is, and go with it',
      ],
      [
        'No credential turns up in logs, events or conditions.',
        CLASSES,
        'has a credential that turns up in logs, events or conditions',
      ],
      [
        'A redirect takes no credential to another origin.',
        'src/scalers/_http/client.test.ts',
        'takes the credential along on the same origin only',
      ],
      ['A credential file outside of its root is not read.', 'src/auth/auth.test.ts', 'outside the root'],
      [
        'A metrics API that cannot answer says that it is not ready.',
        'src/servers/metrics-api/metrics-api.test.ts',
        'needs nobody for health, which is honest about readiness',
      ],
      [
        'The registered metrics API keeps namespaces deletable.',
        'test/cluster/operator.test.ts',
        'keeps a namespace deletable',
      ],
      [
        'Certificates are replaced without a failed request.',
        'test/e2e/certificates.test.ts',
        'answers every request while its authority is replaced, twice',
      ],
      [
        'An outage of the API server or of etcd restarts nothing and scales nothing.',
        'test/cluster/outages.test.ts',
        'scales nothing, loses nothing and is over by itself: %s',
      ],
    ],
  },
];
