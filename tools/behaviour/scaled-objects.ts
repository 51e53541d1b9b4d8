import type { Chapter } from './types.ts';

const SCALE = 'src/decision/scale.test.ts';
const FALLBACK = 'src/decision/fallback.test.ts';
const PAUSE = 'src/decision/pause.test.ts';
const HPA = 'src/decision/hpa.test.ts';
const FORMULA = 'src/decision/formula/formula.test.ts';
const ADDITIONS = 'src/decision/additions.test.ts';
const E2E = 'test/e2e/scaled-object';

export const SCALED_OBJECTS: readonly Chapter[] = [
  {
    title: 'Setting up a ScaledObject',
    behaviours: [
      [
        'Absent fields have the meaning that they have in KEDA and are not written back.',
        'src/api/object-state.test.ts',
        'absent fields of a ScaledObject mean what they mean in KEDA',
      ],
      [
        'Only two defaults are written by the API server: of the fallback’s behavior and of the type of oauth2.',
        'tools/generate-crds.test.ts',
        'only the two defaults of KEDA are written by the API server',
      ],
      [
        '`minReplicaCount` must not exceed `maxReplicaCount`, or 100; the API server itself refuses it.',
        'tools/generate-crds.test.ts',
        'the minimum is set against the maximum by the API server',
      ],
      [
        'The status names the target’s kind, the HPA, the external metrics, the trigger types and the first replica count.',
        `${E2E}-scaling.test.ts`,
        "gets an HPA with KEDA's name, labels, owner, selector and metric, which the API server can read",
      ],
      [
        'The finalizer and the label with the object’s name come back when somebody takes them off.',
        `${E2E}-lifecycle.test.ts`,
        'come back when somebody takes them off',
      ],
      [
        'A definition that cannot work leaves Ready False with every problem, one event, and no HPA.',
        `${E2E}-failures.test.ts`,
        'says every problem in one event and in Ready, and makes no HPA',
      ],
      [
        'When a working definition becomes a broken one, the former triggers and HPA go on.',
        `${E2E}-failures.test.ts`,
        'after one that worked leaves the old triggers and the HPA at work',
      ],
      [
        'A target that comes after its ScaledObject is taken up as soon as it is there.',
        `${E2E}-lifecycle.test.ts`,
        'that comes after its ScaledObject is taken up at once',
      ],
      [
        'A target that goes and comes back is scaled again.',
        `${E2E}-lifecycle.test.ts`,
        'that goes and comes back is scaled again',
      ],
      [
        'When the target’s name changes, the former target is left alone.',
        `${E2E}-lifecycle.test.ts`,
        'that changes its name leaves the former one alone',
      ],
      [
        'A target of an unknown kind, or without `/scale`, is named in Ready.',
        `${E2E}-lifecycle.test.ts`,
        'of a kind that the cluster does not serve is named, and so is one without /scale',
      ],
      ['StatefulSets are scaled like Deployments.', `${E2E}-scaling.test.ts`, 'scales a StatefulSet'],
      [
        'So is every kind with a `/scale` subresource.',
        'test/e2e/behaviour.test.ts',
        'a custom resource with a scale subresource is scaled like a Deployment',
      ],
      [
        'Changed triggers change HPA and status; those that stay keep being asked.',
        `${E2E}-triggers.test.ts`,
        'that are added and taken away change HPA and status, and keep asking those that stay',
      ],
    ],
  },
  {
    title: 'Deleting a ScaledObject',
    behaviours: [
      [
        'With `restoreToOriginalReplicaCount` the target gets back the replicas it had at first.',
        `${E2E}-lifecycle.test.ts`,
        'gives the target back its replicas when that is wished, and its HPA goes',
      ],
      [
        'Its HPA goes before it is gone.',
        `${E2E}-lifecycle.test.ts`,
        'is gone only when its HPA is, so that nothing is left when the CRDs go next',
      ],
      [
        'Unless what it owns is to stay (`--cascade=orphan`).',
        `${E2E}-lifecycle.test.ts`,
        'leaves its HPA behind when that is asked for',
      ],
      [
        'Otherwise replicas stay as they are, and the sources are asked no more.',
        `${E2E}-lifecycle.test.ts`,
        'leaves the replicas as they are otherwise, and asks its source no more',
      ],
      [
        'A missing target or a broken definition keeps no object from going.',
        `${E2E}-lifecycle.test.ts`,
        'goes also at zero replicas, also without a target, also when it never worked',
      ],
      [
        'An object that is made again under the name starts anew.',
        `${E2E}-lifecycle.test.ts`,
        'that is made again under its name starts anew',
      ],
    ],
  },
  {
    title: 'Waking up',
    behaviours: [
      [
        'A trigger is active when its value is above its activation value.',
        SCALE,
        'a value just above the activation is',
        'activate',
      ],
      ['At the activation value it is not.', SCALE, 'a value at the activation is not above it', 'at-rest'],
      ['A scaler that says itself whether it is active is believed.', SCALE, 'the scaler’s own word beats the value'],
      ['One active trigger is enough.', SCALE, 'one active trigger of two is enough'],
      ['A target at zero goes to one replica.', SCALE, 'work wakes a sleeping target', 'activate'],
      ['With a minimum it goes to the minimum.', SCALE, 'work wakes it to the minimum'],
      ['In idle mode a target below the minimum goes to the minimum.', SCALE, 'work lifts it from idle to the minimum'],
      ['Above that the HPA scales.', SCALE, 'a running target with work is the HPA’s', 'hpa'],
      [
        'The annotation force-activation makes an object active without work.',
        SCALE,
        'force-activation wakes it without work',
        'force-activation',
      ],
      [
        'When all triggers are cpu or memory the object is always active.',
        SCALE,
        'cpu alone is always active',
        'resource-only',
      ],
      ['Beside other triggers cpu and memory do not count.', SCALE, 'cpu beside a quiet queue is not'],
      [
        'The way from 0 to 1, by the HPA to N, and back to 0 works as a whole.',
        `${E2E}-scaling.test.ts`,
        'takes a Deployment from 0 to 1 at the first read that shows work, to N by its HPA, and back to 0',
      ],
      [
        'The activation value goes before the target: below it nothing runs, whatever the HPA would want.',
        'test/e2e/keda-docs.test.ts',
        'activation goes before scaling: 40 of a target of 10 rest below an activation of 50',
      ],
    ],
  },
  {
    title: 'Resting',
    behaviours: [
      [
        'Without work the target keeps its replicas until `cooldownPeriod` has passed since the last work.',
        SCALE,
        'the cooldown holds it',
        'cooldown',
      ],
      ['Then it goes to zero.', SCALE, 'then it rests', 'deactivate'],
      ['With `idleReplicaCount` it goes there, from any count.', SCALE, 'idle replicas are where it rests'],
      [
        'Idle replicas above 0 are the HPA’s minimum while the target rests there.',
        `${E2E}-scaling.test.ts`,
        'rests at idle replicas above zero, where the HPA leaves it',
      ],
      [
        'An object that never had work waits for `initialCooldownPeriod` since its creation.',
        SCALE,
        'a new object waits initialCooldownPeriod',
        'initial-cooldown',
      ],
      ['That period no longer matters once there was work.', SCALE, 'which does not matter once there was work'],
      ['With a minimum above zero the HPA brings it down to that.', SCALE, 'with a minimum the HPA brings it down'],
      ['A target below its minimum is raised to it.', SCALE, 'below the minimum it is lifted', 'below-min'],
      [
        'The end of a cooldown is acted on when it comes, not at the next poll.',
        `${E2E}-scaling.test.ts`,
        'waits for its cooldown, and only then rests, without a poll in between',
      ],
      [
        'Replicas that were added by hand while there is no work go at the end of the cooldown.',
        SCALE,
        'a scale-up by hand is undone when the cooldown is long over',
      ],
      [
        'A last activity that lies ahead of the clock does not keep replicas for ever.',
        SCALE,
        'does not let a clock that ran ahead keep replicas for ever',
      ],
    ],
  },
  {
    title: 'When something is not known',
    behaviours: [
      ['An error alone brings no replicas down.', SCALE, 'an error is no evidence of rest', 'error-hold'],
      ['And wakes nothing up.', SCALE, 'an error never wakes anything'],
      [
        'It hinders no other trigger from waking the target up.',
        SCALE,
        'an error beside a busy trigger hinders nothing',
      ],
      [
        'A source without a value leaves things as they were last known.',
        SCALE,
        'no data keeps a busy target awake',
        'no-data-hold',
      ],
      ['NaN and infinity are errors.', SCALE, 'NaN is an error'],
      ['The minimum holds whatever the sources say.', SCALE, 'the minimum holds whatever the sources say'],
      [
        'While the target’s replicas cannot be read nothing is changed.',
        SCALE,
        'unknown replicas stay',
        'replicas-unknown',
      ],
      [
        'After a restart nothing happens before a source has answered.',
        SCALE,
        'after a restart nothing happens before the first answer',
      ],
      [
        'Whatever the state, replicas stay within the bounds.',
        'src/decision/decision-properties.test.ts',
        'replicas stay within the bounds',
      ],
      [
        'Whatever the state, errors and missing values alone bring no replicas down.',
        'src/decision/decision-properties.test.ts',
        'errors and missing values alone never bring replicas down',
      ],
    ],
  },
  {
    title: 'Fallback',
    behaviours: [
      [
        'It stands in after more failed polls in a row than `failureThreshold`.',
        SCALE,
        'at the threshold it does not count yet',
      ],
      ['With a threshold of 0 it stands in at the first.', SCALE, 'a threshold of 0 counts at the first failure'],
      [
        'Only polls count, not reads of the HPA.',
        'test/e2e/bug-classes.test.ts',
        'stands in before its threshold, because the HPA reads meanwhile',
      ],
      ['It wakes up a target at zero.', SCALE, 'the fallback wakes a sleeping target', 'fallback'],
      [
        'A fallback of no replicas lets the target rest.',
        SCALE,
        'a fallback to zero is a wish for zero',
        'fallback-zero',
      ],
      ['`static` asks for `fallback.replicas`.', FALLBACK, 'static, current unknown'],
      ['`currentReplicas` asks for what runs.', FALLBACK, 'currentReplicas'],
      ['`currentReplicasIfHigher` asks for the higher of both.', FALLBACK, 'currentReplicasIfHigher, lower'],
      ['`currentReplicasIfLower` asks for the lower of both.', FALLBACK, 'currentReplicasIfLower, higher'],
      [
        'A fallback for `metricType: Value` without ready pods holds.',
        SCALE,
        'a Value fallback without ready pods holds',
      ],
      [
        'It ends with the first answer; HPA, conditions, health and events follow.',
        `${E2E}-failures.test.ts`,
        'has its fallback stand in after failureThreshold, which ends with the first answer',
      ],
      ['Its begin and end are told once each.', SCALE, 'tells the fallback’s begin and end, and nothing in between'],
      [
        'Until it stands in, the HPA gets the last good value while that is young enough.',
        FALLBACK,
        'while it is young enough',
      ],
      [
        'The HPA reads what brings it to the replicas that the behavior asks for.',
        'test/e2e/keda-docs.test.ts',
        'with behavior %s, %d replicas running and %d given, asks for %d',
      ],
    ],
  },
  {
    title: 'Pause',
    behaviours: [
      [
        '`paused` keeps the replicas, removes the HPA and asks no source; its end brings all of it back.',
        `${E2E}-pause.test.ts`,
        'freezes the replicas, removes the HPA and asks nobody; its end brings all of it back',
        'paused',
      ],
      [
        '`paused-replicas` sets its number once and leaves later changes by hand alone.',
        `${E2E}-pause.test.ts`,
        'at a number of replicas sets it once, and leaves what people set by hand after that',
        'paused-replicas',
      ],
      [
        'Its presence pauses, even beside `paused: "false"`.',
        SCALE,
        'paused-replicas freezes even when paused says false',
        'paused-replicas',
      ],
      [
        'Something that is no number pauses without scaling and is told in Ready.',
        `${E2E}-pause.test.ts`,
        'at something that is no number stays a pause and says what is wrong',
      ],
      ['A changed number is set.', PAUSE, 'a changed count is set'],
      [
        '`paused-scale-in` keeps a target without work awake.',
        SCALE,
        'paused-scale-in keeps it awake',
        'paused-scale-in',
      ],
      [
        '`paused-scale-out` keeps a target with work asleep.',
        SCALE,
        'paused-scale-out keeps it asleep',
        'paused-scale-out',
      ],
      ['A paused direction is disabled in the HPA too.', HPA, 'scaling in paused'],
      [
        'A paused object is Ready, whatever its source did before.',
        `${E2E}-pause.test.ts`,
        'is Ready also when its source was broken before',
      ],
      [
        'A boolean annotation that is no boolean, even an empty one, counts as true.',
        'src/api/object-state.test.ts',
        'yes',
      ],
    ],
  },
  {
    title: 'Pause until a time',
    behaviours: [
      [
        '`paused-until` pauses until then and ends by itself; annotations may stay.',
        `${E2E}-pause.test.ts`,
        'freezes until then and ends by itself, while the annotations stay',
      ],
      ['It ends a pause and one at a count of replicas, too.', PAUSE, 'and one at a count'],
      [
        'Something that is no time pauses, and Ready says what is wrong.',
        `${E2E}-pause.test.ts`,
        'that cannot be read pauses, and says what is wrong',
      ],
      [
        'A ScaledJob may be paused until a time as well.',
        'test/e2e/scaled-dry-run.test.ts',
        'may be paused until a time, and goes on by itself',
      ],
    ],
  },
  {
    title: 'Dry run',
    behaviours: [
      [
        'Everything is measured and decided, nothing scaled, and what would be is told once a change.',
        'test/e2e/scaled-dry-run.test.ts',
        'is measured and decided about, and nothing is scaled',
      ],
      [
        'It begins with the replicas as they are, without an HPA, and ends with what is found then.',
        'test/e2e/scaled-dry-run.test.ts',
        'keeps its replicas when it begins, and goes on from there when it ends',
      ],
      [
        'Deleting the object changes no replicas.',
        'test/e2e/scaled-dry-run.test.ts',
        'leaves the replicas as they are also when it is deleted',
      ],
      [
        'A ScaledJob creates no Job and deletes none.',
        'test/e2e/scaled-dry-run.test.ts',
        'creates no Job and deletes none, and tells how many there would be',
      ],
    ],
  },
  {
    title: 'Settings beyond KEDA',
    behaviours: [
      [
        '`activationReplicas: computed` wakes up as many as the work needs.',
        `${E2E}-additions.test.ts`,
        'wakes a target with as many replicas as the work needs, which the HPA then keeps',
      ],
      ['Within the bounds.', ADDITIONS, 'never more than the maximum'],
      [
        'And the minimum where no number can be said.',
        ADDITIONS,
        'a value that is set against all replicas says nothing at zero',
      ],
      [
        '`cooldownPolicy: afterScaleDown` lets the HPA scale in by its own policy before the target rests.',
        `${E2E}-additions.test.ts`,
        'lets the HPA scale in by its own policy before the target rests',
        'scale-down-first',
      ],
      [
        '`onError: ignore` lets the other triggers decide; the HPA loses the metric meanwhile.',
        `${E2E}-additions.test.ts`,
        'ignore: the other triggers scale on, in as well as out, and a word of theirs ends it',
      ],
      ['A restart changes nothing about that.', `${E2E}-additions.test.ts`, 'ignore: goes on without a write'],
      ['When all triggers fail, nothing is ignored.', ADDITIONS, 'ignore: alone it is no evidence'],
      [
        '`onError: hold` keeps replicas and the HPA’s value, whatever the fallback says.',
        `${E2E}-additions.test.ts`,
        'hold: nothing changes however long the source fails, though the object has a fallback',
      ],
      ['`onError: fallback` needs a fallback.', 'src/api/rules/scaled-object.test.ts', 'onError fallback without one'],
    ],
  },
  {
    title: 'Formulas',
    behaviours: [
      ['The formula alone decides, whatever single triggers say.', SCALE, 'decides alone, whatever the triggers say'],
      ['It is active above `activationTarget`.', SCALE, 'wakes the target above activationTarget'],
      ['It waits for a failing trigger that it names.', SCALE, 'holds while a trigger that it names fails'],
      ['It does not mind one that it does not name.', SCALE, 'does not mind one that it does not name'],
      ['A result that is no number holds the replicas.', SCALE, 'holds when it cannot be computed', 'formula-hold'],
      ['A fallback takes its place.', SCALE, 'gives way to a fallback'],
      ['With behavior `scalingModifiers` a failing trigger is nil in it.', SCALE, 'deals with nil itself when told to'],
      [
        'The HPA has one metric, `composite-metric`, beside cpu and memory.',
        HPA,
        'asks for the formula in place of the triggers, beside cpu and memory',
      ],
      ['Unknown names are told with those that there are.', FORMULA, 'quue + 1'],
      ['A formula that gives no number is refused before it runs.', FORMULA, 'a > 1'],
      ['The formulas of KEDA’s documentation give what it says.', 'test/e2e/keda-docs.test.ts', 'nests choices'],
      [
        'With `??` the next trigger takes the place of one that has failed; `fallback.replicas` stands at the end.',
        'test/e2e/keda-docs.test.ts',
        'is the fallback’s replicas when all have failed and there is no number at its end',
      ],
    ],
  },
];
