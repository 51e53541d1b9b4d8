import { type ConfigOf, integer, string } from '../../spec/trigger-fields.ts';
import { defineScaler, type FieldProblem } from '../definition.ts';
import { normalizeMetricName } from '../metric-name.ts';
import { problemsOf } from '../problem.ts';
import { parseSchedule } from './schedule.ts';
import { isTimezone } from './timezone.ts';

const fields = {
  timezone: string('Time zone of both expressions, by its name in the IANA database.', { required: true }),
  start: string('When the window opens, as a cron expression.', {
    required: true,
    note: 'Five fields: minute, hour, day of month, month, day of week (0–6, Sunday is 0) with `*`, `?`, lists, ranges, steps and English names.',
  }),
  end: string('When the window closes, as a cron expression.', { required: true }),
  desiredReplicas: integer('Replicas while the window is open.', { required: true }),
};

export type Config = ConfigOf<typeof fields>;

export const definition = defineScaler({
  type: 'cron',
  title: 'Cron',
  summary: 'Keeps a number of replicas during recurring windows of time.',
  category: 'Kubernetes, time and resources',
  scalerLabel: 'cronScaler',
  fields,
  podIdentity: [],
  cacheable: false,
  validate({ start, end, desiredReplicas }) {
    const problems: FieldProblem[] = [...checkExpression('start', start), ...checkExpression('end', end)];
    if (start !== undefined && start === end)
      problems.push({
        field: 'end',
        message: `start and end are both "${start}"; a window needs two different moments`,
      });
    if (desiredReplicas === 0)
      problems.push({ field: 'desiredReplicas', message: 'desiredReplicas is "0", which must not be 0' });
    return problems;
  },
  advise({ timezone }) {
    if (timezone === undefined || isTimezone(timezone)) return [];
    return [
      { field: 'timezone', message: `timezone is "${timezone}", which is not a name of the IANA time zone database` },
    ];
  },
  metrics: ({ timezone, start, end }) => [
    {
      kind: 'external',
      name: normalizeMetricName(`cron-${timezone}-${encode(start)}-${encode(end)}`),
      target: 1,
      precision: 'int',
    },
  ],
  examples: [
    {
      title: 'Ten replicas during office hours',
      metadata: { timezone: 'Europe/Vienna', start: '0 8 * * 1-5', end: '0 18 * * 1-5', desiredReplicas: '10' },
    },
  ],
  load: () => import('./scaler.ts'),
});

function checkExpression(field: string, text: string | undefined): FieldProblem[] {
  return text === undefined ? [] : problemsOf(field, () => parseSchedule(text));
}

/** As KEDA writes an expression into the metric's name. */
function encode(expression: string): string {
  return expression
    .replaceAll(' ', '')
    .replaceAll('*', 'x')
    .replaceAll('/', 'Sl')
    .replaceAll('?', 'Qm')
    .replaceAll(',', 'Cm');
}
