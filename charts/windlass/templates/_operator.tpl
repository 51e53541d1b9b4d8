{{/* The flags of `windlass operator`, as items of a list. */}}
{{- define "windlass.flags" }}
{{- $flags := list }}
{{- $roles := list "operator" }}
{{- if .Values.metricsServer.enabled }}{{ $roles = append $roles "metrics" }}{{ end }}
{{- if .Values.webhooks.enabled }}{{ $roles = append $roles "webhooks" }}{{ end }}
{{- $flags = append $flags (printf "roles=%s" (join "," $roles)) }}
{{- $flags = append $flags (printf "zap-log-level=%v" .Values.logging.operator.level) }}
{{- $flags = append $flags (printf "zap-encoder=%v" .Values.logging.operator.format) }}
{{- $flags = append $flags (printf "zap-time-encoding=%v" .Values.logging.operator.timeEncoding) }}
{{- if .Values.logging.operator.stackTracesEnabled }}
{{- $flags = append $flags "zap-stacktrace-level=error" }}
{{- end }}
{{- with .Values.operator.leaderElectionID }}
{{- $flags = append $flags (printf "leader-election-id=%v" .) }}
{{- end }}
{{- $flags = append $flags (printf "disable-compression=%v" .Values.operator.disableCompression) }}
{{- $flags = append $flags (printf "secure-port=%v" .Values.service.portHttpsTarget) }}
{{- $flags = append $flags (printf "health-probe-bind-address=:%v" .Values.operator.healthProbePort) }}
{{- $flags = append $flags (printf "metrics-service-bind-address=:%v" .Values.operator.metricsServiceTargetPort) }}
{{- $flags = append $flags (printf "cert-dir=%v" .Values.certificates.mountPath) }}
{{- $flags = append $flags (printf "cert-secret-name=%v" .Values.certificates.secretName) }}
{{- $flags = append $flags (printf "enable-cert-rotation=%v" (eq (include "windlass.ownCertificates" .) "true")) }}
{{- $flags = append $flags (printf "enable-apiservice-patching=%v" (eq (include "windlass.patchesApiService" .) "true")) }}
{{- $flags = append $flags (printf "enable-webhook-patching=%v" .Values.webhooks.enabled) }}
{{- $flags = append $flags (printf "operator-service-name=%v" .Values.operator.name) }}
{{- $flags = append $flags (printf "metrics-server-service-name=%v" (include "windlass.metricsServiceName" .)) }}
{{- if .Values.webhooks.enabled }}
{{- $flags = append $flags (printf "webhooks-port=%v" (.Values.webhooks.port | default 9443)) }}
{{- end }}
{{- $flags = append $flags (printf "webhooks-service-name=%v" .Values.webhooks.name) }}
{{- $flags = append $flags (printf "k8s-cluster-name=%v" (tpl .Values.clusterName .)) }}
{{- $flags = append $flags (printf "k8s-cluster-domain=%v" .Values.clusterDomain) }}
{{- $flags = append $flags (printf "enable-prometheus-metrics=%v" (eq (include "windlass.metricsServed" .) "true")) }}
{{- if include "windlass.metricsServed" . }}
{{- $flags = append $flags (printf "metrics-bind-address=:%v" .Values.prometheus.operator.port) }}
{{- end }}
{{- if .Values.opentelemetry.operator.enabled }}
{{- $flags = append $flags "enable-opentelemetry-metrics=true" }}
{{- end }}
{{- range ((.Values.certificates.operator).caDirs) }}
{{- $flags = append $flags (printf "ca-dir=%v" .) }}
{{- end }}
{{- $flags = append $flags (printf "http-max-idle-conns=%v" .Values.http.maxIdleConns) }}
{{- $flags = append $flags (printf "http-max-idle-conns-per-host=%v" .Values.http.maxIdleConnsPerHost) }}
{{- $flags = append $flags (printf "http-idle-conn-timeout=%v" .Values.http.idleConnTimeout) }}
{{- $known := (.Files.Get "files/operator.json" | fromJson).flags }}
{{- range $flags }}
{{- if has (splitList "=" . | first) $known }}
- {{ printf "--%s" . | quote }}
{{- end }}
{{- end }}
{{- range $flag, $value := .Values.extraArgs.keda }}
- {{ printf "--%s=%v" $flag $value | quote }}
{{- end }}
{{- end }}

{{- define "windlass.patchesApiService" }}
{{- $patching := (((.Values.certificates).operator).apiServicePatching) | default dict }}
{{- if and .Values.metricsServer.enabled (include "windlass.ownCertificates" .) (ne (toString $patching.enabled) "false") }}true{{ end }}
{{- end }}

{{/* The environment of the operator, as items of a list. */}}
{{- define "windlass.environment" }}
- name: WATCH_NAMESPACE
  value: {{ include "windlass.watched" . | fromJsonArray | join "," | quote }}
- name: WATCH_LABEL_SELECTOR
  value: {{ .Values.watchLabelSelector | default "" | quote }}
- name: WATCH_LABEL_SELECTOR_FOR_TRIGGERAUTH
  value: {{ .Values.watchLabelSelectorForTriggerauth | default "" | quote }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
- name: OPERATOR_NAME
  value: {{ .Values.operator.name | quote }}
{{- with .Values.http.timeout }}
- name: KEDA_HTTP_DEFAULT_TIMEOUT
  value: {{ int64 . | quote }}
{{- end }}
- name: KEDA_HTTP_MIN_TLS_VERSION
  value: {{ .Values.http.minTlsVersion | quote }}
{{- with .Values.http.tlsCipherList }}
- name: KEDA_HTTP_TLS_CIPHER_LIST
  value: {{ . | quote }}
{{- end }}
- name: KEDA_SERVICE_MIN_TLS_VERSION
  value: {{ .Values.service.minTlsVersion | quote }}
{{- with .Values.service.tlsCipherList }}
- name: KEDA_SERVICE_TLS_CIPHER_LIST
  value: {{ . | quote }}
{{- end }}
{{- if not .Values.http.keepAlive.enabled }}
- name: KEDA_HTTP_DISABLE_KEEP_ALIVE
  value: "true"
{{- end }}
{{- if .Values.permissions.operator.restrict.secret }}
- name: KEDA_RESTRICT_SECRET_ACCESS
  value: "true"
{{- end }}
{{- with .Values.opentelemetry.collector.uri }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- end }}
