import { describeError } from '../../base/errors.ts';
import { parseSelector } from '../../base/selector.ts';
import { GROUP_VERSION } from './discovery.ts';
import type { MetricAnswer, MetricLookup } from './types.ts';

/** What goes out: a status code and a JSON text. */
export interface Reply {
  code: number;
  body: string;
}

const NAME_LABEL = 'scaledobject.keda.sh/name';
const LIST_START = `{"kind":"ExternalMetricValueList","apiVersion":"${GROUP_VERSION}","metadata":{},"items":[`;

/** A metav1.Status. */
export function status(code: number, reason: string, message: string): Reply {
  const content = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
  return { code, body: JSON.stringify(reason === '' ? { ...content, reason: undefined } : content) };
}

/**
 * Answers one read of a metric. Every failure is a Status with code 500, an empty reason and a message, which is what
 * the HPA puts into its condition (KEDA 2.21: there is no 404).
 */
export function answerMetric(lookup: MetricLookup, namespace: string, metric: string, selector: string) {
  const name = nameIn(selector);
  if ('error' in name) return status(500, '', name.error);
  const describe = (thrown: unknown) =>
    status(500, '', `metric ${metric} of ${namespace}/${name.name}: ${describeError(thrown)}`);
  try {
    const answer = lookup(namespace, name.name, metric);
    return answer instanceof Promise ? answer.then(write, describe) : write(answer);
  } catch (thrown) {
    return describe(thrown);
  }
}

function write(answer: MetricAnswer): Reply {
  if (answer.kind === 'error') return status(500, '', answer.message);
  if (answer.kind === 'empty') return { code: 200, body: `${LIST_START}]}` };
  const name = JSON.stringify(answer.metricName);
  const value = JSON.stringify(answer.value);
  const body = `${LIST_START}{"metricName":${name},"metricLabels":null,"timestamp":"${wholeSeconds(answer.at)}","value":${value}}]}`;
  return { code: 200, body };
}

/** The text of the last second that was asked for: neighbouring requests share it. */
let written = { second: Number.NaN, text: '' };

/** Kubernetes' metav1.Time has whole seconds. */
function wholeSeconds(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (written.second !== second) written = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` };
  return written.text;
}

function nameIn(selector: string): { name: string } | { error: string } {
  let requirements: ReturnType<typeof parseSelector>;
  try {
    requirements = parseSelector(selector);
  } catch (thrown) {
    return { error: describeError(thrown) };
  }
  let name: string | undefined;
  for (const { key, operator, values } of requirements) {
    if (operator !== 'In' || values.length !== 1) {
      return { error: `the label selector "${selector}" must only compare for equality; write ${NAME_LABEL}=<name>` };
    }
    if (key === NAME_LABEL) name = values[0];
  }
  if (name) return { name };
  return { error: `the label selector must name the ScaledObject: ${NAME_LABEL}=<name>` };
}
