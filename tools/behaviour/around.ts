import type { Chapter } from './types.ts';

const AUTH = 'src/auth/auth.test.ts';
const TRIGGERS = 'test/e2e/scaled-object-triggers.test.ts';
const API = 'src/servers/metrics-api/metrics-api.test.ts';
const RAW = 'src/servers/raw-metrics/raw-metrics.test.ts';
const FAILURES = 'src/sampling/failures.test.ts';
const SAMPLING = 'src/sampling/sampling.test.ts';
const EVENTS = 'src/kube/events.test.ts';
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
      [
        'A missing credential keeps no object from being set up.',
        'test/e2e/behaviour.test.ts',
        'a credential that is missing is told by an event and does not keep the object from being set up',
      ],
      ['A container may be named that the environment is taken from.', AUTH, 'is of the container that is named'],
      [
        'A TriggerAuthentication that comes, changes or goes is told by an event.',
        'test/e2e/behaviour.test.ts',
        'a TriggerAuthentication that comes, changes and goes is told by one event each',
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
      [
        'With `useCachedMetrics` reads of the HPA ask no source.',
        'test/e2e/behaviour.test.ts',
        'with useCachedMetrics reads of the HPA ask no source',
      ],
      ['Triggers on pods follow them without polling.', TRIGGERS, 'on pods follow them without polling'],
      [
        'cron keeps its replicas while its window is open.',
        TRIGGERS,
        'of type cron hold their replicas while their window is open',
      ],
      [
        'cpu becomes a resource metric of the HPA; nothing is asked for it.',
        TRIGGERS,
        'of type cpu become resource metrics of the HPA and nothing is asked for them',
      ],
      [
        'What a push has woken up is put to rest by polls.',
        'test/e2e/external-push.test.ts',
        'is put to rest by polls, not by the stream',
      ],
      ['A push goes past a formula.', 'test/e2e/external-push.test.ts', 'goes past a formula, as it does for KEDA'],
      [
        'Metrics and targets that an external scaler changes reach the HPA.',
        'test/e2e/external-push.test.ts',
        'changes the targets of the HPA when the stream or a poll brings others',
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
      [
        'Subscribers of raw metrics get each reading of their triggers over gRPC, with value, time and activity.',
        RAW,
        'sends subscribers their readings with value, activity, time and trigger, until they ask no more',
      ],
      [
        'They get those of all objects, whichever replica they ask; ScaledJobs too.',
        'test/e2e/raw-metrics.test.ts',
        'reach a subscriber at one replica from the owners of all objects, ScaledJobs among them',
      ],
      [
        'One that does not read holds up nothing, and is forgotten after a minute.',
        'src/servers/raw-metrics/hub.test.ts',
        'that reads slowly is waited for without holding up the others, and is forgotten after a minute',
      ],
      [
        'Only who shows a certificate of the operator’s authority is answered on that port.',
        RAW,
        'refuses clients with %s',
      ],
      [
        '`MetricsService.GetMetrics` answers what the HPA gets.',
        RAW,
        'answers MetricsService as KEDA does: a list of values, or the error',
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
      [
        'Under a formula that event is `KEDAMetricSourceFailed`; the log has one line of it, and one of its end.',
        'test/e2e/scaled-object-failures.test.ts',
        'of a formula is told by an event of its own, and logged once until it can be read again',
      ],
      [
        'Begin and end of watching the triggers are told: set up, paused, resumed, deleted.',
        'test/e2e/keda-docs.test.ts',
        'tell when the triggers of a %s are watched and no longer',
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
      [
        'An operator of one namespace leaves all others alone.',
        'test/e2e/behaviour.test.ts',
        'leaves all others alone',
      ],
    ],
  },
];
