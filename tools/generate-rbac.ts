import { stringify } from 'yaml';
import { KINDS } from '../src/api/kinds.ts';
import type { PermissionCondition } from '../src/kube/permission.ts';
import { AGGREGATION_ROLE, INSTALLED_NAMES, METRICS_READER } from '../src/servers/permissions.ts';
import { policyRule, type Rule, rulesOf } from './rbac-rules.ts';

const NOTICE = 'Made by `npm run generate` from src/controllers/permissions.ts and src/servers/permissions.ts.';
const NAMESPACE = 'keda';
const ACCOUNT = 'keda-operator';
/** In namespaced.yaml; to be replaced by the namespace that is watched. */
const WATCHED = 'default';

type Part = { comment?: string; object: Record<string, unknown> };

/** Roles as manifests, and the rules that the chart's roles are made of. */
export function generateRbac(): Map<string, string> {
  const everywhere = (when: PermissionCondition | undefined) => when !== 'tokens-everywhere' && when !== 'secrets-own';
  // One namespace is watched: Secrets of ClusterTriggerAuthentications are in another one.
  const oneNamespace = (when: PermissionCondition | undefined) => when !== 'tokens-everywhere';
  return new Map([
    [
      'config/rbac/cluster-wide.yaml',
      text('Rights of an operator that scales in every namespace.', [
        ...roles(everywhere),
        binding('ClusterRoleBinding', 'keda-operator', { kind: 'ClusterRole', name: 'keda-operator' }),
        ...common(),
      ]),
    ],
    [
      'config/rbac/namespaced.yaml',
      text(
        `Rights of an operator that scales in one namespace, set as WATCH_NAMESPACE. It is "${WATCHED}" here: change it in the RoleBinding "keda-operator".`,
        [
          ...roles(oneNamespace),
          binding('RoleBinding', 'keda-operator', { kind: 'ClusterRole', name: 'keda-operator' }, WATCHED),
          ...common(),
        ],
      ),
    ],
    [
      'config/rbac/users.yaml',
      text('Rights of people, added to the roles edit, view and admin that every cluster has.', userRoles()),
    ],
    ['charts/windlass/templates/_rules.tpl', chartRules()],
  ]);
}

function roles(isOn: (when: PermissionCondition | undefined) => boolean): Part[] {
  const role = (kind: string, name: string, scope: Rule['scope']): Part => {
    const rules = rulesOf(scope).filter(({ when }) => isOn(when));
    return {
      comment: rules.map((rule) => `${rule.resources.join(', ')}: ${rule.whys.join('; ')}`).join('\n'),
      object: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind,
        metadata: { name, ...(kind === 'Role' ? { namespace: NAMESPACE } : {}), labels: labels() },
        rules: rules.map(policyRule),
      },
    };
  };
  return [
    role('ClusterRole', 'keda-operator', 'watched'),
    role('ClusterRole', 'keda-operator-minimal-cluster-role', 'cluster'),
    role('Role', 'keda-operator-certs', 'own'),
  ];
}

function common(): Part[] {
  const reader = 'keda-operator-external-metrics-reader';
  return [
    {
      object: {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: ACCOUNT, namespace: NAMESPACE, labels: labels() },
      },
    },
    binding('ClusterRoleBinding', 'keda-operator-minimal', {
      kind: 'ClusterRole',
      name: 'keda-operator-minimal-cluster-role',
    }),
    binding('RoleBinding', 'keda-operator-certs', { kind: 'Role', name: 'keda-operator-certs' }, NAMESPACE),
    binding(
      'RoleBinding',
      'keda-operator-auth-reader',
      { kind: 'Role', name: AGGREGATION_ROLE.role },
      AGGREGATION_ROLE.namespace,
    ),
    {
      object: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: reader, labels: labels() },
        rules: [
          { apiGroups: [METRICS_READER.group], resources: [METRICS_READER.resource], verbs: METRICS_READER.verbs },
        ],
      },
    },
    binding('ClusterRoleBinding', reader, { kind: 'ClusterRole', name: reader }, undefined, {
      kind: 'ServiceAccount',
      name: 'horizontal-pod-autoscaler',
      namespace: 'kube-system',
    }),
  ];
}

function binding(
  kind: 'ClusterRoleBinding' | 'RoleBinding',
  name: string,
  role: { kind: string; name: string },
  namespace?: string,
  subject: object = { kind: 'ServiceAccount', name: ACCOUNT, namespace: NAMESPACE },
): Part {
  return {
    object: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: labels() },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...role },
      subjects: [subject],
    },
  };
}

/** KEDA 2.21 ships the same two; its kinds without a namespace are in them, too. */
function userRoles(): Part[] {
  const groups = new Map<string, string[]>();
  for (const { type } of Object.values(KINDS)) groups.set(type.group, [...(groups.get(type.group) ?? []), type.plural]);
  const role = (name: string, to: string[], verbs: string[]): Part => ({
    object: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: {
        name,
        labels: {
          ...labels(),
          ...Object.fromEntries(to.map((one) => [`rbac.authorization.k8s.io/aggregate-to-${one}`, 'true'])),
        },
      },
      rules: [...groups].map(([group, resources]) => ({ apiGroups: [group], resources, verbs })),
    },
  });
  return [
    role('keda:edit', ['admin', 'edit'], ['create', 'delete', 'patch', 'update']),
    role('keda:view', ['admin', 'edit', 'view'], ['get', 'list', 'watch']),
  ];
}

const labels = () => ({ 'app.kubernetes.io/name': 'keda-operator', 'app.kubernetes.io/part-of': 'keda' });

function text(title: string, parts: Part[]): string {
  const documents = parts.map(({ comment, object }) => {
    const lines = comment ? `${comment.replace(/^/gm, '# ')}\n` : '';
    return `${lines}${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`;
  });
  return `# ${NOTICE}\n# ${title}\n${documents.join('---\n')}`;
}

/** Rules whose resources are values of the chart: there they are templates of their own. */
const FROM_VALUES: PermissionCondition[] = ['any-target', 'secrets-everywhere', 'secrets-own'];

/** Names that are values of the chart. */
const NAME_VALUES: Record<string, string> = {
  [INSTALLED_NAMES.certificateSecret]: '{{ .Values.certificates.secretName | quote }}',
};

/**
 * One template for each scope. Conditions are templates of the chart that give nothing where they do not hold; the
 * rules of those in FROM_VALUES are made by templates of the chart, which get the verbs.
 */
function chartRules(): string {
  const lines = [`{{/* ${NOTICE} */}}`];
  for (const scope of ['watched', 'own', 'cluster'] as const) {
    lines.push('', `{{- define "windlass.rules.${scope}" }}`);
    const done = new Set<string>();
    for (const rule of rulesOf(scope)) {
      if (rule.when && FROM_VALUES.includes(rule.when)) {
        if (done.has(rule.when)) continue;
        done.add(rule.when);
        lines.push(`{{- include "windlass.rulesFor.${rule.when}" . }}`);
        continue;
      }
      if (rule.when) lines.push(`{{- if include "windlass.when.${rule.when}" . }}`);
      lines.push(...chartRule(rule));
      if (rule.when) lines.push('{{- end }}');
    }
    lines.push('{{- end }}');
  }
  return `${lines.join('\n')}\n`;
}

function chartRule({ group, resources, verbs, names }: Rule): string[] {
  const list = (values: readonly string[]) => values.map((value) => `  - ${quoted(value)}`);
  return [
    '- apiGroups:',
    ...list([group]),
    '  resources:',
    ...list(resources),
    ...(names ? ['  resourceNames:', ...names.map((name) => `  - ${NAME_VALUES[name] ?? quoted(name)}`)] : []),
    '  verbs:',
    ...list(verbs),
  ];
}

const quoted = (value: string): string => (/^[a-z][\w./-]*$/.test(value) ? value : JSON.stringify(value));
