import { KINDS, type KindName } from '../../api/kinds.ts';

export interface WebhookPath {
  kind: KindName;
  /** Name in the webhook configuration. */
  name: string;
  path: string;
}

/** KEDA 2.21 spells the names of these two with an s more than the pattern of the others. */
const SPELLED_WITH_S: readonly KindName[] = ['TriggerAuthentication', 'ClusterTriggerAuthentication'];

/** KEDA 2.21's names and paths, so that a configuration made for it works unchanged. */
export const WEBHOOKS: readonly WebhookPath[] = (Object.keys(KINDS) as KindName[]).map((kind) => {
  const { group, version } = KINDS[kind].type;
  return {
    kind,
    name: `${SPELLED_WITH_S.includes(kind) ? 'vs' : 'v'}${kind.toLowerCase()}.kb.io`,
    path: `/validate-${group.replaceAll('.', '-')}-${version}-${kind.toLowerCase()}`,
  };
});
