import { expect, test } from 'vitest';
import { aScaledJob, aTrigger } from '../../../test/support/manifests.ts';
import type { CloudEventSourceSpec, ScaledJobSpec, TriggerAuthenticationSpec } from '../index.ts';
import { checkRules, type RuleProblem } from './index.ts';

const brief = (problems: RuleProblem[]) => problems.map(({ effect, rule, path }) => `${effect} ${rule} ${path}`);

test.each<[string, Partial<ScaledJobSpec>, string[]]>([
  ['ordinary', {}, []],
  ['without triggers', { triggers: [] }, ['refuse incorrect-triggers spec.triggers']],
  [
    'with a metricType',
    { triggers: [aTrigger({ metricType: 'AverageValue' })] as ScaledJobSpec['triggers'] },
    ['fail job spec.triggers[0].metricType'],
  ],
  [
    'with useCachedMetrics',
    { triggers: [aTrigger({ useCachedMetrics: true })] },
    ['warn no-effect spec.triggers[0].useCachedMetrics'],
  ],
  ['with cpu', { triggers: [aTrigger({ type: 'cpu' })] }, ['warn job spec.triggers[0].type']],
  ['min above max', { minReplicaCount: 5, maxReplicaCount: 4 }, ['warn no-effect spec.minReplicaCount']],
  [
    'with both rollout strategies',
    { rolloutStrategy: 'gradual', rollout: { strategy: 'immediate' } },
    ['warn no-effect spec.rollout.strategy'],
  ],
  [
    'custom without a percentage',
    { scalingStrategy: { strategy: 'custom' } },
    ['warn no-effect spec.scalingStrategy.customScalingRunningJobPercentage'],
  ],
  [
    'with settings of custom but not custom',
    { scalingStrategy: { customScalingQueueLengthDeduction: 1 } },
    ['warn no-effect spec.scalingStrategy.customScalingQueueLengthDeduction'],
  ],
  ['without containers', { jobTargetRef: { template: {} } }, ['fail job spec.jobTargetRef.template.spec.containers']],
  [
    'restarting always',
    { jobTargetRef: { template: { spec: { restartPolicy: 'Always', containers: [{ name: 'a' }] } } } },
    ['fail job spec.jobTargetRef.template.spec.restartPolicy'],
  ],
])('ScaledJob %s', (_, spec, expected) => {
  expect(brief(checkRules('ScaledJob', aScaledJob(spec)))).toEqual(expected);
});

const authentication = (spec: TriggerAuthenticationSpec) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'TriggerAuthentication',
  metadata: { name: 'auth' },
  spec,
});
const oauth2 = { type: 'clientCredentials' as const, clientId: 'me', tokenUrl: 'https://id.example/token' };
const reference = { parameter: 'host', name: 'broker', key: 'url' };

test.each<[string, TriggerAuthenticationSpec, string[]]>([
  ['azure', { podIdentity: { provider: 'azure-workload' } }, []],
  [
    'azure, empty identity',
    { podIdentity: { provider: 'azure-workload', identityId: '' } },
    ['refuse pod-identity spec.podIdentity.identityId'],
  ],
  [
    'azure, host without tenant',
    { podIdentity: { provider: 'azure-workload', identityAuthorityHost: 'https://login' } },
    ['refuse pod-identity spec.podIdentity.identityTenantId'],
  ],
  [
    'azure, empty tenant',
    { podIdentity: { provider: 'azure-workload', identityTenantId: '' } },
    ['refuse pod-identity spec.podIdentity.identityTenantId'],
  ],
  [
    'aws, role and workload',
    { podIdentity: { provider: 'aws', roleArn: 'arn', identityOwner: 'workload' } },
    ['refuse pod-identity spec.podIdentity.roleArn'],
  ],
  [
    'aws, external id without role',
    { podIdentity: { provider: 'aws', externalID: 'x' } },
    ['refuse pod-identity spec.podIdentity.externalID'],
  ],
  ['gcp with fields of azure', { podIdentity: { provider: 'gcp', identityId: '' } }, []],
  ['oauth2', { oauth2 }, []],
  ['oauth2, relative url', { oauth2: { ...oauth2, tokenUrl: 'id/token' } }, ['refuse oauth2 spec.oauth2.tokenUrl']],
  ['oauth2, no host', { oauth2: { ...oauth2, tokenUrl: 'https:///token' } }, ['refuse oauth2 spec.oauth2.tokenUrl']],
  ['oauth2, no client', { oauth2: { ...oauth2, clientId: '' } }, ['refuse oauth2 spec.oauth2.clientId']],
  [
    'oauth2 beside an identity for which KEDA does not look',
    { podIdentity: { provider: 'gcp' }, oauth2: { ...oauth2, tokenUrl: 'ftp://id/' } },
    ['fail oauth2 spec.oauth2.tokenUrl'],
  ],
  [
    'vault by kubernetes without role and mount',
    { hashiCorpVault: { address: 'https://v', authentication: 'kubernetes', secrets: [] } },
    ['fail credentials spec.hashiCorpVault.mount', 'fail credentials spec.hashiCorpVault.role'],
  ],
  [
    'vault by token without a token',
    { hashiCorpVault: { address: 'https://v', authentication: 'token', secrets: [] } },
    ['warn credentials spec.hashiCorpVault.credential.token'],
  ],
  [
    'key vault with the identity of another cloud',
    { azureKeyVault: { vaultUri: 'https://v', secrets: [], podIdentity: { provider: 'aws' } } },
    ['fail credentials spec.azureKeyVault.podIdentity.provider'],
  ],
  [
    'aws store without anything',
    { awsSecretManager: { secrets: [] } },
    ['fail credentials spec.awsSecretManager.credentials'],
  ],
  ['a file', { filePath: 'a.json' }, ['warn credentials spec.filePath']],
  [
    'one parameter twice',
    { secretTargetRef: [reference, reference] },
    ['warn credentials spec.secretTargetRef[1].parameter'],
  ],
])('TriggerAuthentication: %s', (_, spec, expected) => {
  expect(brief(checkRules('TriggerAuthentication', authentication(spec)))).toEqual(expected);
});

test.each<[string, TriggerAuthenticationSpec, string[]]>([
  ['relative', { filePath: 'team/a.json' }, []],
  ['absolute', { filePath: '/etc/a.json' }, ['fail credentials spec.filePath']],
  ['going up', { filePath: 'a/../../b' }, ['fail credentials spec.filePath']],
  ['beside a secret', { filePath: 'a', secretTargetRef: [reference] }, ['warn no-effect spec.secretTargetRef']],
])('ClusterTriggerAuthentication with a file, %s', (_, spec, expected) => {
  expect(brief(checkRules('ClusterTriggerAuthentication', authentication(spec)))).toEqual(expected);
});

const http = { http: { uri: 'https://sink.example' } };
test.each<[string, CloudEventSourceSpec, string[]]>([
  ['to a web server', { destination: http }, []],
  ['to nowhere', { destination: {} }, ['fail destination spec.destination']],
  ['to no URL', { destination: { http: { uri: 'sink' } } }, ['fail destination spec.destination.http.uri']],
  [
    'to two places',
    { destination: { ...http, azureEventGridTopic: { endpoint: 'https://grid' } } },
    ['warn no-effect spec.destination.azureEventGridTopic'],
  ],
  [
    'with both lists',
    {
      destination: http,
      eventSubscription: {
        includedEventTypes: ['keda.scaledjob.ready.v1'],
        excludedEventTypes: ['keda.scaledjob.failed.v1'],
      },
    },
    ['refuse event-types spec.eventSubscription.excludedEventTypes'],
  ],
  [
    'with an event about an authentication, which KEDA refuses',
    {
      destination: http,
      eventSubscription: { includedEventTypes: ['keda.authentication.triggerauthentication.created.v1'] },
    },
    ['refuse event-types spec.eventSubscription.includedEventTypes[0]'],
  ],
])('CloudEventSource %s', (_, spec, expected) => {
  const source = {
    apiVersion: 'eventing.keda.sh/v1alpha1',
    kind: 'CloudEventSource',
    metadata: { name: 'sink' },
    spec,
  };
  expect(brief(checkRules('CloudEventSource', source))).toEqual(expected);
});
