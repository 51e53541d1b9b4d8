import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ErrorCode, WindlassError } from '../../src/base/errors.ts';
import { createLogger } from '../../src/base/log.ts';
import { openPools } from '../../src/scalers/_http/pools.ts';
import type { Scaler, ScalerDefinition, ScalerDeps } from '../../src/scalers/definition.ts';
import { parseTrigger } from '../../src/scalers/parse.ts';
import { parseValue } from '../../src/spec/parse-value.ts';
import type { ConfigOf, Fields } from '../../src/spec/trigger-fields.ts';
import { eventually } from './eventually.ts';
import { type ReceivedRequest, startHttpServer, type TestHttpServer } from './http-server.ts';
import { scalerDeps, triggerContext } from './scaler-deps.ts';

export interface TriggerTexts {
  metadata: Record<string, string>;
  auth?: Record<string, string>;
}

export interface ConformanceOptions {
  /** A configuration that parses; for HTTP scalers it leads to the kit's server. */
  trigger(serverUrl: string): TriggerTexts;
  deps?: Partial<ScalerDeps>;
  /** Credentials that must be seen nowhere, beside the values of all fields that are declared secret. */
  secrets?: readonly string[];
  /** For scalers that ask over HTTP: how the source answers, and the value that a reading then has. */
  http?: { answer(request: ReceivedRequest, response: ServerResponse): void; value: number };
}

const STATUSES: readonly [number, ErrorCode][] = [
  [401, 'CredentialRefused'],
  [403, 'CredentialRefused'],
  [404, 'SourceNotFound'],
  [429, 'SourceThrottled'],
  [500, 'SourceUnavailable'],
  [503, 'SourceUnavailable'],
];
const TIMEOUT_MS = 250;

/** What every scaler has to keep to; a scaler's own tests begin with this. */
export function conformance<F extends Fields>(definition: ScalerDefinition<F>, options: ConformanceOptions): void {
  describe(`conformance of ${definition.type}`, () => {
    let server: TestHttpServer;
    let answer: (request: ReceivedRequest, response: ServerResponse) => void = () => {};
    const logged: string[] = [];
    const scalers: Scaler[] = [];

    beforeAll(async () => {
      server = await startHttpServer((request, response) => answer(request, response));
    });
    afterAll(async () => {
      await Promise.all(scalers.map((scaler) => scaler.close()));
      await server.stop();
    });

    const parse = () => {
      const { metadata, auth = {} } = options.trigger(server.url);
      const context = options.deps?.context ?? triggerContext();
      const parsed = parseTrigger(definition, { metadata, auth, env: {}, context });
      if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('; '));
      return parsed.config;
    };
    const create = async (overrides: Partial<ScalerDeps> = {}) => {
      const module = await definition.load();
      const log = createLogger({ level: 'debug', write: (line) => logged.push(line) });
      const deps = scalerDeps({ log, ...options.deps, ...overrides });
      const scaler = module.createScaler(parse(), deps);
      scalers.push(scaler);
      return scaler;
    };
    const hurried = (timeoutMs: number) => ({ http: { ...scalerDeps().http, ...options.deps?.http, timeoutMs } });
    /** The error of a reading; a number instead of it fails the test. */
    const failure = async (scaler: Scaler, signal = new AbortController().signal): Promise<unknown> => {
      const result = await scaler.read(signal).then(
        (reading) => ({ reading }),
        (error: unknown) => ({ error }),
      );
      expect(result).not.toHaveProperty('reading');
      return 'error' in result ? result.error : undefined;
    };

    describe('the definition', () => {
      it.each(definition.examples.map((example) => [example.title, example] as const))(
        'has an example without problems or doubts: %s',
        (_, { metadata, authentication = {}, podIdentity = 'none', metricType }) => {
          const context = triggerContext({ metricType, podIdentity: { provider: podIdentity } });
          const parsed = parseTrigger(definition, { metadata, auth: authentication, env: {}, context });
          expect(parsed.problems).toEqual([]);
          expect(parsed.notices).toEqual([]);
        },
      );

      it('has defaults that its own rules allow', () => {
        for (const [name, field] of Object.entries(definition.fields))
          if (field.default !== undefined) expect([name, parseValue(field, field.default).ok]).toEqual([name, true]);
      });
    });

    it('is created without any input or output', async () => {
      const module = await definition.load();
      const config: ConfigOf<F> = parse();
      const connections = server.connections();
      const before = process.getActiveResourcesInfo().length;
      const scaler = module.createScaler(config, scalerDeps(options.deps));
      expect(process.getActiveResourcesInfo().length).toBe(before);
      await new Promise((resolve) => setImmediate(resolve));
      expect(server.connections()).toBe(connections);
      await scaler.close();
    });

    it('can be closed twice, before and after a reading', async () => {
      answer = (_, response) => response.writeHead(500).end();
      const scaler = await create(hurried(TIMEOUT_MS));
      await scaler.read(AbortSignal.timeout(5_000)).catch(() => {});
      await scaler.close();
      await scaler.close();
      const unused = await create();
      await unused.close();
      await unused.close();
    });

    const { http } = options;
    if (!http) return;

    it('reads the value', async () => {
      answer = http.answer;
      const scaler = await create();
      expect(await scaler.read(new AbortController().signal)).toMatchObject({ value: http.value });
      await scaler.close();
    });

    it.each(STATUSES)('takes the status %i as %s', async (status, code) => {
      answer = (_, response) => response.writeHead(status, { 'retry-after': '7' }).end('no');
      const error = await failure(await create());
      expect(error).toBeInstanceOf(WindlassError);
      expect(error).toMatchObject({ code });
      if (status === 429 || status === 503) expect(error).toMatchObject({ retryAfter: 7_000 });
    });

    it.each([
      ['an empty answer', ''],
      ['garbage', '\u0000\u0001 not what was asked <for {'],
      ['a web page', '<!doctype html><html><body>Sign in</body></html>'],
    ])('takes %s as SourceAnswerInvalid', async (_, body) => {
      answer = (_request, response) => response.writeHead(200).end(body);
      expect(await failure(await create())).toMatchObject({ code: 'SourceAnswerInvalid' });
    });

    it('gives up a source that never answers, and one that stops in the middle', async () => {
      answer = () => {};
      expect(await failure(await create(hurried(TIMEOUT_MS)))).toMatchObject({ code: 'SourceTimeout' });
      answer = (_, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{');
      };
      expect(await failure(await create(hurried(TIMEOUT_MS)))).toMatchObject({ code: 'SourceTimeout' });
    });

    it('takes a broken connection as SourceUnavailable', async () => {
      answer = (_, response) => response.destroy();
      expect(await failure(await create())).toMatchObject({ code: 'SourceUnavailable' });
    });

    it('stops at once when aborted, with the reason it was given', async () => {
      let asked = false;
      answer = () => {
        asked = true;
      };
      const controller = new AbortController();
      const scaler = await create(hurried(60_000));
      const reading = failure(scaler, controller.signal);
      await eventually(() => asked);
      const reason = new Error('enough');
      controller.abort(reason);
      expect(await reading).toBe(reason);
      expect(await failure(scaler, controller.signal)).toBe(reason);
    });

    it('keeps nothing open after a thousand failures, and tells no secret in any of them', async () => {
      const secrets = [...(options.secrets ?? []), ...secretsOf(definition.fields, parse())];
      const replies: ((response: ServerResponse) => void)[] = [
        (response) => response.writeHead(401).end('denied'),
        (response) => response.writeHead(500).end('broken'),
        (response) => response.writeHead(200).end('garbage'),
        (response) => response.destroy(),
      ];
      let turn = 0;
      answer = (_, response) => replies[turn++ % replies.length]?.(response);
      const poolsBefore = openPools();
      const scaler = await create();
      const errors: unknown[] = [];
      const readOften = async (times: number) => {
        for (let i = 0; i < times; i++) errors.push(await failure(scaler));
      };
      await readOften(20);
      const before = process.getActiveResourcesInfo().length;
      await readOften(1_000);
      // A socket or two may be on its way out.
      expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before + 5);
      await scaler.close();
      expect(openPools()).toBe(poolsBefore);
      const told = [...logged, ...errors.slice(0, 40).map((error) => inspect(error, { depth: 8 }))].join('\n');
      for (const secret of secrets) expect(told.includes(secret), 'a secret was told').toBe(false);
    }, 60_000);
  });
}

/** Texts of all secret fields that are long enough to be looked for. */
function secretsOf(fields: Fields, config: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields)
    .filter(([, field]) => field.options.secret)
    .map(([name]) => config[name])
    .filter((value): value is string => typeof value === 'string' && value.length > 3);
}
