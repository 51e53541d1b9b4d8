import type { Chapter } from './types.ts';

const AUTH = 'src/auth/auth.test.ts';
const TRIGGERS = 'test/e2e/scaled-object-triggers.test.ts';
const API = 'src/servers/metrics-api/metrics-api.test.ts';
const FAILURES = 'src/sampling/failures.test.ts';
const SAMPLING = 'src/sampling/sampling.test.ts';
const JUDGE = 'src/servers/admission/judge.test.ts';
const WEBHOOK = 'src/servers/admission/server.test.ts';
const ADMISSION = 'test/e2e/admission.test.ts';
const RULES = 'src/api/rules/other-kinds.test.ts';
const EVENTS = 'src/kube/events.test.ts';
const CLASSES = 'test/e2e/bug-classes.test.ts';
const RESTART = 'test/e2e/bug-classes-restart.test.ts';

export const AROUND: readonly Chapter[] = [
  {
    title: 'Credentials',
    behaviours: [
      [
        'Secrets and ConfigMaps are read in the namespace of the TriggerAuthentication.',
        AUTH,
        'reads Secrets and ConfigMaps of the namespace, and says what was read',
      ],
      [
        'What a ClusterTriggerAuthentication names is read in the operator’s namespace, or the configured one.',
        AUTH,
        'reads what a ClusterTriggerAuthentication names in the cluster object namespace',
      ],
      [
        'A later source of the same parameter wins: env, ConfigMap, Secret, token.',
        AUTH,
        'lets the later source win: env, ConfigMap, Secret, token',
      ],
      ['What is missing leaves the parameter empty and is told.', AUTH, 'the service account'],
      [
        'An API server that cannot be asked is not a missing object.',
        AUTH,
        'an API server that cannot be asked is no missing object',
      ],
      [
        'A source of secrets that is not served is an error that names the field.',
        AUTH,
        'a provider that is not served (%s) is an error that names the field',
      ],
      [
        'With restricted access a TriggerAuthentication never gets a Secret of the operator’s namespace.',
        AUTH,
        'never gives a namespaced authentication the Secret of that name in our namespace',
      ],
      [
        '`…FromEnv` fields read the container’s environment as the kubelet would set it.',
        AUTH,
        'is what the kubelet would set',
      ],
      [
        'What no field asks for is not read, and cannot be missing.',
        AUTH,
        'does not fail over what no field of the trigger asks for',
      ],
      [
        'A changed Secret is used at once.',
        TRIGGERS,
        'that change in their Secret are used at once, without a touch of the ScaledObject',
      ],
      [
        'So is a changed TriggerAuthentication.',
        TRIGGERS,
        'come from another key as soon as the TriggerAuthentication names it',
      ],
      [
        'Credentials may come after the object that needs them.',
        TRIGGERS,
        'may come after the ScaledObject that needs them',
      ],
      [
        'Credentials that are deleted later are told of; the last ones go on being used.',
        TRIGGERS,
        'that are deleted later are told of, and the last ones go on being used',
      ],
      [
        'A TriggerAuthentication lists its users and may be deleted while in use.',
        TRIGGERS,
        'list their users, and let themselves be deleted while in use',
      ],
    ],
  },
  {
    title: 'Reading sources',
    behaviours: [
      [
        'A new query is read at once and then at least once an interval.',
        SAMPLING,
        'reads a new query at once and then at least once per interval',
      ],
      ['Equal queries are one, however many objects ask.', SAMPLING, 'asks once for a thousand readers of one query'],
      [
        'A failing source is tried with growing pauses, and used again at once when it works.',
        FAILURES,
        'is tried again soon, then less and less, and back at once when it works',
      ],
      [
        'One failure a poll counts, however often it was asked in between.',
        FAILURES,
        'counts one failure per poll, however often it was asked in between',
      ],
      ['A source that hangs costs the others nothing.', FAILURES, 'costs the others nothing'],
      [
        'It gives an error at its deadline.',
        FAILURES,
        'gives an error at the deadline, and the abort reaches the scaler',
      ],
      [
        'The HPA gets a fresh sample without asking the source again.',
        SAMPLING,
        'gets a fresh sample without asking the source again',
      ],
      [
        'It waits for a slow source no longer than its deadline.',
        SAMPLING,
        'gets the last sample at the deadline while the source is slow',
      ],
      [
        'A push wakes its readers in the same moment; polling goes on.',
        'src/sampling/streams.test.ts',
        'wakes its readers in the same moment, and polling goes on as a safety',
      ],
      [
        'An external scaler that pushes starts the workload before the next poll.',
        'test/e2e/external-push.test.ts',
        'starts the workload when it is told to, long before the next poll',
      ],
    ],
  },
  {
    title: 'The external metrics API',
    behaviours: [
      ['It lists exactly one resource.', API, 'lists exactly one resource'],
      ['An answer is the list that an HPA reads.', API, 'answers the list that an HPA reads, with whole seconds'],
      ['A selector has to name the ScaledObject.', API, 'a selector without the name'],
      ['It may only compare for equality.', API, 'a selector that is not about equality'],
      ['A failure is a 500 with its message.', API, 'an error answer'],
      [
        'Who asks is known by front proxy, client certificate or token, and needs the right to get the metric.',
        API,
        'asks for the very metric when the user may not read everything',
      ],
      [
        'Health needs nobody, and is honest about readiness.',
        API,
        'needs nobody for health, which is honest about readiness',
      ],
      [
        'It is reached and trusted through the API server.',
        'test/e2e/metrics-api.test.ts',
        'is found, trusted and read through it',
      ],
      [
        'Metric names are compared without their case.',
        'src/decision/hpa.test.ts',
        'compares metric names without their case, as the path of the API may change it',
      ],
      [
        'An error shortly after a good value is answered by that value.',
        'src/sampling/answer.test.ts',
        'an error shortly after a good value',
      ],
      ['An error long after it is an error.', 'src/sampling/answer.test.ts', 'an error long after the last good value'],
    ],
  },
  {
    title: 'Admission',
    behaviours: [
      ['A minimum above the maximum is refused.', JUDGE, 'min above max'],
      ['Idle replicas need a greater minimum.', JUDGE, 'idle without min'],
      ['Two triggers of one name are refused.', JUDGE, 'two triggers of one name'],
      ['So is `useCachedMetrics` on cpu, memory and cron.', JUDGE, 'cached metrics of cron'],
      ['And a fallback for cpu and memory alone.', JUDGE, 'a fallback for cpu alone'],
      ['Names that give a label longer than 63 characters are refused.', JUDGE, 'a name of 55, whose HPA is too long'],
      ['A target kind that the cluster lacks is refused.', JUDGE, 'a kind that the cluster lacks'],
      ['A target belongs to one ScaledObject.', JUDGE, 'a target of another'],
      ['So does the name of an HPA.', JUDGE, 'the default HPA of another'],
      ['A formula may use the names of its triggers only.', JUDGE, 'a formula over others'],
      ['It needs a target above 0.', JUDGE, 'a formula without a target'],
      ['A fallback by formula needs a formula.', JUDGE, 'a fallback by a formula that is not there'],
      ['A target with an HPA of somebody else is refused.', JUDGE, 'a target of an HPA'],
      ['Unless that HPA says that it does not mind.', JUDGE, 'a target of an HPA that is exempt'],
      ['Or is named to be taken over.', JUDGE, 'an HPA that is to be taken over and named'],
      ['cpu and memory need requests on the containers they measure.', JUDGE, 'cpu of containers that do not'],
      ['cpu and memory alone need a minimum of 1.', JUDGE, 'cpu alone down to zero'],
      ['All problems come in one answer.', JUDGE, 'hears of all its problems at once'],
      ['A finalizer may always be removed.', JUDGE, 'a finalizer goes'],
      ['A dry run is not held against the target.', JUDGE, 'in a dry run is not held against its target'],
      ['Writes of the status are not judged.', JUDGE, 'its status is written'],
      ['A ScaledJob is judged by its triggers.', JUDGE, 'a ScaledJob with cached metrics of cron'],
      ['An identity of Azure or AWS has to be complete.', RULES, 'azure, host without tenant'],
      ['An OAuth client needs a name and a web address.', RULES, 'oauth2, relative url'],
      ['A CloudEventSource includes or excludes events, not both.', RULES, 'with both lists'],
      [
        'A refusal is a 403 with fields, values and what to do.',
        WEBHOOK,
        'refuses with 403 and all problems, each with field, value and what to do',
      ],
      [
        'A cluster that does not answer means a warning, in time, not a refusal.',
        WEBHOOK,
        'answers in time with a warning when the cluster does not',
      ],
    ],
  },
  {
    title: 'Events',
    behaviours: [
      [
        'Events have every field that events.k8s.io/v1 requires.',
        EVENTS,
        'are written at once with every field that events.k8s.io/v1 requires',
      ],
      [
        'Those of cluster-scoped objects are in the namespace default.',
        EVENTS,
        'about cluster-scoped objects go to the namespace default',
      ],
      ['A long text is shortened, not lost.', EVENTS, 'too long for the API are shortened, not lost'],
      [
        'Repetitions count in a series.',
        EVENTS,
        'that repeat count in the series of the first, written every 30 seconds at most',
      ],
      [
        'One noisy object is limited, and holds up no other.',
        EVENTS,
        'of one noisy object are 25 and then one in five minutes; another object is not held up',
      ],
      [
        'An activation names its triggers.',
        'src/decision/scale.test.ts',
        'names the active triggers in the event of an activation',
      ],
      [
        'A failing source is told once until it answers again.',
        'test/e2e/scaled-object-failures.test.ts',
        'changes no replicas, is told once, and is forgotten when it answers again',
      ],
    ],
  },
  {
    title: 'Failures around the operator',
    behaviours: [
      [
        'In steady state nothing is written, and by a restart neither.',
        'test/e2e/steady-state.test.ts',
        'ten polls of forty ScaledObjects write nothing, and a restart writes nothing either',
      ],
      ['A restart scales nothing and deletes no Job.', RESTART, 'scales something or deletes a Job by itself'],
      ['What was changed while no operator ran is taken up.', RESTART, 'misses a pause that %s while nobody was there'],
      [
        'An API server that goes away is waited for; nothing is scaled because of it.',
        'test/cluster/operator.test.ts',
        'goes on after the API server was away, and scales nothing because of it',
      ],
      [
        'A namespace with broken objects in it can be deleted, also when no operator ran.',
        RESTART,
        'hangs on its finalizer: its namespace goes, with what is broken in it, also when nobody was there',
      ],
      [
        'Each object has one replica of the operator that works on it.',
        'test/e2e/replicas.test.ts',
        'share the objects out: each has one that polls it and writes for it',
      ],
      [
        'A replica that is killed is replaced when its lease is over.',
        'test/e2e/replicas.test.ts',
        'take over from one that is killed, when its lease is over',
      ],
      [
        'While KEDA holds its lease nothing is done.',
        'test/e2e/replicas.test.ts',
        'let go of everything while the KEDA operator holds its lease',
      ],
      [
        'Every decision is kept with its reasons, and told by `windlass explain`.',
        'test/e2e/explain.test.ts',
        'the decisions about a ScaledObject are told in order, until it is gone',
      ],
    ],
  },
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
        TRIGGERS,
        'that change in their Secret are used at once, without a touch of the ScaledObject',
      ],
      [
        'A ScaledObject may come before its Deployment.',
        ADMISSION,
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
    ],
  },
];
