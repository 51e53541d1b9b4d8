import type { FieldProblem, PodIdentityProvider } from '../definition.ts';

/** What storage triggers need: a connection string, or an account's name with pod identity azure-workload. */
export function checkAzureIdentity(
  connectionField: string,
  connection: string | undefined,
  accountName: string | undefined,
  provider: PodIdentityProvider,
): FieldProblem[] {
  if (provider === 'none') {
    if (connection !== undefined) return [];
    return [
      {
        field: connectionField,
        message: `${connectionField} is required: give it in a TriggerAuthentication, or name a variable of the target's container with ${connectionField}FromEnv`,
      },
    ];
  }
  if (provider !== 'azure-workload')
    return [
      { field: 'podIdentity', message: `pod identity ${provider} cannot be used with Azure; use azure-workload` },
    ];
  if (accountName !== undefined) return [];
  return [{ field: 'accountName', message: 'accountName is required with pod identity azure-workload' }];
}
