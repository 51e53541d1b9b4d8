import { readFile } from 'node:fs/promises';
import { describeError, WindlassError } from '../../base/errors.ts';
import { createHttpClient, type HttpClient } from '../_http/client.ts';
import { statusError } from '../_http/errors.ts';
import type { ScalerDeps } from '../definition.ts';
import type { AwsKeys } from './sign.ts';
import { assumeRoleWithWebIdentity, readSession, type Session } from './sts.ts';

/** Hosts that may be asked for a container's keys without TLS (AWS' SDKs have the same list). */
const CONTAINER_HOSTS = new Set([
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
  'localhost',
  '127.0.0.1',
  '[::1]',
]);
const INSTANCE_METADATA = 'http://169.254.169.254';
/** On a machine that is no EC2 instance nothing answers there; AWS' SDKs wait as long. */
const INSTANCE_TIMEOUT_MS = 1_000;

export interface OwnIdentityOptions {
  region: string;
  deps: Pick<ScalerDeps, 'clock' | 'env' | 'http' | 'observe'>;
  http: HttpClient;
}

/** Keys, with an end or without one. */
export type Identity = Session | { keys: AwsKeys; expiresAt: undefined };

/**
 * The identity that the operator itself has on AWS, in the order of AWS' SDKs: keys in its environment, the role of its
 * service account, EKS Pod Identity or ECS, the role of the machine. Files in a home folder are not looked for.
 */
export async function ownIdentity(options: OwnIdentityOptions, signal: AbortSignal): Promise<Identity> {
  const { env } = options.deps;
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY)
    return {
      keys: {
        accessKeyId: env.AWS_ACCESS_KEY_ID,
        secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
        ...(env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {}),
      },
      expiresAt: undefined,
    };
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE && env.AWS_ROLE_ARN) return webIdentity(options, env.AWS_ROLE_ARN, signal);
  if (env.AWS_CONTAINER_CREDENTIALS_FULL_URI || env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)
    return fromContainer(options, signal);
  if (env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true')
    throw noIdentity('the metadata of the machine is disabled');
  try {
    return await fromInstance(options, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    throw noIdentity(`the metadata of the machine gave none: ${describeError(error)}`, error);
  }
}

/** Keys of a role by the token of the operator's service account (IAM roles for service accounts). */
export async function webIdentity(options: OwnIdentityOptions, role: string, signal: AbortSignal): Promise<Session> {
  const file = options.deps.env.AWS_WEB_IDENTITY_TOKEN_FILE ?? '';
  const token = await readFile(file, 'utf8').catch((cause) => {
    throw new WindlassError('CredentialNotFound', `cannot read AWS_WEB_IDENTITY_TOKEN_FILE: ${describeError(cause)}`, {
      cause,
    });
  });
  return assumeRoleWithWebIdentity({ ...options, role }, token.trim(), signal);
}

function noIdentity(why: string, cause?: unknown): WindlassError {
  return new WindlassError('CredentialNotFound', `the operator has no identity on AWS: ${why}`, {
    cause,
    hint: 'annotate its service account with eks.amazonaws.com/role-arn, associate it with EKS Pod Identity, or give the trigger keys by a TriggerAuthentication',
  });
}

async function fromContainer({ deps, http }: OwnIdentityOptions, signal: AbortSignal): Promise<Session> {
  const { env } = deps;
  const url = new URL(
    env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
      ? `http://169.254.170.2${env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI}`
      : (env.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? ''),
  );
  if (url.protocol !== 'https:' && !CONTAINER_HOSTS.has(url.hostname))
    throw noIdentity(
      `AWS_CONTAINER_CREDENTIALS_FULL_URI names the host ${url.hostname}, which is not to be asked without TLS`,
    );
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file ? (await readFile(file, 'utf8')).trim() : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  return askForKeys(
    'the credentials of the container',
    deps,
    http,
    url.href,
    token ? { authorization: token } : {},
    signal,
  );
}

async function fromInstance({ deps }: OwnIdentityOptions, signal: AbortSignal): Promise<Session> {
  const base = (deps.env.AWS_EC2_METADATA_SERVICE_ENDPOINT || INSTANCE_METADATA).replace(/\/+$/, '');
  const http = createHttpClient({ deps, timeoutMs: INSTANCE_TIMEOUT_MS });
  const expect200 = async (what: string, answer: Awaited<ReturnType<HttpClient['send']>>) => {
    if (answer.status === 200) return answer.body.trim();
    throw statusError({ what, status: answer.status, headers: answer.headers, now: deps.clock.now() });
  };
  try {
    const token = await expect200(
      'the instance metadata',
      await http.send(
        {
          url: `${base}/latest/api/token`,
          method: 'PUT',
          headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
          body: '',
        },
        signal,
      ),
    );
    const headers = { 'x-aws-ec2-metadata-token': token };
    const folder = `${base}/latest/meta-data/iam/security-credentials/`;
    const [role = ''] = (
      await expect200('the role of the instance', await http.send({ url: folder, authHeaders: headers }, signal))
    ).split('\n');
    return await askForKeys('the role of the instance', deps, http, `${folder}${role}`, headers, signal);
  } finally {
    await http.close();
  }
}

async function askForKeys(
  what: string,
  { clock }: Pick<ScalerDeps, 'clock'>,
  http: HttpClient,
  url: string,
  authHeaders: Record<string, string>,
  signal: AbortSignal,
): Promise<Session> {
  const answer = await http.send({ url, authHeaders }, signal);
  if (answer.status !== 200)
    throw statusError({ what, status: answer.status, headers: answer.headers, now: clock.now() });
  let body: unknown;
  try {
    body = JSON.parse(answer.body);
  } catch {
    body = undefined;
  }
  const session = typeof body === 'object' && body !== null ? readSession(body as Record<string, unknown>) : undefined;
  if (session) return session;
  throw new WindlassError('SourceAnswerInvalid', `${what} answered without keys`);
}
