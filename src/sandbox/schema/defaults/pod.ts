import { ensure, type Fields, fill, isFields, items, part, text } from '../fields.ts';

/** Fills what Kubernetes fills in every pod spec, in templates too (pkg/apis/core/v1/defaults.go). */
export function defaultPodSpec(spec: Fields): void {
  fill(spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    securityContext: {},
  });
  // The old name of the field, kept equal by Kubernetes' conversion.
  if (text(spec, 'serviceAccountName') === '' && text(spec, 'serviceAccount') !== '')
    spec.serviceAccountName = spec.serviceAccount;
  if (text(spec, 'serviceAccountName') !== '') spec.serviceAccount = spec.serviceAccountName;
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
    for (const container of items(spec, list)) defaultContainer(container, spec.hostNetwork === true);
  for (const volume of items(spec, 'volumes')) defaultVolume(volume);
}

/** Fills a pod: its spec, and requests from limits, which templates do not get. */
export function defaultPod(pod: Fields): void {
  const spec = ensure(pod, 'spec');
  defaultPodSpec(spec);
  fill(spec, { enableServiceLinks: true, preemptionPolicy: 'PreemptLowerPriority', priority: 0 });
  for (const container of [...items(spec, 'containers'), ...items(spec, 'initContainers')]) {
    const resources = part(container, 'resources');
    if (isFields(resources.limits)) fill(ensure(resources, 'requests'), resources.limits);
  }
}

/** A pod template's spec. */
export function defaultTemplate(owner: Fields): void {
  const template = ensure(owner, 'template');
  defaultPodSpec(ensure(template, 'spec'));
}

function defaultContainer(container: Fields, hostNetwork: boolean): void {
  fill(container, {
    imagePullPolicy: pullPolicy(text(container, 'image')),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: {},
  });
  for (const port of items(container, 'ports')) {
    fill(port, { protocol: 'TCP' });
    if (hostNetwork) fill(port, { hostPort: port.containerPort });
  }
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    if (!isFields(container[probe])) continue;
    fill(container[probe], { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    defaultHandler(container[probe]);
  }
  for (const hook of Object.values(part(container, 'lifecycle'))) if (isFields(hook)) defaultHandler(hook);
  for (const env of items(container, 'env')) {
    const fieldRef = part(env, 'valueFrom').fieldRef;
    if (isFields(fieldRef)) fill(fieldRef, { apiVersion: 'v1' });
  }
}

function defaultHandler(handler: Fields): void {
  if (isFields(handler.httpGet)) {
    if (text(handler.httpGet, 'path') === '') handler.httpGet.path = '/';
    fill(handler.httpGet, { scheme: 'HTTP' });
  }
  if (isFields(handler.grpc)) fill(handler.grpc, { service: '' });
}

function defaultVolume(volume: Fields): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  for (const source of ['secret', 'configMap', 'downwardAPI', 'projected'])
    if (isFields(volume[source])) fill(volume[source], { defaultMode: 0o644 });
  if (isFields(volume.hostPath)) fill(volume.hostPath, { type: '' });
  for (const item of items(part(volume, 'downwardAPI'), 'items')) defaultDownward(item);
  for (const source of items(part(volume, 'projected'), 'sources')) {
    if (isFields(source.serviceAccountToken)) fill(source.serviceAccountToken, { expirationSeconds: 3600 });
    for (const item of items(part(source, 'downwardAPI'), 'items')) defaultDownward(item);
  }
}

function defaultDownward(item: Fields): void {
  if (isFields(item.fieldRef)) fill(item.fieldRef, { apiVersion: 'v1' });
}

/** Always for `latest` and for no tag, IfNotPresent for anything fixed. */
function pullPolicy(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}
