import type { AuthPodIdentity, TriggerAuthenticationSpec } from '../authentication-spec.ts';
import { type RuleEffect, type RuleProblem, ruleProblem } from './problem.ts';
import { isWebUrl } from './web-url.ts';

/** KEDA 2.21: fields of podIdentity that exclude or need each other. */
export function checkPodIdentity(identity: AuthPodIdentity | undefined): RuleProblem[] {
  if (identity === undefined) return [];
  const refuse = (field: keyof AuthPodIdentity, message: string) => [
    ruleProblem('pod-identity', 'refuse', ['spec', 'podIdentity', field], message, identity[field]),
  ];
  if (identity.provider === 'azure-workload') {
    if (identity.identityId === '')
      return refuse('identityId', 'must not be empty: give a client id, or remove the field');
    if (identity.identityAuthorityHost) {
      if (!identity.identityTenantId) return refuse('identityTenantId', 'is missing: identityAuthorityHost needs it');
    } else if (identity.identityTenantId === '')
      return refuse('identityTenantId', 'must not be empty: give a tenant id, or remove the field');
  }
  if (identity.provider === 'aws') {
    if (identity.roleArn && identity.identityOwner === 'workload')
      return refuse('roleArn', 'cannot stand beside identityOwner workload: remove one of them');
    if (identity.externalID && !identity.roleArn)
      return refuse('externalID', 'needs roleArn: set it, or remove externalID');
  }
  return [];
}

/** KEDA 2.21: the texts of oauth2. */
export function checkOAuth2({ oauth2, podIdentity }: TriggerAuthenticationSpec): RuleProblem[] {
  if (oauth2 === undefined) return [];
  // KEDA's check ends at any pod identity it has no rule for, and so never gets here; such an object still cannot work.
  const checked =
    podIdentity === undefined || podIdentity.provider === 'azure-workload' || podIdentity.provider === 'aws';
  const effect: RuleEffect = checked ? 'refuse' : 'fail';
  const problems: RuleProblem[] = [];
  const report = (field: 'clientId' | 'tokenUrl', message: string) =>
    problems.push(ruleProblem('oauth2', effect, ['spec', 'oauth2', field], message, oauth2[field]));
  if (oauth2.clientId === '') report('clientId', 'must not be empty');
  if (oauth2.tokenUrl === '') report('tokenUrl', 'must not be empty');
  else if (!isWebUrl(oauth2.tokenUrl)) report('tokenUrl', 'must be a URL that starts with http:// or https://');
  return problems;
}

/** Credentials that a provider does not take, or that are missing. KEDA 2.21 finds out when a trigger is built. */
export function checkProviders(spec: TriggerAuthenticationSpec): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const report = (effect: RuleEffect, path: readonly string[], message: string, value?: unknown) =>
    problems.push(ruleProblem('credentials', effect, ['spec', ...path], message, value));
  const stores = [
    ['azureKeyVault', 'azure-workload'],
    ['gcpSecretManager', 'gcp'],
    ['awsSecretManager', 'aws'],
  ] as const;
  for (const [store, expected] of stores) {
    const settings = spec[store];
    if (settings === undefined || settings.credentials !== undefined) continue;
    const provider = settings.podIdentity?.provider ?? 'none';
    if (provider === expected) continue;
    if (settings.podIdentity === undefined)
      report('fail', [store, 'credentials'], `is missing: set it, or podIdentity.provider to ${expected}`);
    else report('fail', [store, 'podIdentity', 'provider'], `must be ${expected} here, or set credentials`, provider);
  }
  const vault = spec.hashiCorpVault;
  if (vault?.authentication === 'kubernetes')
    for (const field of ['mount', 'role'] as const)
      if (!vault[field]) report('fail', ['hashiCorpVault', field], 'is missing: authentication kubernetes needs it');
  if (vault?.authentication === 'token' && !vault.credential?.token)
    report(
      'warn',
      ['hashiCorpVault', 'credential', 'token'],
      'is missing: the operator then needs VAULT_TOKEN in its environment',
    );
  return problems;
}

/** Where filePath may stand, and what it does to the rest. */
export function checkFilePath(spec: TriggerAuthenticationSpec, clusterWide: boolean): RuleProblem[] {
  const { filePath } = spec;
  if (!filePath) return [];
  const at = ['spec', 'filePath'];
  if (!clusterWide)
    return [
      ruleProblem(
        'credentials',
        'warn',
        at,
        'has no effect here: only a ClusterTriggerAuthentication reads a file',
        filePath,
      ),
    ];
  if (filePath.startsWith('/') || filePath.split('/').includes('..'))
    return [
      ruleProblem('credentials', 'fail', at, 'must be relative to --filepath-auth-root-path and without ..', filePath),
    ];
  const ignored = (
    [
      'configMapTargetRef',
      'secretTargetRef',
      'hashiCorpVault',
      'azureKeyVault',
      'gcpSecretManager',
      'awsSecretManager',
      'boundServiceAccountToken',
      'oauth2',
    ] as const
  ).filter((field) => spec[field] !== undefined);
  return ignored.map((field) =>
    ruleProblem('no-effect', 'warn', ['spec', field], 'has no effect beside filePath, which is read alone'),
  );
}

/** Parameters that two sources give; the later source wins. */
export function checkParameters(spec: TriggerAuthenticationSpec): RuleProblem[] {
  // In the order in which sources are asked.
  const sources = [
    ['env', spec.env],
    ['configMapTargetRef', spec.configMapTargetRef],
    ['secretTargetRef', spec.secretTargetRef],
    ['hashiCorpVault.secrets', spec.hashiCorpVault?.secrets],
    ['azureKeyVault.secrets', spec.azureKeyVault?.secrets],
    ['gcpSecretManager.secrets', spec.gcpSecretManager?.secrets],
    ['awsSecretManager.secrets', spec.awsSecretManager?.secrets],
    ['boundServiceAccountToken', spec.boundServiceAccountToken],
  ] as const;
  const problems: RuleProblem[] = [];
  const seen = new Map<string, string>();
  for (const [source, entries] of sources)
    entries?.forEach(({ parameter }, index) => {
      const earlier = seen.get(parameter);
      const path = ['spec', ...source.split('.'), index, 'parameter'];
      if (earlier !== undefined)
        problems.push(
          ruleProblem('credentials', 'warn', path, `is given by spec.${earlier} too; this entry wins`, parameter),
        );
      seen.set(parameter, `${source}[${index}]`);
    });
  return problems;
}
