import { randomUUID } from 'node:crypto';
import { describeError } from '../../base/errors.ts';
import { apiVersionOf } from '../../base/object.ts';
import { type LabelSelector, matchesLabels, requirementsOf } from '../../base/selector.ts';
import { type AnyObject, ApiError, STATUS_CODES, type StatusReason } from '../types.ts';
import type { Core } from './core.ts';
import type { Admission, AdmissionRequest } from './machinery.ts';
import { type CallTarget, decodeBundle, type Outgoing } from './outgoing.ts';
import { userInfo } from './reviews.ts';
import { scaleOf } from './scale.ts';
import { resolveService } from './services.ts';

const VALIDATING = 'admissionregistration.k8s.io/validatingwebhookconfigurations';
const MUTATING = 'admissionregistration.k8s.io/mutatingwebhookconfigurations';

interface Rule {
  operations?: string[];
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  scope?: string;
}

interface Webhook {
  name: string;
  clientConfig?: {
    url?: string;
    service?: { namespace: string; name: string; path?: string; port?: number };
    caBundle?: string;
  };
  rules?: Rule[];
  failurePolicy?: string;
  matchPolicy?: string;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  sideEffects?: string;
  timeoutSeconds?: number;
  reinvocationPolicy?: string;
}

interface AdmissionResponse {
  uid?: string;
  allowed?: boolean;
  status?: { message?: string; reason?: string; code?: number; details?: Record<string, unknown> };
  patch?: string;
  patchType?: string;
  warnings?: string[];
}

/** Calls the webhooks of the configurations in the store. `applyJsonPatch` makes the changes that mutating ones ask for. */
export function createWebhooks(
  core: Core,
  outgoing: Outgoing,
  applyJsonPatch: (object: AnyObject, patch: unknown[]) => AnyObject,
): Admission {
  const matching = (storage: string, request: AdmissionRequest): Webhook[] => {
    const configurations = core.store.entries(storage);
    // Kubernetes: webhooks are not asked about webhook configurations, else a broken one could not be removed.
    if (configurations.size === 0 || request.type.group === 'admissionregistration.k8s.io') return [];
    const sorted = [...configurations.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const hooks = sorted.flatMap(({ webhooks }) => (webhooks ?? []) as Webhook[]);
    return hooks.filter((hook) => matches(core, hook, request));
  };

  const ask = async (hook: Webhook, request: AdmissionRequest): Promise<AdmissionResponse | undefined> => {
    const { dryRun } = request.context;
    if (dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') {
      const message = `admission webhook ${JSON.stringify(hook.name)} does not support dry run`;
      throw new ApiError('BadRequest', message);
    }
    try {
      return await call(core, outgoing, hook, request);
    } catch (error) {
      if (hook.failurePolicy === 'Ignore') {
        core.log.warn('A webhook failed and is passed over, as its failurePolicy says', { webhook: hook.name, error });
        return undefined;
      }
      const why = `failed calling webhook ${JSON.stringify(hook.name)}: failed to call webhook: ${describeError(error)}`;
      throw new ApiError('InternalError', `Internal error occurred: ${why}`);
    }
  };

  const judge = (hook: Webhook, response: AdmissionResponse, request: AdmissionRequest) => {
    for (const text of response.warnings ?? []) request.context.warn(text);
    if (response.allowed === true) return;
    const { message, reason, details } = response.status ?? {};
    const because = message || reason;
    const said = because ? `denied the request: ${because}` : 'denied the request without explanation';
    throw new ApiError(
      refusalReason(response.status),
      `admission webhook ${JSON.stringify(hook.name)} ${said}`,
      details,
    );
  };

  return {
    mutate(request) {
      // A change to the Scale could not be carried over to the object that is scaled.
      if (request.subresource === 'scale' || !request.object) return undefined;
      const hooks = matching(MUTATING, request);
      if (hooks.length === 0) return undefined;
      return (async () => {
        const original = request.object as AnyObject;
        let object = original;
        for (const hook of hooks) {
          const response = await ask(hook, { ...request, object });
          if (!response) continue;
          judge(hook, response, request);
          if (!response.patch) continue;
          const operations = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as unknown[];
          object = applyJsonPatch(object, operations);
        }
        return object;
      })();
    },
    validate(request) {
      const hooks = matching(VALIDATING, request);
      if (hooks.length === 0) return undefined;
      return Promise.all(
        hooks.map(async (hook) => {
          const response = await ask(hook, request);
          if (response) judge(hook, response, request);
        }),
      ).then(() => undefined);
    },
  };
}

function refusalReason(status: AdmissionResponse['status']): StatusReason {
  if (status?.reason && status.reason in STATUS_CODES) return status.reason as StatusReason;
  const byCode = Object.entries(STATUS_CODES).find(([, code]) => code === status?.code);
  return byCode ? (byCode[0] as StatusReason) : status?.code === undefined ? 'Forbidden' : 'BadRequest';
}

function matches(core: Core, hook: Webhook, request: AdmissionRequest): boolean {
  const { type, object, oldObject } = request;
  if (!(hook.rules ?? []).some((rule) => ruleMatches(core, rule, hook, request))) return false;
  const namespace = type.plural === 'namespaces' && type.group === '' ? request.name : request.namespace;
  if (hook.namespaceSelector && namespace !== undefined) {
    const isNamespace = type.kind === 'Namespace' && type.group === '';
    const labels =
      isNamespace && object ? object.metadata.labels : core.store.get('/namespaces', namespace)?.metadata.labels;
    if (!matchesLabels(requirementsOf(hook.namespaceSelector), labels)) return false;
  }
  if (!hook.objectSelector) return true;
  const requirements = requirementsOf(hook.objectSelector);
  return [object, oldObject].some((one) => one !== undefined && matchesLabels(requirements, one.metadata.labels));
}

function ruleMatches(
  core: Core,
  rule: Rule,
  hook: Webhook,
  { operation, type, subresource }: AdmissionRequest,
): boolean {
  const has = (list: string[] | undefined, value: string) =>
    list?.includes('*') === true || list?.includes(value) === true;
  if (!has(rule.operations, operation)) return false;
  if (rule.scope === 'Namespaced' && !type.namespaced) return false;
  if (rule.scope === 'Cluster' && type.namespaced) return false;
  const whole = subresource ? `${type.plural}/${subresource}` : type.plural;
  const named = (rule.resources ?? []).some(
    (wanted) =>
      wanted === '*/*' ||
      wanted === whole ||
      (wanted === '*' && !subresource) ||
      (subresource !== undefined && (wanted === `*/${subresource}` || wanted === `${type.plural}/*`)) ||
      (subresource === undefined && wanted === `${type.plural}/*`),
  );
  if (!named) return false;
  if (has(rule.apiGroups, type.group) && has(rule.apiVersions, type.version)) return true;
  if (hook.matchPolicy === 'Exact') return false;
  // Equivalent: the rule may name another version of the same objects.
  const own = core.registry.find(type.group, type.version, type.plural);
  return core.registry
    .all()
    .some(
      (r) => r.storage === own?.storage && has(rule.apiGroups, r.type.group) && has(rule.apiVersions, r.type.version),
    );
}

async function call(
  core: Core,
  outgoing: Outgoing,
  hook: Webhook,
  request: AdmissionRequest,
): Promise<AdmissionResponse> {
  const uid = randomUUID();
  const { type, subresource, context } = request;
  const kind =
    subresource === 'scale'
      ? { group: 'autoscaling', version: 'v1', kind: 'Scale' }
      : { group: type.group, version: type.version, kind: type.kind };
  const resource = { group: type.group, version: type.version, resource: type.plural };
  const sub = subresource ? { subResource: subresource, requestSubResource: subresource } : {};
  const review = {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      ...sub,
      name: request.name,
      ...(request.namespace ? { namespace: request.namespace } : {}),
      operation: request.operation,
      userInfo: userInfo(context.caller),
      object: shown(core, request.object, request),
      oldObject: shown(core, request.oldObject, request),
      dryRun: context.dryRun,
      options: request.options ?? null,
    },
  };
  const seconds = hook.timeoutSeconds ?? 10;
  const target = targetOf(core, hook);
  target.url.searchParams.set('timeout', `${seconds}s`);
  const { status, body } = await outgoing.call(target, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(review),
    signal: AbortSignal.timeout(seconds * 1000),
  });
  if (status !== 200) throw new Error(`the webhook answered with status ${status}`);
  const { response } = JSON.parse(body) as { response?: AdmissionResponse };
  if (!response) throw new Error('the webhook answered without a response');
  if (response.uid !== uid)
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid)}`);
  if (response.patch && response.patchType !== 'JSONPatch')
    throw new Error('the webhook patches by other means than JSONPatch');
  return response;
}

/** The object as the webhook gets it: of a scale request the Scale. */
function shown(core: Core, object: AnyObject | undefined, { type, subresource }: AdmissionRequest): AnyObject | null {
  if (!object) return null;
  const resource = core.registry.find(type.group, type.version, type.plural);
  if (subresource === 'scale' && resource) return scaleOf(resource, object);
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

function targetOf(core: Core, { clientConfig = {} }: Webhook): CallTarget {
  const ca = decodeBundle(clientConfig.caBundle);
  if (clientConfig.url) return { url: new URL(clientConfig.url), ca };
  const { namespace = '', name = '', path = '/', port = 443 } = clientConfig.service ?? {};
  const { host, port: at, serverName } = resolveService(core, namespace, name, port);
  const url = new URL(path, `https://${host.includes(':') ? `[${host}]` : host}:${at}`);
  return { url, ca, serverName };
}
