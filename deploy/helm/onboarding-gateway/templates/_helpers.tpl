{{- define "gateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* 52 characters, so that the suffixes below still fit into a label. */}}
{{- define "gateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "gateway.name" . -}}
{{- if contains $name .Release.Name -}}{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods: never changes in the life of a release. */}}
{{- define "gateway.selector" -}}
app.kubernetes.io/name: {{ include "gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{/* (list ROOT COMPONENT) */}}
{{- define "gateway.labels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
  "app.kubernetes.io/name" (include "gateway.name" $root)
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/component" (index . 1)
  "app.kubernetes.io/version" ($root.Chart.AppVersion | replace "+" "_")
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_")) -}}
{{- toYaml (merge $own $root.Values.commonLabels) -}}
{{- end -}}

{{/* (list ROOT SUFFIX COMPONENT [LABELS [ANNOTATIONS]]): the metadata of an object. */}}
{{- define "gateway.metadata" -}}
{{- $root := index . 0 -}}
{{- $labels := dict -}}{{- if gt (len .) 3 -}}{{- $labels = index . 3 -}}{{- end -}}
{{- $annotations := dict -}}{{- if gt (len .) 4 -}}{{- $annotations = index . 4 -}}{{- end -}}
name: {{ include "gateway.fullname" $root }}{{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- merge (include "gateway.labels" (list $root (index . 2)) | fromYaml) $labels | toYaml | nindent 2 }}
{{- with merge (deepCopy $annotations) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* (list ROOT IMAGE) */}}
{{- define "gateway.image" -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}{{ $image.repository }}@{{ $image.digest }}
{{- else -}}{{ $image.repository }}:{{ default (index . 0).Chart.AppVersion $image.tag }}{{- end -}}
{{- end -}}

{{- define "gateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}{{ default (include "gateway.fullname" .) .Values.serviceAccount.name }}
{{- else -}}{{ default "default" .Values.serviceAccount.name }}{{- end -}}
{{- end -}}

{{- define "gateway.secretName" -}}
{{- default (include "gateway.fullname" .) .Values.secrets.existingSecret -}}
{{- end -}}

{{/* Whole seconds of a duration such as 250ms, 5s, 15m or 24h, rounded up. */}}
{{- define "gateway.seconds" -}}
{{- $text := toString . -}}
{{- if hasSuffix "ms" $text -}}{{ divf (trimSuffix "ms" $text | float64) 1000 | ceil | int }}
{{- else if hasSuffix "s" $text -}}{{ trimSuffix "s" $text | int }}
{{- else if hasSuffix "m" $text -}}{{ mul (trimSuffix "m" $text | int) 60 }}
{{- else if hasSuffix "h" $text -}}{{ mul (trimSuffix "h" $text | int) 3600 }}
{{- else -}}{{ fail (printf "%s is no duration such as 250ms, 5s, 15m or 24h" $text) }}{{- end -}}
{{- end -}}

{{/* (list PATH VALUE WHY): the value, which stands written out, because what a variable or a file says is not known here. */}}
{{- define "gateway.written" -}}
{{- $text := toString (index . 1) -}}
{{- if contains "${" $text -}}{{- fail (printf "%s: %s is not known when the chart is rendered, and %s; write the value out" (index . 0) $text (index . 2)) -}}{{- end -}}
{{- $text -}}
{{- end -}}

{{- define "gateway.apiPort" -}}{{ include "gateway.written" (list "config.listeners.api.port" (dig "listeners" "api" "port" 8080 .Values.config) "the Service leads there") | int }}{{- end -}}
{{- define "gateway.adminPort" -}}{{ include "gateway.written" (list "config.listeners.admin.port" (dig "listeners" "admin" "port" 9090 .Values.config) "the probes ask there") | int }}{{- end -}}
{{- define "gateway.store" -}}{{ dig "shared_state" "store" "memory" .Values.config }}{{- end -}}
{{- define "gateway.drainDelay" -}}{{ include "gateway.seconds" (include "gateway.written" (list "config.drain.delay" (dig "drain" "delay" "5s" .Values.config) "the grace period of the pod is made of it")) }}{{- end -}}
{{- define "gateway.drainTimeout" -}}{{ include "gateway.seconds" (include "gateway.written" (list "config.drain.timeout" (dig "drain" "timeout" "30s" .Values.config) "the grace period of the pod is made of it")) }}{{- end -}}
{{- define "gateway.replicas" -}}
{{- if .Values.autoscaling.enabled -}}{{ .Values.autoscaling.maxReplicas | int }}{{- else -}}{{ .Values.replicas | int }}{{- end -}}
{{- end -}}
{{/* The label `job` that the Prometheus operator gives to what the chart's monitor finds; empty where somebody else's configuration does. */}}
{{- define "gateway.job" -}}
{{- if eq .Values.metrics.scrape "serviceMonitor" -}}{{ include "gateway.fullname" . }}
{{- else if eq .Values.metrics.scrape "podMonitor" -}}{{ .Release.Namespace }}/{{ include "gateway.fullname" . }}{{- end -}}
{{- end -}}
{{/* HTTPS where the operators' listener speaks TLS. */}}
{{- define "gateway.adminScheme" -}}{{ if dig "listeners" "admin" "tls" false .Values.config }}HTTPS{{ else }}HTTP{{ end }}{{- end -}}
{{- define "gateway.apiScheme" -}}{{ if dig "listeners" "api" "tls" false .Values.config }}https{{ else }}http{{ end }}{{- end -}}

{{/* host:port of a URL, whose host is written out. */}}
{{- define "gateway.address" -}}
{{- $url := urlParse . -}}
{{- $default := dict "https" "443" "http" "80" "redis" "6379" "rediss" "6379" -}}
{{- if regexMatch ":[0-9]+$" $url.host -}}{{ $url.host }}{{- else -}}{{ $url.host }}:{{ get $default $url.scheme }}{{- end -}}
{{- end -}}
{{- define "gateway.port" -}}{{ regexFind "[0-9]+$" (include "gateway.address" .) }}{{- end -}}
{{- define "gateway.host" -}}{{ if not (include "gateway.hasHost" .) }}{{ . }}{{ else }}{{ regexReplaceAll ":[0-9]+$" (include "gateway.address" .) "" }}{{ end }}{{- end -}}
{{/* Not empty: the URL's host stands there, and does not come from a variable or a file. */}}
{{- define "gateway.hasHost" -}}{{ if regexMatch "^[a-z]+://[^/$]+(/|$)" . }}yes{{ end }}{{- end -}}

{{/* Names by which pods of the cluster reach the simulator. */}}
{{- define "gateway.isSimulator" -}}
{{- $root := index . 0 -}}{{- $host := include "gateway.host" (index . 1) -}}
{{- $own := printf "%s-simulator" (include "gateway.fullname" $root) -}}
{{- $full := printf "%s.%s" $own $root.Release.Namespace -}}
{{- if and $root.Values.simulator.enabled (has $host (list $own $full (printf "%s.svc" $full) (printf "%s.svc.cluster.local" $full))) -}}true{{- end -}}
{{- end -}}

{{/* gateway.yaml as it is mounted. */}}
{{- define "gateway.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if not (hasKey $config "control_socket") -}}{{- $_ := set $config "control_socket" "/run/onboarding-gateway/control.sock" -}}{{- end -}}
{{- if and .Values.threads (not (hasKey $config "threads")) -}}{{- $_ := set $config "threads" (int .Values.threads) -}}{{- end -}}
{{- if eq (include "gateway.store" .) "redis" -}}
{{- if not (hasKey $config.shared_state "max_replicas") -}}{{- $_ := set $config.shared_state "max_replicas" (include "gateway.maxReplicas" . | int) -}}{{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* As many as ever share the limits at once: those wanted, the surge, and as many again that are draining: an update does not
     wait for pods that are on their way out. Too large a number costs throughput while Redis is away; too small a one, the promise. */}}
{{- define "gateway.maxReplicas" -}}
{{- add (mul 2 (include "gateway.replicas" . | int)) (int .Values.rollingUpdate.maxSurge) -}}
{{- end -}}

{{/* What a running gateway cannot take over: only this rolls the pods with `reload: watch`. All that service/settings/changes.cpp
     does not call live; with Redis that is less, since replicas count by the same limits. */}}
{{- define "gateway.restartConfig" -}}
{{- $config := omit (include "gateway.config" . | fromYaml) "drain" "callers" "accounts" "test_accounts" "log" -}}
{{- $source := include "gateway.config" . | fromYaml -}}
{{- $shared := eq (include "gateway.store" .) "redis" -}}
{{- $accounts := dict -}}
{{- range $name, $account := $source.accounts -}}
  {{- $rest := omit $account "timeouts" "max_wait_state" "completion_polls" "devices" "session_reuse" "require_idempotency_key" "allow_http_redirects" "unknown_members" "languages" "price_zones" "defaults" "token" "retries" "limits" "pause" -}}
  {{- $_ := set $rest "token" (omit (default dict $account.token) "client_id" "client_id_file" "client_secret" "client_secret_file") -}}
  {{- $_ := set $rest "retries" (omit (default dict $account.retries) "attempts") -}}
  {{- if $shared -}}
    {{- $_ := set $rest "limits" (omit (default dict $account.limits) "queue") -}}
    {{- $_ := set $rest "pause" (default dict $account.pause) -}}
  {{- else -}}
    {{- $_ := set $rest "limits" (pick (default dict $account.limits) "degraded_share") -}}
  {{- end -}}
  {{- $_ := set $accounts $name $rest -}}
{{- end -}}
{{- $_ := set $config "accounts" $accounts -}}
{{- $_ := set $config "log" (omit (default dict $source.log) "level") -}}
{{- if $shared -}}
  {{- $_ := set $config "test_accounts" (default dict $source.test_accounts) -}}
  {{- $callers := dict -}}
  {{- range $name, $caller := $source.callers -}}{{- $_ := set $callers $name (pick $caller "limits") -}}{{- end -}}
  {{- $_ := set $config "callers" $callers -}}
{{- else -}}
  {{- $_ := set $config "test_accounts" (keys (default dict $source.test_accounts) | sortAlpha) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Pod Security "restricted". */}}
{{- define "gateway.podSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.podSecurity }}
{{- if not (kindIs "invalid" .runAsUser) }}
runAsUser: {{ int .runAsUser }}
{{- end }}
{{- if not (kindIs "invalid" .runAsGroup) }}
runAsGroup: {{ int .runAsGroup }}
{{- end }}
{{- if not (kindIs "invalid" .fsGroup) }}
fsGroup: {{ int .fsGroup }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- define "gateway.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
