import { WindlassError } from '../../base/errors.ts';
import type { HttpAnswer, HttpClient } from '../_http/client.ts';
import type { ScalerDeps } from '../definition.ts';
import { awsError } from './answers.ts';
import { endpointOf } from './endpoint.ts';
import { type AwsKeys, signed } from './sign.ts';

/** As KEDA names its sessions; shows up in CloudTrail. */
const SESSION_NAME = 'KEDA';

/** Temporary keys and when they end, in milliseconds since 1970. */
export interface Session {
  keys: AwsKeys;
  expiresAt: number;
}

export interface StsOptions {
  region: string;
  role: string;
  deps: Pick<ScalerDeps, 'clock' | 'env'>;
  http: HttpClient;
}

/** Exchanges the token of a service account for keys of a role. */
export async function assumeRoleWithWebIdentity(
  { region, role, deps, http }: StsOptions,
  token: string,
  signal: AbortSignal,
): Promise<Session> {
  const body = form('AssumeRoleWithWebIdentity', { RoleArn: role, WebIdentityToken: token });
  const url = `${endpointOf('sts', region, deps.env)}/`;
  const answer = await http.send({ url, method: 'POST', headers: FORM, body, isRepeatable: true }, signal);
  return sessionOf('STS AssumeRoleWithWebIdentity', answer, deps.clock.now());
}

/** Takes on a role with the keys of another identity. */
export async function assumeRole(
  { region, role, deps, http }: StsOptions,
  base: AwsKeys,
  externalId: string | undefined,
  signal: AbortSignal,
): Promise<Session> {
  const body = form('AssumeRole', { RoleArn: role, ...(externalId ? { ExternalId: externalId } : {}) });
  const url = `${endpointOf('sts', region, deps.env)}/`;
  const request = signed({ service: 'sts', region, url, headers: FORM, body, keys: base, now: deps.clock.now() });
  return sessionOf('STS AssumeRole', await http.send(request, signal), deps.clock.now());
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };

function form(action: string, parameters: Record<string, string>): string {
  return new URLSearchParams({
    Action: action,
    Version: '2011-06-15',
    RoleSessionName: SESSION_NAME,
    ...parameters,
  }).toString();
}

function sessionOf(what: string, answer: HttpAnswer, now: number): Session {
  if (answer.status !== 200) throw awsError(what, answer, now);
  // Keys and tokens are of the base64 alphabet: nothing in them is ever escaped.
  const text = (name: string) => new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(answer.body)?.[1];
  const session = readSession({
    AccessKeyId: text('AccessKeyId'),
    SecretAccessKey: text('SecretAccessKey'),
    Token: text('SessionToken'),
    Expiration: text('Expiration'),
  });
  if (session) return session;
  throw new WindlassError('SourceAnswerInvalid', `${what} answered without keys`, {
    hint: 'check AWS_ENDPOINT_URL_STS of the operator, if it is set',
  });
}

/** Keys as AWS' services give them; undefined when something is missing. */
export function readSession(body: Record<string, unknown>): Session | undefined {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken } = body;
  const expiresAt = Date.parse(String(body.Expiration));
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string' || Number.isNaN(expiresAt))
    return undefined;
  if (accessKeyId === '' || secretAccessKey === '') return undefined;
  return {
    keys: { accessKeyId, secretAccessKey, ...(typeof sessionToken === 'string' ? { sessionToken } : {}) },
    expiresAt,
  };
}
