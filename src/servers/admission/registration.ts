import { isDeepStrictEqual } from 'node:util';
import { KINDS } from '../../api/kinds.ts';
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from '../../api/resources.ts';
import { apiVersionOf, type KubeObject } from '../../base/object.ts';
import { applyIfChanged } from '../../kube/apply.ts';
import type { KubeClient } from '../../kube/client.ts';
import { WEBHOOKS } from './paths.ts';

/** Name that KEDA's manifests give the configuration. */
export const WEBHOOK_CONFIGURATION = 'keda-admission';

export interface WebhookConfigurationOptions {
  /** Default keda-admission. */
  name?: string | undefined;
  /** Where the webhooks are: a Service of the cluster, or `https://host:port` of an operator that runs beside it. */
  at: { service: { namespace: string; name: string; port?: number | undefined } } | { url: string };
  /** PEM of the authority that signed the serving certificate. */
  caBundle: string;
}

interface Webhook {
  name: string;
  clientConfig?: { caBundle?: string };
}

interface WebhookConfiguration extends KubeObject {
  webhooks?: Webhook[];
}

/**
 * Registers the webhooks of all kinds, or brings the registration up to date; writes only what differs.
 * @returns whether something was written
 * @throws KubernetesRefused when we may not, KubernetesUnavailable when it does not answer
 */
export async function ensureWebhookConfiguration(
  client: KubeClient,
  { name = WEBHOOK_CONFIGURATION, at, caBundle }: WebhookConfigurationOptions,
): Promise<boolean> {
  const type = VALIDATING_WEBHOOK_CONFIGURATIONS;
  const configuration = {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: { name },
    webhooks: WEBHOOKS.map((webhook) => {
      const { group, version, plural } = KINDS[webhook.kind].type;
      return {
        name: webhook.name,
        admissionReviewVersions: ['v1'],
        clientConfig: {
          caBundle: encoded(caBundle),
          ...('url' in at
            ? { url: `${at.url}${webhook.path}` }
            : {
                service: {
                  namespace: at.service.namespace,
                  name: at.service.name,
                  path: webhook.path,
                  port: at.service.port ?? 443,
                },
              }),
        },
        rules: [
          {
            apiGroups: [group],
            apiVersions: [version],
            operations: ['CREATE', 'UPDATE'],
            resources: [plural],
            // The server would write it in, and then the rules were not as they were applied.
            scope: '*',
          },
        ],
        failurePolicy: 'Ignore',
        matchPolicy: 'Equivalent',
        sideEffects: 'None',
        timeoutSeconds: 10,
      };
    }),
  };
  return (await applyIfChanged(client, type, configuration)).written;
}

/**
 * Puts our authority into a configuration that somebody else made (a Helm chart, KEDA's manifests) and leaves the rest
 * as it is: failurePolicy and selectors are theirs. Writes only when the authority differs.
 * @returns what was done; `missing` when there is no such configuration
 */
export async function trustWebhookConfiguration(
  client: KubeClient,
  { name = WEBHOOK_CONFIGURATION, caBundle }: Pick<WebhookConfigurationOptions, 'name' | 'caBundle'>,
): Promise<'written' | 'unchanged' | 'missing'> {
  const type = VALIDATING_WEBHOOK_CONFIGURATIONS;
  const live = await client.find<WebhookConfiguration>(type, name);
  if (live === undefined) return 'missing';
  const wanted = encoded(caBundle);
  const webhooks = live.webhooks ?? [];
  const operations = webhooks.flatMap((webhook, index) =>
    isDeepStrictEqual(webhook.clientConfig?.caBundle, wanted)
      ? []
      : [
          // Positions are only good while nobody moves the webhooks.
          { op: 'test', path: `/webhooks/${index}/name`, value: webhook.name },
          { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: wanted },
        ],
  );
  if (operations.length === 0) return 'unchanged';
  await client.patch(type, name, operations, { type: 'json' });
  return 'written';
}

function encoded(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
