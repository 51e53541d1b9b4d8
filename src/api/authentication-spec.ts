import { listOf, mapOf, type ObjectFieldOptions, object, oneOf, text, type ValueOf } from '../spec/object-fields.ts';

export const POD_IDENTITY_PROVIDERS = ['azure-workload', 'gcp', 'aws', 'aws-eks', 'none'] as const;

const podIdentity = object('Identity of a workload in a cloud, in place of a secret.', {
  provider: oneOf('The cloud.', POD_IDENTITY_PROVIDERS, { required: true }),
  identityId: text('Azure: client id in place of the default one.'),
  identityTenantId: text('Azure: tenant in place of the default one.'),
  identityAuthorityHost: text('Azure: authority host in place of the default one; needs identityTenantId.'),
  roleArn: text('AWS: role to take on.'),
  externalID: text('AWS: external id that the role asks for; needs roleArn.'),
  identityOwner: oneOf("AWS: whose identity counts, the operator's or the workload's.", ['keda', 'workload'], {
    absent: 'keda',
  }),
});

const parameter = text('Parameter of the trigger that gets the value.', { required: true });

const reference = (what: string) =>
  object(`A key of a ${what}.`, {
    parameter,
    name: text(`Name of the ${what}.`, { required: true }),
    key: text('Key inside it.', { required: true }),
  });

const fromSecret = <const O extends ObjectFieldOptions>(description: string, options: O = {} as O) =>
  object(
    description,
    {
      valueFrom: object(
        'Where the value is.',
        {
          secretKeyRef: object(
            'A key of a Secret.',
            { name: text('Name of the Secret.', { required: true }), key: text('Key inside it.', { required: true }) },
            { required: true },
          ),
        },
        { required: true },
      ),
    },
    options,
  );

const hashiCorpVault = object('Values from HashiCorp Vault.', {
  address: text('URL of Vault.', { required: true }),
  authentication: oneOf('How to log in.', ['token', 'kubernetes'], { required: true }),
  namespace: text('Namespace of Vault Enterprise.'),
  role: text('Role to log in with; for authentication kubernetes.'),
  mount: text('Mount of the authentication method; for authentication kubernetes.'),
  credential: object('What to log in with.', {
    token: text('Token, for authentication token.'),
    serviceAccount: text('File with a service account token.', {
      absent: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    }),
    serviceAccountName: text('Service account of the namespace whose token is asked for, in place of a file.'),
  }),
  secrets: listOf(
    'Values to read.',
    object('A value in Vault.', {
      parameter,
      path: text('Path in Vault.', { required: true }),
      key: text('Key of the secret.', { required: true }),
      type: oneOf('Engine that keeps the secret.', ['', 'secretV2', 'secret', 'pki'], {
        absent: 'found out from the answer',
      }),
      pkiData: object('What to ask a PKI engine for.', {
        commonName: text('Common name.'),
        altNames: text('Subject alternative names, separated by commas.'),
        ipSans: text('IP addresses, separated by commas.'),
        uriSans: text('URIs, separated by commas.'),
        otherSans: text('Other alternative names.'),
        ttl: text('Time to live.'),
        format: text('Format of the answer.'),
      }),
    }),
    { required: true, minItems: 1 },
  ),
});

const azureKeyVault = object('Values from Azure Key Vault.', {
  vaultUri: text('URL of the vault.', { required: true }),
  secrets: listOf(
    'Values to read.',
    object('A secret in the vault.', {
      parameter,
      name: text('Name of the secret.', { required: true }),
      version: text('Version of the secret.', { absent: 'the newest' }),
    }),
    { required: true, minItems: 1 },
  ),
  credentials: object('Application to log in as.', {
    clientId: text('Client id.', { required: true }),
    tenantId: text('Tenant.', { required: true }),
    clientSecret: fromSecret('Client secret.', { required: true }),
  }),
  podIdentity,
  cloud: object('The Azure cloud. Accepted for KEDA, which ignores it too.', {
    type: text('Name of the cloud.', { required: true }),
    keyVaultResourceURL: text('Resource of a private cloud.'),
    activeDirectoryEndpoint: text('Login endpoint of a private cloud.'),
  }),
});

const gcpSecretManager = object('Values from Google Secret Manager.', {
  secrets: listOf(
    'Values to read.',
    object('A secret.', {
      parameter,
      id: text('Id of the secret.', { required: true }),
      version: text('Version of the secret.', { absent: 'latest' }),
    }),
    { required: true, minItems: 1 },
  ),
  credentials: object('Service account to log in as.', {
    clientSecret: fromSecret('Key file of the service account.', { required: true }),
  }),
  podIdentity,
});

const awsSecretManager = object('Values from AWS Secrets Manager.', {
  secrets: listOf(
    'Values to read.',
    object('A secret.', {
      parameter,
      name: text('Name or ARN of the secret.', { required: true }),
      versionId: text('Version of the secret.', { absent: 'the current one' }),
      versionStage: text('Stage of the secret.', { absent: 'AWSCURRENT' }),
      secretKey: text('Key inside a secret that is a JSON object.', { absent: 'the whole secret' }),
    }),
    { required: true, minItems: 1 },
  ),
  credentials: object('Keys to log in with.', {
    accessKey: fromSecret('Access key id.', { required: true }),
    accessSecretKey: fromSecret('Secret access key.', { required: true }),
    accessToken: fromSecret('Session token. Accepted for KEDA, which ignores it too.'),
  }),
  podIdentity,
  region: text('AWS region.'),
});

const oauth2 = object('A token by OAuth 2.', {
  type: oneOf('The flow.', ['clientCredentials'], { required: true, default: 'clientCredentials' }),
  clientId: text('Client id.', { required: true }),
  clientSecret: fromSecret('Client secret.'),
  tokenUrl: text('URL that hands out tokens.', { required: true }),
  scopes: listOf('Scopes to ask for.', text('A scope.')),
  tokenUrlParams: mapOf('Further parameters of the request.', text('A value.')),
});

/** The spec of TriggerAuthentication and ClusterTriggerAuthentication alike. */
export const authenticationSpec = object(
  'Where parameters of triggers come from. A later source wins over an earlier one.',
  {
    podIdentity,
    env: listOf(
      "Values from the environment of the target's container.",
      object('A variable.', {
        parameter,
        name: text('Name of the variable.', { required: true }),
        containerName: text('Container that has it.', { absent: "the trigger's envSourceContainerName" }),
      }),
    ),
    filePath: text('File of the operator, a JSON object of texts. Only of a ClusterTriggerAuthentication.'),
    configMapTargetRef: listOf('Values from ConfigMaps.', reference('ConfigMap')),
    secretTargetRef: listOf('Values from Secrets.', reference('Secret')),
    hashiCorpVault,
    azureKeyVault,
    gcpSecretManager,
    awsSecretManager,
    boundServiceAccountToken: listOf(
      'Short-lived tokens of service accounts.',
      object('A token.', {
        parameter,
        serviceAccountName: text('Name of the service account.', { required: true }),
      }),
    ),
    oauth2,
  },
  { required: true },
);

/** The status of TriggerAuthentication and ClusterTriggerAuthentication alike. */
export const authenticationStatus = object('Who uses it; written by the operator.', {
  scaledobjects: text('Names of the ScaledObjects that refer to it, separated by commas.'),
  scaledjobs: text('Names of the ScaledJobs that refer to it, separated by commas.'),
});

export type TriggerAuthenticationSpec = ValueOf<typeof authenticationSpec>;
export type TriggerAuthenticationStatus = ValueOf<typeof authenticationStatus>;
export type AuthPodIdentity = ValueOf<typeof podIdentity>;
export type HashiCorpVault = ValueOf<typeof hashiCorpVault>;
export type AzureKeyVault = ValueOf<typeof azureKeyVault>;
export type GcpSecretManager = ValueOf<typeof gcpSecretManager>;
export type AwsSecretManager = ValueOf<typeof awsSecretManager>;
export type OAuth2 = ValueOf<typeof oauth2>;
