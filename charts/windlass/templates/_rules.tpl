{{/* Made by `npm run generate` from src/controllers/permissions.ts and src/servers/permissions.ts. */}}

{{- define "windlass.rules.watched" }}
- apiGroups:
  - keda.sh
  resources:
  - scaledobjects
  - scaledjobs
  - triggerauthentications
  verbs:
  - get
  - list
  - watch
  - patch
- apiGroups:
  - keda.sh
  resources:
  - scaledobjects/status
  - scaledjobs/status
  - triggerauthentications/status
  verbs:
  - patch
- apiGroups:
  - eventing.keda.sh
  resources:
  - cloudeventsources
  verbs:
  - get
  - list
  - watch
  - patch
- apiGroups:
  - eventing.keda.sh
  resources:
  - cloudeventsources/status
  verbs:
  - patch
- apiGroups:
  - keda.sh
  resources:
  - scaledobjects/finalizers
  - scaledjobs/finalizers
  verbs:
  - update
- apiGroups:
  - autoscaling
  resources:
  - horizontalpodautoscalers
  verbs:
  - get
  - list
  - watch
  - create
  - patch
  - delete
- apiGroups:
  - batch
  resources:
  - jobs
  verbs:
  - get
  - list
  - watch
  - create
  - delete
- apiGroups:
  - apps
  resources:
  - deployments
  - statefulsets
  verbs:
  - get
  - list
  - watch
- apiGroups:
  - apps
  resources:
  - deployments/scale
  - statefulsets/scale
  verbs:
  - get
  - patch
{{- include "windlass.rulesFor.any-target" . }}
- apiGroups:
  - ""
  resources:
  - pods
  - configmaps
  - serviceaccounts
  verbs:
  - get
  - list
  - watch
- apiGroups:
  - discovery.k8s.io
  resources:
  - endpointslices
  verbs:
  - list
{{- include "windlass.rulesFor.secrets-everywhere" . }}
{{- if include "windlass.when.tokens-everywhere" . }}
- apiGroups:
  - ""
  resources:
  - serviceaccounts/token
  verbs:
  - create
{{- end }}
- apiGroups:
  - events.k8s.io
  resources:
  - events
  verbs:
  - create
  - patch
{{- if include "windlass.when.admission" . }}
- apiGroups:
  - ""
  resources:
  - limitranges
  verbs:
  - list
{{- end }}
{{- end }}

{{- define "windlass.rules.own" }}
{{- include "windlass.rulesFor.secrets-own" . }}
- apiGroups:
  - coordination.k8s.io
  resources:
  - leases
  verbs:
  - get
  - list
  - watch
  - create
  - patch
  - delete
{{- if include "windlass.when.own-certificates" . }}
- apiGroups:
  - ""
  resources:
  - secrets
  resourceNames:
  - {{ .Values.certificates.secretName | quote }}
  verbs:
  - get
  - list
  - watch
  - update
{{- end }}
{{- if include "windlass.when.own-certificates" . }}
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - create
{{- end }}
{{- end }}

{{- define "windlass.rules.cluster" }}
- apiGroups:
  - keda.sh
  resources:
  - clustertriggerauthentications
  verbs:
  - get
  - list
  - watch
  - patch
- apiGroups:
  - keda.sh
  resources:
  - clustertriggerauthentications/status
  verbs:
  - patch
- apiGroups:
  - eventing.keda.sh
  resources:
  - clustercloudeventsources
  verbs:
  - get
  - list
  - watch
  - patch
- apiGroups:
  - eventing.keda.sh
  resources:
  - clustercloudeventsources/status
  verbs:
  - patch
{{- if include "windlass.when.metrics-api" . }}
- apiGroups:
  - authentication.k8s.io
  resources:
  - tokenreviews
  verbs:
  - create
{{- end }}
{{- if include "windlass.when.metrics-api" . }}
- apiGroups:
  - authorization.k8s.io
  resources:
  - subjectaccessreviews
  verbs:
  - create
{{- end }}
{{- if include "windlass.when.own-certificates" . }}
- apiGroups:
  - apiregistration.k8s.io
  resources:
  - apiservices
  resourceNames:
  - v1beta1.external.metrics.k8s.io
  verbs:
  - get
  - patch
{{- end }}
{{- if include "windlass.when.own-certificates" . }}
- apiGroups:
  - admissionregistration.k8s.io
  resources:
  - validatingwebhookconfigurations
  resourceNames:
  - keda-admission
  verbs:
  - get
  - patch
{{- end }}
{{- end }}
