import { type ConfigOf, string } from '../../spec/trigger-fields.ts';
import type { FieldProblem, PodIdentityProvider, TriggerContext } from '../definition.ts';

/** Fields that all AWS triggers share (KEDA 2.21). */
export const awsFields = {
  awsRegion: string('Region, for example eu-west-1.', { from: ['metadata', 'auth'], required: true }),
  awsEndpoint: string('Address of the service in place of the one of AWS.', {
    note: 'For LocalStack and other stand-ins. Roles are still assumed at AWS, or at `AWS_ENDPOINT_URL_STS` of the operator.',
  }),
  identityOwner: string('Whose identity is used without a pod identity: `pod` or `operator`.', {
    note: '`operator` (or any other text) uses the identity that the operator has itself. `pod`, the default, needs a role or a pair of keys. New manifests use a TriggerAuthentication with pod identity `aws` instead.',
  }),
  awsRoleArn: string('ARN of a role to assume.', { from: ['auth'] }),
  awsAccessKeyID: string('Access key.', { from: ['auth', 'metadata', 'env'], aliases: ['awsAccessKeyId'] }),
  awsSecretAccessKey: string('The secret of the access key.', { from: ['auth', 'env'], secret: true }),
  awsSessionToken: string('Session token of temporary keys.', { from: ['auth'], secret: true }),
};

export type AwsConfig = ConfigOf<typeof awsFields>;

/** Pod identities that AWS triggers take. */
export const AWS_IDENTITIES = ['aws', 'aws-eks'] as const satisfies readonly PodIdentityProvider[];

/** Where a trigger's identity comes from (KEDA 2.21: the pod identity, then identityOwner, a role, a pair of keys). */
export function identityKind(
  config: Partial<AwsConfig>,
  provider: PodIdentityProvider,
): 'pod-identity' | 'operator' | 'role' | 'keys' {
  if (provider === 'aws') return 'pod-identity';
  if (config.identityOwner !== undefined && config.identityOwner !== 'pod') return 'operator';
  return config.awsRoleArn !== undefined ? 'role' : 'keys';
}

/** What is missing for the trigger to prove itself to AWS. */
export function checkAwsIdentity(config: Partial<AwsConfig>, { podIdentity }: TriggerContext): FieldProblem[] {
  const { provider } = podIdentity;
  if (provider !== 'none' && provider !== 'aws' && provider !== 'aws-eks')
    return [{ field: 'podIdentity', message: `pod identity ${provider} cannot be used with AWS; use aws` }];
  if (identityKind(config, provider) !== 'keys') return [];
  const instead =
    provider === 'aws-eks'
      ? `or annotate the target's ServiceAccount with eks.amazonaws.com/role-arn`
      : 'or use a TriggerAuthentication with pod identity aws';
  const problems: FieldProblem[] = [];
  if (config.awsAccessKeyID === undefined)
    problems.push({
      field: 'awsAccessKeyID',
      message: `awsAccessKeyID is required: give it in a TriggerAuthentication, or name a variable of the target's container with awsAccessKeyIDFromEnv, ${instead}`,
    });
  if (config.awsSecretAccessKey === undefined)
    problems.push({
      field: 'awsSecretAccessKey',
      message: `awsSecretAccessKey is required: give it in a TriggerAuthentication, or name a variable of the target's container with awsSecretAccessKeyFromEnv, ${instead}`,
    });
  return problems;
}
