import { WindlassError } from '../../base/errors.ts';
import { createHttpClient } from '../_http/client.ts';
import type { ScalerDeps } from '../definition.ts';
import { awsError, isExpired } from './answers.ts';
import { awsCredentials } from './credentials.ts';
import { endpointOf } from './endpoint.ts';
import type { AwsConfig } from './fields.ts';
import { signed } from './sign.ts';

export interface AwsService {
  /** Asks with the JSON protocol; keys that have expired meanwhile are renewed once. */
  ask(operation: string, parameters: object, signal: AbortSignal): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface AwsServiceOptions {
  /** As it is signed, and as its host is called. */
  service: 'sqs';
  /** What operations are prefixed with, for example `AmazonSQS`. */
  target: string;
  config: AwsConfig;
  deps: ScalerDeps;
}

/** A service of AWS that speaks JSON (AWS JSON 1.0). Opens nothing before it is asked. */
export function createAwsService({ service, target, config, deps }: AwsServiceOptions): AwsService {
  const http = createHttpClient({ deps });
  const credentials = awsCredentials({ config, deps, http });
  const { awsRegion: region } = config;
  const url = `${endpointOf(service, region, deps.env, config.awsEndpoint)}/`;

  const send = async (operation: string, body: string, signal: AbortSignal) => {
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `${target}.${operation}` };
    const keys = await credentials.keys(signal);
    return http.send(signed({ service, region, url, headers, body, keys, now: deps.clock.now() }), signal);
  };

  return {
    async ask(operation, parameters, signal) {
      const what = `${service.toUpperCase()} ${operation} in ${region}`;
      const body = JSON.stringify(parameters);
      let answer = await send(operation, body, signal);
      if (isExpired(answer) && credentials.renew()) answer = await send(operation, body, signal);
      if (answer.status !== 200) throw awsError(what, answer, deps.clock.now());
      try {
        const parsed: unknown = JSON.parse(answer.body);
        if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
      } catch {
        // Told below, as every other answer that is no object.
      }
      throw new WindlassError('SourceAnswerInvalid', `${what} answered with something that is not JSON`, {
        hint: 'check awsEndpoint and awsRegion: this is not the service',
      });
    },
    close: () => http.close(),
  };
}
