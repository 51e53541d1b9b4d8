import { WindlassError } from '../base/errors.ts';
import type { RecordEntry } from '../controllers/records.ts';
import { explain } from '../decision/record.ts';
import { type Explanation, explainedKind } from '../servers/explain/index.ts';

export interface ExplainRun {
  /** `KIND NAME`, or `KIND/NAME`. */
  args: readonly string[];
  namespace: string;
  /** URL of the operator's server of decisions. */
  address: string;
  /** `text` or `json`. */
  format: string;
  print(line?: string): void;
  signal: AbortSignal;
}

const TIMEOUT_MS = 10_000;

/**
 * Prints the decisions about one object.
 * @throws InvalidArgument for words that are not understood, SourceNotFound when the operator knows no decision,
 * SourceUnavailable when no operator answers
 */
export async function runExplain({ args, namespace, address, format, print, signal }: ExplainRun): Promise<number> {
  if (format !== 'text' && format !== 'json')
    throw new WindlassError('InvalidArgument', `there is no format "${format}"`, { hint: 'use text or json' });
  const [word = '', name = '', ...more] = args.flatMap((arg) => arg.split('/'));
  const kind = explainedKind(word);
  if (!kind || name === '' || more.length > 0)
    throw new WindlassError('InvalidArgument', `"${args.join(' ')}" names no object to explain`, {
      hint: 'write `windlass explain scaledobject NAME` or `windlass explain scaledjob NAME`, with -n NAMESPACE',
    });
  const explanation = await ask(address, { kind, namespace, name }, signal);
  if (format === 'json') {
    print(JSON.stringify(explanation, null, 2));
    return 0;
  }
  print(`${kind} ${namespace}/${name}`);
  for (const entry of explanation.decisions) {
    print();
    for (const line of decisionLines(entry)) print(line);
  }
  return 0;
}

/** One decision as text: when, and below that its sentences. */
export function decisionLines({ record, since, times }: RecordEntry): string[] {
  const time = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
  const repeated = times === 1 ? '' : `, ${times} times until ${time(record.at)}`;
  return [`${time(since)}${repeated}`, ...explain(record).map((sentence) => `  ${sentence}`)];
}

async function ask(
  address: string,
  { kind, namespace, name }: Pick<Explanation, 'kind' | 'namespace' | 'name'>,
  signal: AbortSignal,
): Promise<Explanation> {
  const path = `/explain/${namespace}/${kind.toLowerCase()}/${name}`;
  let url: URL;
  try {
    url = new URL(path, address);
  } catch (cause) {
    throw new WindlassError('InvalidArgument', `--address is "${address}", which is no URL`, {
      cause,
      hint: 'write it as http://127.0.0.1:8082',
    });
  }
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
  } catch (cause) {
    throw new WindlassError('SourceUnavailable', `no operator answers at ${url.origin}`, {
      cause,
      hint: 'is it running? In a cluster: kubectl -n keda port-forward deployment/keda-operator 8082',
    });
  }
  const body = (await response.json().catch(() => undefined)) as (Explanation & { error?: string }) | undefined;
  if (response.ok && body && Array.isArray(body.decisions)) return body;
  throw new WindlassError(
    'SourceNotFound',
    `the operator at ${url.origin}: ${body?.error ?? `status ${response.status}`}`,
    {
      hint: 'check kind, name, namespace and --address, and the condition Ready, which says why an object does not run; of several replicas only the one that runs it knows',
    },
  );
}
