import type { Chapter } from './types.ts';

const JUDGE = 'src/servers/admission/judge.test.ts';
const WEBHOOK = 'src/servers/admission/server.test.ts';
const ADMISSION = 'test/e2e/admission.test.ts';
const RULES = 'src/api/rules/other-kinds.test.ts';

export const ADMITTED: readonly Chapter[] = [
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
      [
        'What has no effect is accepted with a warning.',
        ADMISSION,
        'a ScaledObject is accepted, and its user warned of what has no effect',
      ],
      [
        'The webhooks are registered as KEDA’s six, and written on change only.',
        ADMISSION,
        'has the six webhooks of KEDA and is written on change only',
      ],
    ],
  },
];
