import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { operator } from '../../src/cli/commands/operator.ts';
import { renderBundle } from '../../tools/generate-bundle.ts';
import { CHART, findHelm, fixture, type Helm, type Rendered } from '../support/helm.ts';
import type { Loose } from '../support/operator.ts';

const found = await findHelm();

describe.skipIf(found === undefined)('the chart', () => {
  const helm = found as Helm;
  const container = (rendered: Rendered) => rendered.get('Deployment/keda-operator').spec.template.spec.containers[0];
  const pod = (rendered: Rendered) => rendered.get('Deployment/keda-operator').spec.template.spec;
  const environment = (rendered: Rendered): Record<string, string> =>
    Object.fromEntries(container(rendered).env.map(({ name, value }: Loose) => [name, value]));
  const rules = (rendered: Rendered, key: string) => JSON.stringify(rendered.get(key).rules);

  it('passes helm lint, strictly', async () => {
    expect(await helm.run(['lint', '--strict', CHART])).toContain('0 chart(s) failed');
  });

  it('installs one Deployment with all that others find by the names of KEDA', async () => {
    const { objects } = await helm.render();
    expect(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort()).toEqual([
      'APIService/v1beta1.external.metrics.k8s.io',
      'ClusterRole/keda-operator',
      'ClusterRole/keda-operator-external-metrics-reader',
      'ClusterRole/keda-operator-minimal-cluster-role',
      'ClusterRoleBinding/keda-operator',
      'ClusterRoleBinding/keda-operator-external-metrics-reader',
      'ClusterRoleBinding/keda-operator-minimal',
      'CustomResourceDefinition/cloudeventsources.eventing.keda.sh',
      'CustomResourceDefinition/clustercloudeventsources.eventing.keda.sh',
      'CustomResourceDefinition/clustertriggerauthentications.keda.sh',
      'CustomResourceDefinition/scaledjobs.keda.sh',
      'CustomResourceDefinition/scaledobjects.keda.sh',
      'CustomResourceDefinition/triggerauthentications.keda.sh',
      'Deployment/keda-operator',
      'Role/keda-operator-certs',
      'RoleBinding/keda-operator-auth-reader',
      'RoleBinding/keda-operator-certs',
      'Secret/kedaorg-certs',
      'Service/keda-admission-webhooks',
      'Service/keda-operator',
      'Service/keda-operator-metrics-apiserver',
      'ServiceAccount/keda-operator',
      'ValidatingWebhookConfiguration/keda-admission',
    ]);
  });

  it('starts the operator with flags that it has', async () => {
    const everything = {
      'prometheus.operator.enabled': true,
      'opentelemetry.operator.enabled': true,
      'logging.operator.stackTracesEnabled': true,
      'certificates.operator.caDirs': ['/custom/ca'],
    };
    const [command, ...flags]: string[] = container(await helm.render([], everything)).args;
    const names = flags.map((flag) => /^--([\w-]+)=/.exec(flag)?.[1]);
    expect(command).toBe(operator.name);
    expect(names.filter((name) => !(name! in operator.options!))).toEqual([]);
  });

  it("renders the same from KEDA's defaults, spelled out, but for the readiness probe, and has nothing to say", async () => {
    const spelled = await helm.render(['--values', fixture('keda-defaults')]);
    const own = await helm.render();
    container(own).readinessProbe.initialDelaySeconds = 20;
    expect(spelled.objects).toEqual(own.objects);
    expect(await helm.notes(['--values', fixture('keda-defaults')])).not.toContain('change nothing');
  });

  it('takes the flat values of an earlier chart with the meaning that they had', async () => {
    const rendered = await helm.render(['--values', fixture('sqs-post')]);
    expect(rendered.get('ServiceAccount/keda-operator').metadata.annotations).toEqual({
      'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/keda-operator',
    });
    expect(pod(rendered).securityContext).toEqual({ fsGroup: 1001, runAsGroup: 1001, runAsUser: 1001 });
    expect(container(rendered).securityContext.readOnlyRootFilesystem).toBe(true);
    expect(container(rendered).resources.limits).toEqual({ cpu: 1, memory: '1000Mi' });
    expect(container(rendered).image).toBe(container(await helm.render()).image);
    expect(await helm.notes(['--values', fixture('sqs-post')])).not.toContain('change nothing');
  });

  it.each<[string, object, RegExp[]]>([
    ['another metrics server', { 'metricsServer.replicaCount': 3 }, [/metricsServer\.replicaCount: one process/]],
    ['profiling', { 'profiling.operator': { enabled: true, port: 9 } }, [/profiling\.operator\.enabled: .*pprof/]],
    [
      'names nobody knows',
      { 'operator.replicas': 2, colour: 'blue' },
      [/operator\.replicas: no such/, /colour: no such/],
    ],
    ['an image of KEDA', { 'image.keda.repository': 'kedacore/keda', 'image.keda.tag': '2.21.0' }, [/cannot run here/]],
  ])('says what changes nothing: %s', async (_what, values, expected) => {
    const notes = await helm.notes([], values);
    for (const line of expected) expect(notes).toMatch(line);
  });

  it.each<[string, object, RegExp]>([
    ['a number where a list belongs', { tolerations: 3 }, /tolerations/],
    ['a text where a switch belongs', { 'rbac.create': 'nope' }, /rbac/],
    [
      'a network policy of another kind',
      { networkPolicy: { enabled: true, flavor: 'calico' } },
      /kubernetes or cilium/,
    ],
  ])('refuses %s', async (_what, values, message) => {
    await expect(helm.render([], values)).rejects.toThrow(message);
  });

  it.each<[string, object, string]>([
    ['the default', {}, 'ghcr.io/windlass-dev/windlass:'],
    ['a mirror', { 'global.image.registry': 'mirror.example.com' }, 'mirror.example.com/windlass-dev/windlass:'],
    ['a tag', { 'image.keda.tag': 'edge' }, 'ghcr.io/windlass-dev/windlass:edge'],
    ['a registry in the name', { 'image.keda.repository': 'r.example.com:5000/a/b' }, 'r.example.com:5000/a/b:'],
    [
      "KEDA's name on a mirror",
      { 'image.keda': { registry: 'mirror.example.com', repository: 'kedacore/keda', tag: '2.21.0' } },
      'mirror.example.com/windlass-dev/windlass:',
    ],
  ])('runs the image that the values name: %s', async (_what, values, image) => {
    expect(container(await helm.render([], values)).image).toMatch(new RegExp(`^${image.replaceAll('.', '\\.')}`));
    expect(container(await helm.render([], values)).image).not.toContain('2.21.0');
  });

  it.each<[string, object, Record<string, string>]>([
    ['nothing', {}, { WATCH_NAMESPACE: '', KEDA_HTTP_DEFAULT_TIMEOUT: '3000', KEDA_HTTP_MIN_TLS_VERSION: 'TLS12' }],
    ['a timeout', { 'http.timeout': 1_500_000 }, { KEDA_HTTP_DEFAULT_TIMEOUT: '1500000' }],
    ['no keep-alive', { 'http.keepAlive.enabled': false }, { KEDA_HTTP_DISABLE_KEEP_ALIVE: 'true' }],
    ['a namespace', { watchNamespace: 'shop' }, { WATCH_NAMESPACE: 'shop' }],
    ['restricted Secrets', { 'permissions.operator.restrict.secret': true }, { KEDA_RESTRICT_SECRET_ACCESS: 'true' }],
    [
      'a collector',
      { 'opentelemetry.collector.uri': 'http://o:4318' },
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://o:4318' },
    ],
    [
      'own variables',
      { env: [{ name: 'A', value: 'b' }], 'operator.env': [{ name: 'R', value: '{{ .Release.Name }}' }] },
      { A: 'b', R: 'keda' },
    ],
  ])('tells the operator by its environment: %s', async (_what, values, expected) => {
    expect(environment(await helm.render([], values))).toMatchObject(expected);
  });

  it('limits the rights to the watched namespaces', async () => {
    const rendered = await helm.render([], { watchNamespace: 'shop,office' });
    expect(rendered.find('ClusterRoleBinding/keda-operator')).toBeUndefined();
    for (const namespace of ['shop', 'office'])
      expect(rendered.get(`RoleBinding/${namespace}/keda-operator`).roleRef.kind).toBe('ClusterRole');
    const hooks: Loose[] = rendered.get('ValidatingWebhookConfiguration/keda-admission').webhooks;
    expect(hooks[0]?.namespaceSelector.matchExpressions[0].values).toEqual(['shop', 'office']);
    // Secrets of ClusterTriggerAuthentications are beside the operator.
    expect(rules(rendered, 'Role/keda-operator-certs')).toContain('["secrets"],"verbs":["get","list","watch"]');
  });

  describe('reads Secrets', () => {
    it('of every watched namespace by default', async () => {
      expect(rules(await helm.render(), 'ClusterRole/keda-operator')).toContain('"secrets"');
    });

    it('of the own namespace only where they are restricted, by no detour', async () => {
      const rendered = await helm.render([], { 'permissions.operator.restrict.secret': true });
      const everywhere = rules(rendered, 'ClusterRole/keda-operator');
      expect(everywhere).not.toContain('"secrets"');
      expect(everywhere).not.toContain('"resources":["*"]');
      expect(everywhere).toContain('"*/scale"');
      expect(rules(rendered, 'Role/keda-operator-certs')).toContain('["secrets"],"verbs":["get","list","watch"]');
    });

    it('of the allowed names only', async () => {
      const rendered = await helm.render([], { 'permissions.operator.restrict.namesAllowList': ['broker'] });
      const [rule] = rendered
        .get('ClusterRole/keda-operator')
        .rules.filter((each: Loose) => each.resources.includes('secrets'));
      expect(rule.resourceNames).toEqual(['broker']);
    });
  });

  it('scales the kinds that it is told, by kind or by resource', async () => {
    const kinds = [
      { apiGroup: 'argoproj.io', kind: 'Rollout' },
      { apiGroup: 'apps.kruise.io', kind: 'clonesets' },
    ];
    const text = rules(await helm.render([], { 'rbac.scaledRefKinds': kinds }), 'ClusterRole/keda-operator');
    for (const resource of ['rollouts', 'rollouts/scale', 'clonesets', 'clonesets/scale'])
      expect(text).toContain(`"${resource}"`);
    expect(text).not.toContain('"*"');
  });

  it('makes no monitor twice for the series of one process', async () => {
    const monitor = {
      enabled: true,
      port: 8080,
      serviceMonitor: { enabled: true, interval: '15s' },
      podMonitor: { enabled: true },
    };
    const all = await helm.render([], { 'prometheus.operator': monitor, 'prometheus.metricServer': monitor });
    const kinds = all.objects
      .map(({ kind, metadata }) => `${kind}/${metadata.name}`)
      .filter((key) => key.includes('Monitor'));
    expect(kinds).toEqual(['PodMonitor/keda-operator', 'ServiceMonitor/keda-operator']);
    expect(all.get('ServiceMonitor/keda-operator').spec.endpoints[0]).toMatchObject({
      path: '/metrics',
      port: 'metrics',
      interval: '15s',
    });
    const one = await helm.render([], { 'prometheus.metricServer': monitor });
    expect(one.get('ServiceMonitor/keda-operator-metrics-apiserver').spec.selector.matchLabels).toEqual({
      app: 'keda-operator-metrics-apiserver',
    });
    expect(one.get('Service/keda-operator-metrics-apiserver').spec.ports[1].targetPort).toBe('metrics');
  });

  it('lets cert-manager make the certificates', async () => {
    const rendered = await helm.render([], { 'certificates.certManager.enabled': true });
    const certificate = rendered.get('Certificate/keda-operator-tls-certificates');
    expect(certificate.spec.dnsNames).toContain('keda-operator-metrics-apiserver.keda.svc');
    expect(certificate.spec.issuerRef.name).toBe('keda-operator-issuer');
    expect(rendered.get('APIService/v1beta1.external.metrics.k8s.io').metadata.annotations).toEqual({
      'cert-manager.io/inject-ca-from': 'keda/keda-operator-tls-certificates',
    });
    expect(container(rendered).args).toContain('--enable-cert-rotation=false');
    expect(rendered.find('Secret/kedaorg-certs')).toBeUndefined();
    expect(rules(rendered, 'ClusterRole/keda-operator-minimal-cluster-role')).not.toContain('apiservices');
  });

  it('leaves out the metrics API and the webhooks where they are not wanted', async () => {
    const rendered = await helm.render([], { 'metricsServer.enabled': false, 'webhooks.enabled': false });
    const kinds = new Set(rendered.objects.map(({ kind }) => kind));
    for (const kind of ['APIService', 'ValidatingWebhookConfiguration']) expect(kinds).not.toContain(kind);
    const services = rendered.objects.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
    expect(services).toEqual(['keda-operator']);
    expect(container(rendered).args).toContain('--roles=operator');
    expect(container(rendered).args).toContain('--enable-apiservice-patching=false');
    expect(container(rendered).args).toContain('--enable-webhook-patching=false');
  });

  it.each<[string, object, (rendered: Rendered) => unknown, unknown]>([
    ['the host network of any component', { 'webhooks.useHostNetwork': true }, (r) => pod(r).hostNetwork, true],
    [
      'a DNS policy of the metrics server',
      { 'metricsServer.dnsPolicy': 'Default' },
      (r) => pod(r).dnsPolicy,
      'Default',
    ],
    [
      'a disruption budget',
      { 'podDisruptionBudget.operator': { minAvailable: 1 } },
      (r) => r.get('PodDisruptionBudget/keda-operator').spec.minAvailable,
      1,
    ],
    [
      'one of the flat shape',
      { podDisruptionBudget: { maxUnavailable: 1 } },
      (r) => r.get('PodDisruptionBudget/keda-operator').spec.maxUnavailable,
      1,
    ],
    [
      'Azure workload identity',
      { 'podIdentity.azureWorkload': { enabled: true, clientId: 'c' } },
      (r) => r.get('ServiceAccount/keda-operator').metadata.annotations?.['azure.workload.identity/client-id'],
      'c',
    ],
    [
      'an IAM role',
      { 'podIdentity.aws.irsa': { enabled: true, roleArn: 'arn:x' } },
      (r) => r.get('ServiceAccount/keda-operator').metadata.annotations?.['eks.amazonaws.com/token-expiration'],
      '86400',
    ],
    [
      'GCP workload identity',
      { 'podIdentity.gcp': { enabled: true, gcpIAMServiceAccount: 'a@b' } },
      (r) => r.get('ServiceAccount/keda-operator').metadata.annotations?.['iam.gke.io/gcp-service-account'],
      'a@b',
    ],
    [
      'a network policy',
      { networkPolicy: { enabled: true, flavor: 'kubernetes' } },
      (r) => r.get('NetworkPolicy/keda-operator').spec.ingress[0].ports.length,
      2,
    ],
    [
      'a Cilium policy',
      { 'networkPolicy.enabled': true },
      (r) => r.get('CiliumNetworkPolicy/keda-operator').apiVersion,
      'cilium.io/v2',
    ],
    [
      'roles for people',
      { 'rbac.aggregateToDefaultRoles': true },
      (r) => r.get('ClusterRole/keda:view').metadata.labels?.['rbac.authorization.k8s.io/aggregate-to-view'],
      'true',
    ],
    [
      'tokens of one service account',
      { 'permissions.operator.restrict.serviceAccountTokenCreationRoles': [{ name: 'sa', namespace: 'shop' }] },
      (r) => r.get('Role/shop/keda-operator-token-creator-sa').rules[0].resourceNames,
      ['sa'],
    ],
    [
      'further objects',
      { extraObjects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-x' } }] },
      (r) => r.get('ConfigMap/keda-x').kind,
      'ConfigMap',
    ],
    [
      'further flags',
      { 'extraArgs.keda': { 'kube-api-qps': 50 } },
      (r) => container(r).args.at(-1),
      '--kube-api-qps=50',
    ],
    [
      'labels and annotations',
      { additionalLabels: { a: 'b' }, additionalAnnotations: { c: 'd' } },
      (r) => [
        pod(r) && r.get('Service/keda-admission-webhooks').metadata.labels?.a,
        r.get('CustomResourceDefinition/scaledjobs.keda.sh').metadata.annotations?.c,
      ],
      ['b', 'd'],
    ],
    [
      'who manages it',
      { customManagedBy: 'argo' },
      (r) => r.get('Deployment/keda-operator').metadata.labels?.['app.kubernetes.io/managed-by'],
      'argo',
    ],
    ['no CRDs', { 'crds.install': false }, (r) => r.find('CustomResourceDefinition/scaledjobs.keda.sh'), undefined],
    [
      'CRDs that go with the release',
      { 'crds.keep': false },
      (r) => r.get('CustomResourceDefinition/scaledjobs.keda.sh').metadata.annotations,
      undefined,
    ],
    [
      'own certificates from a Secret',
      { 'certificates.autoGenerated': false },
      (r) => pod(r).volumes[0].secret.optional,
      false,
    ],
  ])('has a value for %s', async (_what, values, read, expected) => {
    expect(read(await helm.render([], values))).toEqual(expected);
  });

  it('is what the bundle for kubectl was made from', async () => {
    const root = path.resolve(CHART, '../..');
    expect(await readFile(path.join(root, 'config/bundle/windlass.yaml'), 'utf8')).toBe(await renderBundle(helm.path));
  });
});

describe('the chart as it is written', () => {
  it('has the version of the program', async () => {
    const chart = parse(await readFile(path.join(CHART, 'Chart.yaml'), 'utf8'));
    const { version } = JSON.parse(await readFile(path.join(CHART, '../../package.json'), 'utf8'));
    expect([chart.version, chart.appVersion]).toEqual([version, version]);
  });
});
