import type { Chapter } from './types.ts';

const HPA = 'src/decision/hpa.test.ts';
const CONDITIONS = 'src/decision/conditions.test.ts';
const E2E = 'test/e2e/scaled-object';

export const HPA_AND_CONDITIONS: readonly Chapter[] = [
  {
    title: 'The HPA',
    behaviours: [
      [
        'Names, labels, owner, selector and metrics are those that KEDA gives.',
        HPA,
        'has the names, labels and metrics that KEDA gives',
      ],
      ['Its minimum is at least 1.', HPA, 'a minimum of zero'],
      [
        'Metrics are sorted by type; those of single containers are kept.',
        HPA,
        'sorts metrics by type and keeps those of single containers',
      ],
      ['Labels of the ScaledObject win over ours.', HPA, 'labels win over ours'],
      [
        'Excluded labels stay off it, and so does kubectl’s copy of the manifest.',
        HPA,
        'leaves out the labels that were asked to be, and kubectl’s copy of the manifest',
      ],
      ['Two metrics of one name are refused.', HPA, 'refuses two metrics of one name, and none at all'],
      [
        'It is written only when something that we set differs.',
        HPA,
        'not for the defaults of the API server and the labels of others',
      ],
      ['Deleted by hand it comes back.', `${E2E}-lifecycle.test.ts`, 'that somebody deletes comes back'],
      [
        'Edited by hand it is mended; what others add stays.',
        `${E2E}-lifecycle.test.ts`,
        'that somebody edits is mended; what nobody of us sets stays',
      ],
      [
        'It follows the ScaledObject: bounds, labels, another name.',
        `${E2E}-lifecycle.test.ts`,
        'follows its ScaledObject: bounds, labels, another name',
      ],
      [
        'One that was there under the name is taken over in place.',
        'test/e2e/bug-classes.test.ts',
        'that was there before under the name is fought over, or replaced',
      ],
    ],
  },
  {
    title: 'Conditions of a ScaledObject',
    behaviours: [
      ['Ready is True while all sources answer.', CONDITIONS, 'is True while all sources answer'],
      ['It turns at the third failed poll in a row of a source that has worked.', CONDITIONS, 'is False at the third'],
      ['At once for one that never worked.', CONDITIONS, 'tells at once of a source that never worked'],
      ['At once for what only a person can mend.', CONDITIONS, 'tells at once of what only a person can mend'],
      [
        'It is Unknown while other triggers keep the object active.',
        CONDITIONS,
        'is Unknown when other triggers are active',
      ],
      ['It stays with a fallback that stands in.', CONDITIONS, 'stays with one that does'],
      [
        'What a failed reconcile said stays until a reconcile succeeds.',
        CONDITIONS,
        'leaves what a reconcile found wrong to the reconcile',
      ],
      ['Active is False with the reason ScalerCooldown while the cooldown runs.', CONDITIONS, 'the cooldown'],
      ['Active stays as it is while nothing is known.', CONDITIONS, 'an error leaves it alone'],
      ['HPAActive is True while the HPA stands still at zero replicas.', CONDITIONS, 'stands still at zero'],
      ['HPAActive has the HPA’s own reason when it fails.', CONDITIONS, 'gets no metrics'],
    ],
  },
];
