import { eventually } from './eventually.ts';
import { answerJson, startHttpServer } from './http-server.ts';

/** A source of one number over HTTP, for metrics-api triggers; the test says what it answers. */
export interface MetricSource {
  /** What it answers: a number, a status without a body, `hang` (never) or `garbage` (200 and no JSON). */
  answer: number | { status: number } | 'hang' | 'garbage';
  /** Requests so far. */
  readonly asked: number;
  /** Until it has been asked that many times more. */
  asks(more: number): Promise<void>;
  /** The Authorization header of the newest request. */
  readonly authorization: string | undefined;
  url: string;
  /** A trigger on it, one replica for each 10. */
  trigger(over?: { metadata?: Record<string, string>; [field: string]: unknown }): object;
  stop(): Promise<void>;
}

export async function startMetricSource(answer: MetricSource['answer'] = 0): Promise<MetricSource> {
  const server = await startHttpServer((_request, response) => {
    const now = source.answer;
    if (now === 'hang') return;
    if (now === 'garbage') {
      response.end('<html>not today</html>');
      return;
    }
    if (typeof now === 'number') answerJson(response, { depth: now });
    else answerJson(response, { error: 'told to fail' }, now.status);
  });
  const source: MetricSource = {
    answer,
    get asked() {
      return server.requests.length;
    },
    async asks(more) {
      const goal = server.requests.length + more;
      await eventually(() => server.requests.length >= goal, 20_000);
    },
    get authorization() {
      return server.requests.at(-1)?.headers.authorization;
    },
    url: `${server.url}/stats`,
    trigger: ({ metadata, ...over } = {}) => ({
      type: 'metrics-api',
      metadata: { url: `${server.url}/stats`, valueLocation: 'depth', targetValue: '10', ...metadata },
      ...over,
    }),
    stop: () => server.stop(),
  };
  return source;
}

/** The metric that `trigger` gives as the first of an object. */
export const METRIC = 's0-metric-api-depth';
