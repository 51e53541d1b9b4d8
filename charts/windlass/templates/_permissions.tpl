{{/* When the rules of _rules.tpl are needed, by the conditions of src/kube/permission.ts. */}}
{{- define "windlass.when.own-certificates" }}{{ include "windlass.ownCertificates" . }}{{ end }}
{{- define "windlass.when.metrics-api" }}{{ if .Values.metricsServer.enabled }}true{{ end }}{{ end }}
{{- define "windlass.when.admission" }}{{ if .Values.webhooks.enabled }}true{{ end }}{{ end }}
{{- define "windlass.when.tokens-everywhere" }}
{{- if .Values.permissions.operator.restrict.allowAllServiceAccountTokenCreation }}true{{ end }}
{{- end }}

{{/* A watch of one Secret is a list and a watch with the name as field selector, which Kubernetes holds against resourceNames. */}}
{{- define "windlass.secretsRule" }}
- apiGroups:
  - ""
  resources:
  - secrets
  {{- with .Values.permissions.operator.restrict.namesAllowList }}
  resourceNames: {{- toYaml . | nindent 2 }}
  {{- end }}
  verbs:
  - get
  - list
  - watch
{{- end }}

{{- define "windlass.rulesFor.secrets-everywhere" }}
{{- if not .Values.permissions.operator.restrict.secret }}
{{- include "windlass.secretsRule" . }}
{{- end }}
{{- end }}

{{/* Secrets of ClusterTriggerAuthentications are in the operator's namespace, watched or not. */}}
{{- define "windlass.rulesFor.secrets-own" }}
{{- if or .Values.permissions.operator.restrict.secret (include "windlass.watched" . | fromJsonArray) }}
{{- include "windlass.secretsRule" . }}
{{- end }}
{{- end }}

{{/* `Rollout` is the kind of the resource `rollouts`; roles know resources. */}}
{{- define "windlass.resourceOf" }}
{{- if not (regexMatch "^[A-Z]" .) }}{{ . }}
{{- else if regexMatch "(s|x|ch|sh)$" . }}{{ lower . }}es
{{- else if regexMatch "[^aeiou]y$" . }}{{ lower . | trimSuffix "y" }}ies
{{- else }}{{ lower . }}s{{ end }}
{{- end }}

{{- define "windlass.rulesFor.any-target" }}
{{- if .Values.rbac.enabledCustomScaledRefKinds }}
{{- $restricted := include "windlass.secretsRestricted" . }}
{{- range .Values.rbac.scaledRefKinds | default (list (dict "apiGroup" "*" "kind" "*")) }}
{{- $resource := include "windlass.resourceOf" (.kind | toString) }}
- apiGroups:
  - {{ .apiGroup | quote }}
  resources:
  - {{ printf "%s/scale" $resource | quote }}
  verbs:
  - get
  - patch
{{- /* `*` would let it read every Secret. */}}
{{- if not (and $restricted (eq $resource "*") (has .apiGroup (list "*" ""))) }}
- apiGroups:
  - {{ .apiGroup | quote }}
  resources:
  - {{ $resource | quote }}
  verbs:
  - get
{{- end }}
{{- end }}
{{- end }}
{{- end }}
