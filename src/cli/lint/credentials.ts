import type { AuthenticationRef, TriggerAuthenticationSpec } from '../../api/index.ts';
import { KEDA_GROUP } from '../../api/resources.ts';
import { validateObject } from '../../api/validate.ts';
import type { PodIdentity } from '../../scalers/definition.ts';
import { nothingKnown, nothingThere, type PartlyKnown } from '../../scalers/partly-known.ts';
import { type ManifestIndex, metadataOf } from './objects.ts';
import type { Manifest } from './parse-manifests.ts';
import { dataOf, give } from './values.ts';

/** What a trigger gets from its authentication, as far as the files tell it. */
export interface Credentials {
  parameters: PartlyKnown;
  /** Undefined when it cannot be told. */
  podIdentity: PodIdentity | undefined;
  /** The object referred to, when it is in the files. */
  manifest: Manifest | undefined;
}

const NO_IDENTITY: PodIdentity = { provider: 'none' };

/** The TriggerAuthentication or ClusterTriggerAuthentication of a reference, if the files have it. */
export function findAuthentication(
  ref: AuthenticationRef,
  namespace: string,
  index: ManifestIndex,
): Manifest | undefined {
  return index.find(
    KEDA_GROUP,
    ref.kind ?? 'TriggerAuthentication',
    ref.kind === 'ClusterTriggerAuthentication' ? '' : namespace,
    ref.name,
  );
}

/** Follows a trigger's authenticationRef through the files. `environment` is that of the trigger's target. */
export function credentialsOf(
  ref: AuthenticationRef | undefined,
  namespace: string,
  environment: PartlyKnown,
  index: ManifestIndex,
): Credentials {
  if (ref === undefined) return { parameters: nothingThere(), podIdentity: NO_IDENTITY, manifest: undefined };
  const manifest = findAuthentication(ref, namespace, index);
  if (manifest === undefined) return { parameters: nothingKnown(), podIdentity: undefined, manifest };
  const { object } = validateObject(ref.kind ?? 'TriggerAuthentication', manifest.object);
  // A broken authentication has findings of its own; the trigger is not blamed for it as well.
  if (object === undefined) return { parameters: nothingKnown(), podIdentity: undefined, manifest };
  const { spec } = object;
  const own = metadataOf(manifest.object).namespace;
  return {
    parameters: parametersOf(spec, own || namespace, environment, index),
    podIdentity: spec.podIdentity ?? NO_IDENTITY,
    manifest,
  };
}

function parametersOf(
  spec: TriggerAuthenticationSpec,
  namespace: string,
  environment: PartlyKnown,
  index: ManifestIndex,
): PartlyKnown {
  const values = nothingThere();
  for (const { parameter, name } of spec.env ?? [])
    if (name in environment.known) give(values, parameter, environment.known[name]);
    else if (environment.any || environment.hidden.has(name)) give(values, parameter, undefined);
  // A file has any parameters, and is read alone.
  if (spec.filePath) return nothingKnown();
  for (const [kind, entries] of [
    ['ConfigMap', spec.configMapTargetRef],
    ['Secret', spec.secretTargetRef],
  ] as const)
    for (const { parameter, name, key } of entries ?? []) {
      const found = index.find('', kind, namespace, name);
      give(values, parameter, found === undefined ? undefined : dataOf(found.object)[key]);
    }
  const elsewhere = [
    ...(spec.hashiCorpVault?.secrets ?? []),
    ...(spec.azureKeyVault?.secrets ?? []),
    ...(spec.gcpSecretManager?.secrets ?? []),
    ...(spec.awsSecretManager?.secrets ?? []),
    ...(spec.boundServiceAccountToken ?? []),
  ];
  for (const { parameter } of elsewhere) give(values, parameter, undefined);
  if (spec.oauth2)
    for (const parameter of ['oauthTokenURI', 'clientID', 'clientSecret', 'scopes', 'endpointParams'])
      give(values, parameter, undefined);
  // The role may stand on the service account of the workload.
  if (spec.podIdentity?.provider === 'aws' || spec.podIdentity?.provider === 'aws-eks')
    give(values, 'awsRoleArn', undefined);
  return values;
}
