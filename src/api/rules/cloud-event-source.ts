import { type CloudEventSource, SCALING_EVENT_TYPES } from '../cloud-event-source.ts';
import { type RuleProblem, ruleProblem } from './problem.ts';
import { isWebUrl } from './web-url.ts';

/** KEDA 2.21: one list of event types at most, and of scaling events only. */
export function checkEventTypes({ spec }: Pick<CloudEventSource, 'spec'>): RuleProblem[] {
  const { includedEventTypes: included = [], excludedEventTypes: excluded = [] } = spec.eventSubscription ?? {};
  const at = ['spec', 'eventSubscription'];
  if (included.length > 0 && excluded.length > 0)
    return [
      ruleProblem(
        'event-types',
        'refuse',
        [...at, 'excludedEventTypes'],
        'cannot stand beside includedEventTypes: keep one of them',
      ),
    ];
  const lists = [
    ['includedEventTypes', included],
    ['excludedEventTypes', excluded],
  ] as const;
  const allowed: readonly string[] = SCALING_EVENT_TYPES;
  return lists.flatMap(([field, types]) =>
    types.flatMap((type, index) =>
      // KEDA 2.21: the CRD knows keda.authentication.* too, admission does not.
      allowed.includes(type)
        ? []
        : [
            ruleProblem(
              'event-types',
              'refuse',
              [...at, field, index],
              'must be a type of keda.scaledobject or keda.scaledjob',
              type,
            ),
          ],
    ),
  );
}

/** Destinations that cannot be reached by their text alone. */
export function checkDestination({ spec }: Pick<CloudEventSource, 'spec'>): RuleProblem[] {
  const { http, azureEventGridTopic: topic } = spec.destination;
  const at = ['spec', 'destination'];
  const fail = (path: string[], message: string, value?: string) => [
    ruleProblem('destination', 'fail', [...at, ...path], message, value),
  ];
  if (http === undefined && topic === undefined) return fail([], 'names nothing: set http or azureEventGridTopic');
  const problems: RuleProblem[] = [];
  if (http !== undefined && !isWebUrl(http.uri))
    problems.push(...fail(['http', 'uri'], 'must be a URL that starts with http:// or https://', http.uri));
  if (http !== undefined && topic !== undefined)
    problems.push(ruleProblem('no-effect', 'warn', [...at, 'azureEventGridTopic'], 'has no effect beside http'));
  return problems;
}
