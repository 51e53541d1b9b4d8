{{/* Values that were set and change nothing, a line each: those of KEDA's chart with a reason, and names nobody knows. */}}
{{- define "windlass.unused" }}
{{- $other := .Files.Get "files/other-values.yaml" | fromYaml }}
{{- $known := dict }}
{{- range $group := $other.withoutMeaning }}
{{- range $path, $standard := $group.values }}
{{- $_ := set $known $path true }}
{{- $at := include "windlass.at" (dict "in" $.Values "path" $path) | fromJson }}
{{- if $at.value }}
{{- $isStandard := dict "yes" false }}
{{- range $standard }}
{{- if eq (toJson .) (toJson $at.value) }}{{ $_ := set $isStandard "yes" true }}{{ end }}
{{- end }}
{{- if not $isStandard.yes }}
- {{ $path }}: {{ $group.why }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $standards := include "windlass.standard" . | fromJson }}
{{- $has := .Files.Get "files/operator.json" | fromJson }}
{{- range $kind, $verb := dict "flags" "has no --" "environment" "does not read " }}
{{- range $path, $name := get $other $kind }}
{{- $at := include "windlass.at" (dict "in" $.Values "path" $path) | fromJson }}
{{- $standard := include "windlass.at" (dict "in" $standards "path" $path) | fromJson }}
{{- if and (not (has $name (get $has $kind))) (or $at.value (kindIs "bool" $at.value)) (ne (toJson $at.value) (toJson $standard.value)) }}
- {{ $path }}: this version of the operator {{ $verb }}{{ $name }}
{{- end }}
{{- end }}
{{- end }}
{{- $accepted := dict }}
{{- range $other.accepted }}{{ $_ := set $accepted . true }}{{ end }}
{{- include "windlass.unknown" (dict "given" .Values "standard" (include "windlass.standard" . | fromJson) "known" $known "accepted" $accepted "path" "") }}
{{- end }}

{{/* The value at a path (`a.b.c`), as JSON: {"value": …}; null when there is none. */}}
{{- define "windlass.at" }}
{{- $state := dict "value" .in }}
{{- range splitList "." .path }}
{{- if and (kindIs "map" $state.value) (hasKey $state.value .) }}
{{- $_ := set $state "value" (get $state.value .) }}
{{- else }}
{{- $_ := set $state "value" nil }}
{{- end }}
{{- end }}
{{- toJson (dict "value" $state.value) }}
{{- end }}

{{/* Names below `path` that neither values.yaml nor other-values.yaml has. Maps that are empty by default take any name. */}}
{{- define "windlass.unknown" }}
{{- range $name, $value := .given }}
{{- $path := ternary $name (printf "%s.%s" $.path $name) (eq $.path "") }}
{{- $wild := printf "%s.*" $.path }}
{{- if or (hasKey $.known $path) (hasKey $.accepted $path) }}
{{- else if hasKey $.standard $name }}
{{- $standard := get $.standard $name }}
{{- if and (kindIs "map" $value) (kindIs "map" $standard) $standard }}
{{- include "windlass.unknown" (dict "given" $value "standard" $standard "known" $.known "accepted" $.accepted "path" $path) }}
{{- end }}
{{- else if hasKey $.accepted $wild }}
{{- else if kindIs "map" $value }}
{{- /* Perhaps the way to a name that is known, such as logging.webhooks.level. */}}
{{- if $value }}
{{- include "windlass.unknown" (dict "given" $value "standard" dict "known" $.known "accepted" $.accepted "path" $path) }}
{{- end }}
{{- else if or $value (kindIs "bool" $value) }}
- {{ $path }}: no such value
{{- end }}
{{- end }}
{{- end }}
