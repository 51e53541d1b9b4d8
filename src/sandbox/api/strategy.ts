import type { AnyObject } from '../types.ts';
import { definitionStatus } from './definitions.ts';

type Fields = Record<string, unknown>;
type Prepare = (object: AnyObject, old: AnyObject | undefined, context: StrategyContext) => void;

export interface StrategyContext {
  now: string;
  /** A cluster IP that no service has. */
  freeClusterIp(): string;
  definitions(): Iterable<AnyObject>;
}

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

/** What the API server itself fills in, by `group/plural`; `old` is absent on creation. */
const STRATEGIES: Record<string, Prepare> = {
  '/namespaces'(namespace, old) {
    namespace.metadata.labels = {
      ...namespace.metadata.labels,
      'kubernetes.io/metadata.name': namespace.metadata.name,
    };
    // Kubernetes: only the finalize subresource changes spec; here a namespace on its way out may lose finalizers by any write.
    if (old?.metadata.deletionTimestamp) namespace.spec = withFewerFinalizers(old.spec, namespace.spec);
    else if (old) namespace.spec = old.spec;
    else {
      namespace.spec = { finalizers: ['kubernetes'] };
      namespace.status = { phase: 'Active' };
    }
  },
  '/secrets'(secret) {
    const { stringData } = secret;
    if (typeof stringData === 'object' && stringData !== null) {
      const folded = Object.entries(stringData).map(([key, text]) => [
        key,
        Buffer.from(String(text)).toString('base64'),
      ]);
      secret.data = { ...fieldsOf(secret.data), ...Object.fromEntries(folded) };
    }
    delete secret.stringData;
    secret.type ??= 'Opaque';
  },
  '/pods'(pod, old) {
    if (old) return;
    const spec = fieldsOf(pod.spec);
    spec.serviceAccountName ??= spec.serviceAccount ?? 'default';
    spec.serviceAccount = spec.serviceAccountName;
    pod.spec = spec;
    pod.status = { phase: 'Pending', qosClass: qosClassOf(spec) };
  },
  '/services'(service, old, { freeClusterIp }) {
    const spec = fieldsOf(service.spec);
    const before = fieldsOf(old?.spec);
    service.spec = spec;
    if (!old) service.status = { loadBalancer: {} };
    if (spec.type === 'ExternalName') {
      for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) delete spec[field];
      return;
    }
    spec.clusterIP ||= before.clusterIP || freeClusterIp();
    spec.clusterIPs = [spec.clusterIP];
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
    spec.internalTrafficPolicy ??= 'Cluster';
    spec.sessionAffinity ??= 'None';
    spec.type ??= 'ClusterIP';
  },
  'batch/jobs'(job, old) {
    const spec = fieldsOf(job.spec);
    if (old || spec.manualSelector === true) return;
    // Kubernetes: pods of a job carry both the old and the prefixed labels; only the prefixed uid selects.
    const uid = job.metadata.uid ?? '';
    const name = job.metadata.name;
    const template = fieldsOf(spec.template);
    const metadata = fieldsOf(template.metadata);
    metadata.labels = {
      ...fieldsOf(metadata.labels),
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
    };
    job.spec = {
      ...spec,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      template: { ...template, metadata },
    };
  },
  'apiextensions.k8s.io/customresourcedefinitions'(crd, old, context) {
    const names = fieldsOf(fieldsOf(crd.spec).names);
    if (typeof names.kind === 'string') {
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    crd.status = definitionStatus(crd, old, context.definitions(), context.now);
    const finalizers = crd.metadata.finalizers ?? [];
    if (!old) crd.metadata.finalizers = [...new Set([...finalizers, INSTANCES_FINALIZER])];
  },
};

/** Holds a CustomResourceDefinition until its objects are gone. */
export const INSTANCES_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** Changes the (own, not frozen) object as Kubernetes' storage strategy for the type does. */
export function applyStrategy(
  storage: string,
  object: AnyObject,
  old: AnyObject | undefined,
  context: StrategyContext,
): void {
  STRATEGIES[storage]?.(object, old, context);
}

function qosClassOf(spec: Fields): string {
  const containers = [spec.containers, spec.initContainers].flatMap((list) => (Array.isArray(list) ? list : []));
  const resources = containers.map((container) => fieldsOf(fieldsOf(container).resources));
  const amounts = resources.flatMap(({ limits, requests }) => [
    ...Object.keys(fieldsOf(limits)),
    ...Object.keys(fieldsOf(requests)),
  ]);
  if (!amounts.some((name) => name === 'cpu' || name === 'memory')) return 'BestEffort';
  const guaranteed = resources.every(({ limits, requests }) =>
    ['cpu', 'memory'].every((name) => {
      const limit = fieldsOf(limits)[name];
      const request = fieldsOf(requests)[name] ?? limit;
      return limit !== undefined && String(limit) === String(request);
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function withFewerFinalizers(before: unknown, wanted: unknown): Fields {
  const finalizersOf = (spec: unknown) => (fieldsOf(spec).finalizers ?? []) as string[];
  const kept = finalizersOf(wanted);
  return { ...fieldsOf(before), finalizers: finalizersOf(before).filter((finalizer) => kept.includes(finalizer)) };
}
