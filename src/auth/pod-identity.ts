import type { AuthProblem, ObjectRef, PodIdentityRecord, ResolveRequest, TriggerAuthenticationSpec } from './types.ts';

export interface PodIdentityWork {
  spec: TriggerAuthenticationSpec['podIdentity'] | undefined;
  request: ResolveRequest;
  /** `awsRoleArn` is added here. */
  params: Record<string, string>;
  report(severity: AuthProblem['severity'], message: string): void;
  depend(ref: ObjectRef): void;
}

const ROLE_ANNOTATION = 'eks.amazonaws.com/role-arn';

/**
 * Records the identity, and finds the AWS role that belongs to it (KEDA 2.21): the one that is named, or the one on the
 * workload's service account. Targets without a pod template get the record alone.
 */
export async function resolvePodIdentity(work: PodIdentityWork): Promise<PodIdentityRecord> {
  const { spec, request, params, report } = work;
  if (!spec?.provider) return { provider: 'none' };
  const identity: PodIdentityRecord = { ...spec, provider: spec.provider };
  if (!request.podTemplate) return identity;
  if (identity.provider === 'azure-workload' && identity.identityId === '') {
    report('error', 'podIdentity.identityId is empty; leave the field out or give a client id');
  }
  if (identity.provider === 'aws') {
    const ofWorkload = identity.identityOwner === 'workload';
    if (identity.roleArn && ofWorkload) {
      report('error', 'podIdentity.roleArn and podIdentity.identityOwner "workload" exclude each other');
    } else if (identity.roleArn) params.awsRoleArn = identity.roleArn;
    else if (ofWorkload) await roleOfWorkload(work, 'error');
  }
  if (identity.provider === 'aws-eks') await roleOfWorkload(work, 'warning');
  return identity;
}

async function roleOfWorkload(work: PodIdentityWork, severity: AuthProblem['severity']) {
  const { request, params, report, depend } = work;
  const { namespace } = request.object;
  const name = request.podTemplate?.serviceAccountName || 'default';
  depend({ kind: 'ServiceAccount', namespace, name });
  const annotations = await request.readers.serviceAccount(namespace, name);
  const role = annotations?.[ROLE_ANNOTATION];
  if (role) params.awsRoleArn = role;
  else if (!annotations) report(severity, `the target's ServiceAccount ${namespace}/${name} does not exist`);
  else report(severity, `the target's ServiceAccount ${namespace}/${name} has no annotation ${ROLE_ANNOTATION}`);
}
