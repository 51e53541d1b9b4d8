{{/* An endpoint of a ServiceMonitor or PodMonitor. Takes monitor and port (a dict with port or targetPort). */}}
{{- define "windlass.scrape" }}
path: /metrics
{{- toYaml .port | nindent 0 }}
{{- with .monitor.interval }}
interval: {{ . | quote }}
{{- end }}
{{- with .monitor.scrapeTimeout }}
scrapeTimeout: {{ . | quote }}
{{- end }}
{{- with .monitor.relabelings | default .monitor.relabellings }}
relabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .monitor.metricRelabelings }}
metricRelabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .monitor.scheme }}
scheme: {{ . }}
{{- end }}
{{- with .monitor.tlsConfig }}
tlsConfig: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Takes root, name and app (of the Service), monitor. */}}
{{- define "windlass.serviceMonitor" }}
{{- $monitor := .monitor }}
{{- $port := dict "port" ($monitor.port | default "metrics") }}
{{- with $monitor.targetPort }}{{ $port = dict "targetPort" . }}{{ end }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {{- include "windlass.metadata" (dict "root" .root "name" .name "namespace" .root.Release.Namespace "app" .name "labels" $monitor.additionalLabels) | nindent 2 }}
spec:
  {{- with $monitor.jobLabel }}
  jobLabel: {{ . | quote }}
  {{- end }}
  {{- with $monitor.targetLabels }}
  targetLabels: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $monitor.podTargetLabels }}
  podTargetLabels: {{- toYaml . | nindent 4 }}
  {{- end }}
  endpoints:
    - {{- include "windlass.scrape" (dict "monitor" $monitor "port" $port) | nindent 6 }}
      honorLabels: true
  namespaceSelector:
    matchNames:
      - {{ .root.Release.Namespace }}
  selector:
    matchLabels:
      app: {{ .name | quote }}
{{- end }}

{{/* Takes root, name, monitor. */}}
{{- define "windlass.podMonitor" }}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {{- include "windlass.metadata" (dict "root" .root "name" .name "namespace" (.monitor.namespace | default .root.Release.Namespace) "app" .name "labels" .monitor.additionalLabels) | nindent 2 }}
spec:
  podMetricsEndpoints:
    - {{- include "windlass.scrape" (dict "monitor" .monitor "port" (dict "port" "metrics")) | nindent 6 }}
      honorLabels: true
  namespaceSelector:
    matchNames:
      - {{ .root.Release.Namespace }}
  selector:
    matchLabels:
      app: {{ .root.Values.operator.name | quote }}
{{- end }}

{{/* Takes root, name, rules. */}}
{{- define "windlass.prometheusRule" }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {{- include "windlass.metadata" (dict "root" .root "name" .name "namespace" (.rules.namespace | default .root.Release.Namespace) "app" .name "labels" .rules.additionalLabels) | nindent 2 }}
spec:
  groups:
    - name: {{ .name | quote }}
      rules: {{- toYaml (.rules.alerts | default list) | nindent 8 }}
{{- end }}
