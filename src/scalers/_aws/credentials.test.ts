import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Moto, REGION, startMoto } from '../../../test/servers/moto/index.ts';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import {
  answerJson,
  type ReceivedRequest,
  startHttpServer,
  type TestHttpServer,
} from '../../../test/support/http-server.ts';
import { scalerDeps, triggerContext } from '../../../test/support/scaler-deps.ts';
import { createHttpClient } from '../_http/client.ts';
import type { PodIdentity } from '../definition.ts';
import { awsCredentials } from './credentials.ts';
import { endpointOf } from './endpoint.ts';
import type { AwsConfig } from './fields.ts';
import { createAwsService } from './request.ts';

const ROLE = 'arn:aws:iam::123456789012:role/reader';
const signal = new AbortController().signal;
const HOUR = 3_600_000;

/** An answer of STS to either way of assuming a role. */
function session(action: string, key: string, expiration: number): string {
  return `<${action}Response><${action}Result><Credentials><AccessKeyId>${key}</AccessKeyId>
    <SecretAccessKey>s+/=</SecretAccessKey><SessionToken>t+/=</SessionToken>
    <Expiration>${new Date(expiration).toISOString()}</Expiration></Credentials></${action}Result></${action}Response>`;
}

describe('the identity of an AWS trigger', () => {
  let clock: FakeClock;
  let folder: string;
  let aws: TestHttpServer;
  let answer: (request: ReceivedRequest, response: ServerResponse) => void;
  let env: Record<string, string>;
  let issued: number;

  beforeEach(async () => {
    clock = createFakeClock();
    folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-aws-'));
    await writeFile(path.join(folder, 'token'), 'from-the-kubelet\n');
    issued = 0;
    answer = (request, response) => {
      const action = new URLSearchParams(request.body).get('Action') ?? '';
      response.end(session(action, `KEY-${++issued}`, clock.now() + HOUR));
    };
    aws = await startHttpServer((request, response) => answer(request, response));
    env = { AWS_ENDPOINT_URL_STS: aws.url, AWS_EC2_METADATA_DISABLED: 'true' };
  });
  afterEach(async () => {
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  const OWN_KEYS = { AWS_ACCESS_KEY_ID: 'OWN', AWS_SECRET_ACCESS_KEY: 'own-secret' };
  const irsa = () => ({ AWS_WEB_IDENTITY_TOKEN_FILE: path.join(folder, 'token'), AWS_ROLE_ARN: `${ROLE}-of-operator` });
  const credentials = (config: Partial<AwsConfig>, podIdentity: Partial<PodIdentity> = {}) => {
    const deps = scalerDeps({
      clock,
      env,
      context: triggerContext({ podIdentity: { provider: 'none', ...podIdentity } }),
    });
    return awsCredentials({
      config: { awsRegion: REGION, ...config } as AwsConfig,
      deps,
      http: createHttpClient({ deps }),
    });
  };
  const asked = () =>
    aws.requests.map(({ body, headers }) => {
      const form = new URLSearchParams(body);
      const signer = /Credential=([^/]+)/.exec(String(headers.authorization))?.[1];
      const parts = [
        form.get('Action'),
        form.get('RoleArn'),
        form.get('RoleSessionName'),
        form.get('ExternalId'),
        signer,
      ];
      return parts.filter(Boolean).join(' ');
    });

  it.each<[string, Partial<AwsConfig>, Partial<PodIdentity>, 'keys' | 'irsa', string, string[]]>([
    [
      'keys of the trigger',
      { awsAccessKeyID: 'MINE', awsSecretAccessKey: 'x', awsSessionToken: 'y' },
      {},
      'keys',
      'MINE',
      [],
    ],
    ['a role, by the keys of the operator', { awsRoleArn: ROLE }, {}, 'keys', 'KEY-1', [`AssumeRole ${ROLE} KEDA OWN`]],
    ['identityOwner operator', { identityOwner: 'operator', awsRoleArn: ROLE }, {}, 'keys', 'OWN', []],
    ['pod identity aws without a role', {}, { provider: 'aws' }, 'keys', 'OWN', []],
    [
      'pod identity aws of a service account with a role',
      {},
      { provider: 'aws' },
      'irsa',
      'KEY-1',
      [`AssumeRoleWithWebIdentity ${ROLE}-of-operator KEDA`],
    ],
    [
      'pod identity aws with a role, by the token of the service account',
      {},
      { provider: 'aws', roleArn: ROLE },
      'irsa',
      'KEY-1',
      [`AssumeRoleWithWebIdentity ${ROLE} KEDA`],
    ],
    [
      'pod identity aws with a role and an external id, without a token',
      {},
      { provider: 'aws', roleArn: ROLE, externalID: 'shop' },
      'keys',
      'KEY-1',
      [`AssumeRole ${ROLE} KEDA shop OWN`],
    ],
    [
      'pod identity aws with the role of the workload',
      { awsRoleArn: ROLE },
      { provider: 'aws', identityOwner: 'workload' },
      'irsa',
      'KEY-1',
      [`AssumeRoleWithWebIdentity ${ROLE} KEDA`],
    ],
  ])('is %s', async (_, config, podIdentity, operator, key, requests) => {
    Object.assign(env, operator === 'keys' ? OWN_KEYS : irsa());
    expect((await credentials(config, podIdentity).keys(signal)).accessKeyId).toBe(key);
    expect(asked()).toEqual(requests);
  });

  it('is tried by the role of the operator when its service account is not trusted', async () => {
    Object.assign(env, irsa());
    answer = (request, response) => {
      const form = new URLSearchParams(request.body);
      const action = form.get('Action') ?? '';
      if (action === 'AssumeRoleWithWebIdentity' && form.get('RoleArn') === ROLE)
        response.writeHead(403).end('<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>');
      else response.end(session(action, `KEY-${++issued}`, clock.now() + HOUR));
    };
    const { accessKeyId } = await credentials({}, { provider: 'aws', roleArn: ROLE, externalID: 'shop' }).keys(signal);
    expect(accessKeyId).toBe('KEY-2');
    expect(asked()).toEqual([
      `AssumeRoleWithWebIdentity ${ROLE} KEDA`,
      `AssumeRoleWithWebIdentity ${ROLE}-of-operator KEDA`,
      `AssumeRole ${ROLE} KEDA shop KEY-1`,
    ]);
  });

  it('is told about in one error when no way leads to it', async () => {
    Object.assign(env, irsa());
    answer = (_, response) => {
      response.writeHead(403).end('<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>');
    };
    const reading = credentials({}, { provider: 'aws', roleArn: ROLE }).keys(signal);
    await expect(reading).rejects.toMatchObject({ code: 'CredentialRefused' });
    await expect(reading).rejects.toThrow(/AccessDenied.*before that.*AccessDenied/);
  });

  it('is asked for once by all that share it, and anew before it ends', async () => {
    Object.assign(env, irsa());
    const all = Array.from({ length: 20 }, () => credentials({}, { provider: 'aws' }));
    const keys = async () => [
      ...new Set((await Promise.all(all.map((each) => each.keys(signal)))).map((k) => k.accessKeyId)),
    ];
    expect(await keys()).toEqual(['KEY-1']);
    await clock.advance(HOUR - 5 * 60_000 - 1);
    expect(await keys()).toEqual(['KEY-1']);
    await clock.advance(1);
    expect(await keys()).toEqual(['KEY-2']);
    expect(aws.requests).toHaveLength(2);
  });

  it('is asked for again after an error', async () => {
    Object.assign(env, irsa());
    const good = answer;
    answer = (_, response) => void response.writeHead(503).end();
    const mine = credentials({}, { provider: 'aws' });
    await expect(mine.keys(signal)).rejects.toMatchObject({ code: 'SourceUnavailable' });
    answer = good;
    expect((await mine.keys(signal)).accessKeyId).toBe('KEY-1');
  });

  it('comes from EKS Pod Identity when the container has it', async () => {
    await writeFile(path.join(folder, 'pod-token'), 'pod-token');
    Object.assign(env, {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: path.join(folder, 'pod-token'),
    });
    answer = (request, response) => {
      if (request.url !== '/v1/credentials' || request.headers.authorization !== 'pod-token')
        return response.writeHead(401).end();
      return answerJson(response, {
        AccessKeyId: 'POD',
        SecretAccessKey: 'x',
        Token: 'y',
        Expiration: '2100-01-01T00:00:00Z',
      });
    };
    expect((await credentials({}, { provider: 'aws' }).keys(signal)).accessKeyId).toBe('POD');
    env.AWS_CONTAINER_CREDENTIALS_FULL_URI = 'http://example.com/v1/credentials';
    await expect(credentials({}, { provider: 'aws' }).keys(signal)).rejects.toThrow('example.com');
  });

  it('comes from the machine when nothing else is there', async () => {
    Object.assign(env, { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.url });
    answer = (request, response) => {
      if (request.method === 'PUT' && request.url === '/latest/api/token') return response.end('session');
      if (request.headers['x-aws-ec2-metadata-token'] !== 'session') return response.writeHead(401).end();
      if (request.url === '/latest/meta-data/iam/security-credentials/') return response.end('node-role\n');
      return answerJson(response, {
        AccessKeyId: 'NODE',
        SecretAccessKey: 'x',
        Token: 'y',
        Expiration: '2100-01-01T00:00:00Z',
      });
    };
    expect((await credentials({ identityOwner: 'operator' }).keys(signal)).accessKeyId).toBe('NODE');
    expect(aws.requests.at(-1)?.url).toBe('/latest/meta-data/iam/security-credentials/node-role');
  });

  it('that is nowhere is said to be missing, with what to do', async () => {
    await expect(credentials({ identityOwner: 'operator' }).keys(signal)).rejects.toMatchObject({
      code: 'CredentialNotFound',
      hint: expect.stringContaining('eks.amazonaws.com/role-arn'),
    });
    Object.assign(env, { AWS_WEB_IDENTITY_TOKEN_FILE: path.join(folder, 'gone'), AWS_ROLE_ARN: ROLE });
    await expect(credentials({ identityOwner: 'operator' }).keys(signal)).rejects.toThrow(
      'AWS_WEB_IDENTITY_TOKEN_FILE',
    );
  });

  it('that has expired at AWS is renewed, once', async () => {
    Object.assign(env, irsa());
    const refused: string[] = [];
    answer = (request, response) => {
      const action = new URLSearchParams(request.body).get('Action');
      if (action) return response.end(session(action, `KEY-${++issued}`, clock.now() + HOUR));
      const key = /Credential=([^/]+)/.exec(String(request.headers.authorization))?.[1] ?? '';
      if (key !== 'KEY-2') {
        refused.push(key);
        return response.writeHead(403).end('{"__type":"com.amazon.coral.service#ExpiredTokenException"}');
      }
      return answerJson(response, { Attributes: {} });
    };
    const context = triggerContext({ podIdentity: { provider: 'aws' } });
    const deps = scalerDeps({ clock, env: { ...env, AWS_ENDPOINT_URL_SQS: aws.url }, context });
    const config = { awsRegion: REGION } as AwsConfig;
    const sqs = createAwsService({ service: 'sqs', target: 'AmazonSQS', config, deps });
    expect(await sqs.ask('GetQueueAttributes', {}, signal)).toEqual({ Attributes: {} });
    expect(refused).toEqual(['KEY-1']);
    await sqs.close();
  });
});

describe('errors of AWS', () => {
  let aws: TestHttpServer;
  let reply: [number, string];
  beforeAll(async () => {
    aws = await startHttpServer((_, response) => void response.writeHead(reply[0]).end(reply[1]));
  });
  afterAll(() => aws.stop());

  it.each<[number, string, string]>([
    [400, 'com.amazonaws.sqs#QueueDoesNotExist', 'SourceNotFound'],
    [400, 'AWS.SimpleQueueService.NonExistentQueue', 'SourceNotFound'],
    [400, 'AccessDeniedException', 'CredentialRefused'],
    [403, 'com.amazon.coral.service#InvalidSignatureException', 'CredentialRefused'],
    [403, 'com.amazon.coral.service#UnrecognizedClientException', 'CredentialRefused'],
    [400, 'ExpiredTokenException', 'CredentialRefused'],
    [400, 'RequestThrottled', 'SourceThrottled'],
    [400, 'ThrottlingException', 'SourceThrottled'],
    [503, 'ServiceUnavailable', 'SourceUnavailable'],
    [400, 'SomethingNew', 'SourceAnswerInvalid'],
  ])('%d %s are %s', async (status, type, code) => {
    reply = [status, JSON.stringify({ __type: type, message: 'User: arn:aws:iam::1:user/canary' })];
    const config = {
      awsRegion: REGION,
      awsEndpoint: aws.url,
      awsAccessKeyID: 'A',
      awsSecretAccessKey: 'B',
    } as AwsConfig;
    const sqs = createAwsService({ service: 'sqs', target: 'AmazonSQS', config, deps: scalerDeps() });
    const error = await sqs.ask('GetQueueAttributes', {}, signal).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code });
    expect(String(error)).toContain(type.split('#').at(-1));
    expect(String(error)).not.toContain('canary');
    await sqs.close();
  });
});

describe('endpoints', () => {
  it.each([
    ['eu-west-1', {}, undefined, 'https://sqs.eu-west-1.amazonaws.com'],
    ['cn-north-1', {}, undefined, 'https://sqs.cn-north-1.amazonaws.com.cn'],
    ['us-iso-east-1', {}, undefined, 'https://sqs.us-iso-east-1.c2s.ic.gov'],
    ['eu-west-1', { AWS_ENDPOINT_URL: 'http://all:1/' }, undefined, 'http://all:1'],
    [
      'eu-west-1',
      { AWS_ENDPOINT_URL: 'http://all:1', AWS_ENDPOINT_URL_SQS: 'http://sqs:2' },
      undefined,
      'http://sqs:2',
    ],
    ['eu-west-1', { AWS_ENDPOINT_URL_SQS: 'http://sqs:2' }, 'http://mine:3/', 'http://mine:3'],
  ])('in %s with %o and %s', (region, env, own, wanted) => {
    expect(endpointOf('sqs', region, env, own)).toBe(wanted);
  });
});

describe('with the STS of a real server', () => {
  let moto: Moto;
  let folder: string;
  beforeAll(async () => {
    moto = await startMoto();
    folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-aws-'));
    await writeFile(path.join(folder, 'token'), 'token-of-the-service-account');
  });
  afterAll(async () => {
    await moto?.stop();
    await rm(folder, { recursive: true });
  });

  it.each<[string, Partial<PodIdentity>, boolean]>([
    ['by a service account', { provider: 'aws' }, true],
    ['by a service account and a named role', { provider: 'aws', roleArn: ROLE }, true],
    ['by keys and a named role', { provider: 'aws', roleArn: ROLE, externalID: 'shop' }, false],
  ])('a role is assumed %s', async (_, podIdentity, byToken) => {
    const env = {
      AWS_ENDPOINT_URL_STS: moto.url,
      ...(byToken
        ? { AWS_WEB_IDENTITY_TOKEN_FILE: path.join(folder, 'token'), AWS_ROLE_ARN: ROLE }
        : { AWS_ACCESS_KEY_ID: 'OWN', AWS_SECRET_ACCESS_KEY: 'own' }),
    };
    const context = triggerContext({ podIdentity: { provider: 'aws', ...podIdentity } });
    const deps = scalerDeps({ env, context });
    const config = { awsRegion: REGION, awsEndpoint: moto.url } as AwsConfig;
    const { keys } = awsCredentials({ config, deps, http: createHttpClient({ deps }) });
    expect(await keys(signal)).toEqual({
      accessKeyId: expect.stringMatching(/^ASIA/),
      secretAccessKey: expect.any(String),
      sessionToken: expect.any(String),
    });
  });
});
