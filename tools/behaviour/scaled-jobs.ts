import type { Chapter } from './types.ts';

const JOBS = 'src/decision/jobs.test.ts';
const OBJECTS = 'src/decision/job-objects.test.ts';
const STORY = 'test/e2e/jobs-story.test.ts';

export const SCALED_JOBS: readonly Chapter[] = [
  {
    title: 'How many Jobs',
    behaviours: [
      [
        'A Job is created for each target’s worth of the queue, rounded up.',
        JOBS,
        'one for each target’s worth, rounded up',
        'jobs-queue',
      ],
      ['No more than `maxReplicaCount` run at a time.', JOBS, 'at most as many as allowed', 'jobs-max'],
      ['Without a maximum no more than 100 on top of the minimum.', JOBS, 'at most 100 without a maximum'],
      ['An inactive queue makes no Jobs.', JOBS, 'none for an empty queue', 'jobs-inactive'],
      ['Work that has a Job makes no other.', JOBS, 'none for a queue that is all taken care of', 'jobs-covered'],
      ['Jobs that were created and are not listed yet count.', JOBS, 'Jobs that no list shows yet count'],
      [
        'A Job that ended since the queue was read counts until it is read again.',
        JOBS,
        'does not count a Job that ended since the reading as free',
      ],
      ['`minReplicaCount` Jobs always run.', JOBS, 'the minimum always runs', 'jobs-min'],
      [
        'Jobs for the queue come on top of the minimum and within the maximum.',
        JOBS,
        'Jobs for the queue come on top of it',
      ],
      ['A minimum above the maximum counts as the maximum.', JOBS, 'a minimum above the maximum is the maximum'],
      ['An unreadable source makes no Jobs.', JOBS, 'an error creates none', 'jobs-error-hold'],
      ['Nor does one without a value.', JOBS, 'no data creates none', 'jobs-no-data-hold'],
      ['Nor an unknown list of Jobs.', JOBS, 'an unknown list of Jobs creates none', 'jobs-unknown'],
      ['While paused none are created.', JOBS, 'paused creates none', 'jobs-paused'],
      [
        'Whatever the state, Jobs stay within the maximum.',
        'src/decision/decision-properties.test.ts',
        'Jobs stay within the maximum, those on their way included',
      ],
      [
        'The table of KEDA’s documentation holds: queue, maximum, messages a Job, Jobs that run.',
        'test/e2e/keda-docs.test.ts',
        'with a queue of %d, a maximum of %d, %d messages a Job and %d running has %d then',
      ],
    ],
  },
  {
    title: 'Strategies',
    behaviours: [
      ['`default` subtracts the Jobs that run.', JOBS, 'default subtracts what runs'],
      [
        '`custom` subtracts a number and a share of those that run.',
        JOBS,
        'custom with a larger deduction',
        'jobs-strategy',
      ],
      ['`custom` without a readable share is `default`.', JOBS, 'custom without a share is default'],
      ['`custom` stays within the maximum.', JOBS, 'custom stays within the maximum'],
      [
        '`accurate` takes the queue as free of what is worked on.',
        JOBS,
        'accurate takes the queue as free of what is worked on',
      ],
      ['But not of what waits or has just started.', JOBS, 'but not of what still waits'],
      ['`eager` fills the room there is.', JOBS, 'eager fills the room'],
      ['`pendingPodConditions` say when a Job has started.', JOBS, 'pendingPodConditions say what still waits'],
      ['Of several triggers the longest active queue counts.', JOBS, 'the longest queue counts'],
      ['Or the shortest, the mean or the sum, by `multipleScalersCalculation`.', JOBS, 'or the sum'],
      ['Inactive triggers do not count in it.', JOBS, 'inactive triggers do not count'],
    ],
  },
  {
    title: 'Jobs as objects',
    behaviours: [
      [
        'A Job has the names, labels, annotations and owner that KEDA gives.',
        OBJECTS,
        'carries the names, labels and annotations that KEDA gives',
      ],
      [
        'A changed `jobTargetRef` deletes Jobs of the former one, running ones too.',
        OBJECTS,
        'one of another jobTargetRef',
      ],
      [
        'Another change of the spec ends no Job.',
        OBJECTS,
        'none whose jobTargetRef stayed, like after a change of pollingInterval',
      ],
      ['`gradual` ends none at all.', OBJECTS, 'are none with the strategy gradual'],
      [
        'The Jobs of a deleted ScaledJob go before it is gone, unless they are to stay (`--cascade=orphan`).',
        'test/e2e/scaled-job-deletion.test.ts',
        'takes its Jobs along, so that nothing is left when the CRDs go next',
      ],
      [
        'Ended Jobs beyond the history limits are deleted, oldest first.',
        OBJECTS,
        'go oldest first, those that failed by when they failed',
      ],
      ['A limit of zero keeps none.', OBJECTS, 'are all of them with a limit of zero, and none of what runs'],
      [
        'Jobs go with their ScaledJob.',
        STORY,
        'keeps as many Jobs as its history limits say, and takes its Jobs along when it goes',
      ],
      [
        'A template that the cluster refuses is told once and tried seldom.',
        STORY,
        'whose template the cluster refuses says so once and asks seldom',
      ],
      [
        'Every message of a queue gets one Job.',
        STORY,
        'is one Job for each of 40 messages, all complete, each message printed once',
      ],
      [
        'Also across restarts of the operator.',
        'test/e2e/jobs-restart.test.ts',
        'three times while it makes Jobs leaves every message one Job',
      ],
      [
        'An outage of the queue makes and deletes no Job.',
        'test/e2e/jobs-outage.test.ts',
        'because it is down makes and deletes no Job, is told once, and is used again when it is back',
      ],
      [
        'Work that comes and goes is told by one event each.',
        JOBS,
        'tells when work comes and when it is gone, and nothing in between',
      ],
      [
        'Absent fields of a ScaledJob mean what they mean in KEDA.',
        'src/api/object-state.test.ts',
        'absent fields of a ScaledJob mean what they mean in KEDA',
      ],
      [
        'After a pause the queue is caught up with.',
        STORY,
        'makes no Jobs while paused, and catches up when it no longer is',
      ],
      [
        '`metricType` is not for ScaledJobs and is refused when the object is set up.',
        'src/api/rules/other-kinds.test.ts',
        'with a metricType',
      ],
      ['A push makes Jobs at once.', 'test/e2e/external-push.test.ts', 'makes Jobs of a ScaledJob at once'],
    ],
  },
];
