{{/* What values.schema.json cannot say: values that contradict each other. Every message names the value to change. */}}
{{- define "gateway.validate" -}}
{{- include "gateway.validate.replicas" . -}}
{{- include "gateway.validate.listeners" . -}}
{{- include "gateway.validate.secrets" . -}}
{{- include "gateway.validate.files" . -}}
{{- include "gateway.validate.network" . -}}
{{- include "gateway.validate.accounts" . -}}
{{- include "gateway.validate.pod" . -}}
{{- include "gateway.validate.metrics" . -}}
{{- end -}}

{{- define "gateway.validate.replicas" -}}
{{- $v := .Values -}}
{{- $memory := ne (include "gateway.store" .) "redis" -}}
{{- $replicas := include "gateway.replicas" . | int -}}
{{- if and $memory $v.autoscaling.enabled -}}
{{- fail "autoscaling.enabled: needs config.shared_state.store: redis. With store memory every pod would use the account's whole limit" -}}
{{- end -}}
{{- if and $memory (gt $replicas 1) -}}
{{- fail (printf "replicas: %d needs config.shared_state.store: redis. With store memory every pod would use the account's whole limit" $replicas) -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas: is greater than autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and (eq (int $v.rollingUpdate.maxSurge) 0) (eq (int $v.rollingUpdate.maxUnavailable) 0) -}}
{{- fail "rollingUpdate.maxSurge: 0 together with maxUnavailable: 0 lets no update begin" -}}
{{- end -}}
{{- if not $memory -}}
{{- if not (dig "redis" false $v.config.shared_state) -}}{{- fail "config.shared_state.redis: is missing, and store is redis" -}}{{- end -}}
{{- $least := add $replicas (int $v.rollingUpdate.maxSurge) | int -}}
{{- if hasKey $v.config.shared_state "max_replicas" -}}
{{- $_ := include "gateway.written" (list "config.shared_state.max_replicas" $v.config.shared_state.max_replicas "an update must not run more pods") -}}
{{- if lt (int $v.config.shared_state.max_replicas) $least -}}
{{- fail (printf "config.shared_state.max_replicas: %d is less than the %d pods that an update runs at once; leave it out and the chart sets it" (int $v.config.shared_state.max_replicas) $least) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (gt (int $v.preStopSleepSeconds) 0) (ne (include "gateway.drainDelay" .) "0") -}}
{{- fail "preStopSleepSeconds: and config.drain.delay do the same one after the other; set one of both to 0" -}}
{{- end -}}
{{- end -}}

{{- define "gateway.validate.listeners" -}}
{{- $c := .Values.config -}}
{{- range $name := list "api" "admin" -}}
{{- $l := dig "listeners" $name (dict) $c -}}
{{- $address := dig "address" "0.0.0.0" $l -}}
{{- if or (hasPrefix "127." $address) (eq "::1" $address) -}}
{{- fail (printf "config.listeners.%s.address: %s is reached from inside the pod only; 0.0.0.0 is needed" $name $address) -}}
{{- end -}}
{{- $port := include (printf "gateway.%sPort" $name) $ | int -}}
{{- if lt $port 1024 -}}
{{- fail (printf "config.listeners.%s.port: %d needs a capability or is picked by the kernel; a port from 1024 on is needed" $name $port) -}}
{{- end -}}
{{- end -}}
{{- if eq (include "gateway.apiPort" .) (include "gateway.adminPort" .) -}}
{{- fail (printf "config.listeners.admin.port: %s is that of config.listeners.api too" (include "gateway.adminPort" .)) -}}
{{- end -}}
{{- if dig "listeners" "admin" "tls" "client_ca_file" false $c -}}
{{- fail "config.listeners.admin.tls.client_ca_file: the kubelet has no client certificate, so its probes would fail" -}}
{{- end -}}
{{- if and (not $c.callers) (ne (toString $c.allow_anonymous) "true") -}}
{{- fail "config.callers: is missing, so anybody could call; name callers, or set config.allow_anonymous: true" -}}
{{- end -}}
{{- end -}}

{{/* The keys that the mounted Secret will have, as JSON. */}}
{{- define "gateway.secretKeys" -}}
{{- $s := .Values.secrets -}}
{{- if $s.existingSecret -}}{{- toJson (dict "keys" $s.existingKeys) -}}
{{- else if $s.externalSecret.enabled -}}{{- toJson (dict "keys" (keys $s.externalSecret.data | sortAlpha)) -}}
{{- else -}}{{- toJson (dict "keys" (keys $s.create | sortAlpha)) -}}{{- end -}}
{{- end -}}

{{- define "gateway.validate.secrets" -}}
{{- $s := .Values.secrets -}}
{{- $sources := list -}}
{{- if $s.existingSecret -}}{{- $sources = append $sources "secrets.existingSecret" -}}{{- end -}}
{{- if $s.create -}}{{- $sources = append $sources "secrets.create" -}}{{- end -}}
{{- if $s.externalSecret.enabled -}}{{- $sources = append $sources "secrets.externalSecret" -}}{{- end -}}
{{- if gt (len $sources) 1 -}}
{{- fail (printf "%s: only one of them may be set" (join ", " $sources)) -}}
{{- end -}}
{{- if $s.externalSecret.enabled -}}
{{- if not (dig "name" "" $s.externalSecret.secretStoreRef) -}}{{- fail "secrets.externalSecret.secretStoreRef.name: is missing" -}}{{- end -}}
{{- if not $s.externalSecret.data -}}{{- fail "secrets.externalSecret.data: is empty, so the Secret would be" -}}{{- end -}}
{{- end -}}
{{- if and $s.existingSecret (not $s.existingKeys) -}}
{{- fail "secrets.existingKeys: is empty; name the keys of secrets.existingSecret, so that a wrong path is refused here" -}}
{{- end -}}
{{- $test := .Values.test.keySecret -}}
{{- range $where, $ref := dict "test" .Values.test.keySecret "postSync" .Values.postSync.keySecret -}}
{{- if and $ref (not (and $ref.name $ref.key)) -}}{{- fail (printf "%s.keySecret: needs name and key" $where) -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Every file and variable that `config` names is there in the container. */}}
{{- define "gateway.validate.files" -}}
{{- $root := . -}}
{{- $text := toYaml .Values.config -}}
{{- $keys := (include "gateway.secretKeys" . | fromJson).keys -}}
{{- $folders := list "/etc/ssl/certs" -}}
{{- range .Values.extraVolumeMounts -}}{{- $folders = append $folders .mountPath -}}{{- end -}}
{{- $paths := list -}}
{{- range regexFindAll "[a-z_]+_file: \\S+" $text -1 -}}{{- $paths = append $paths (regexReplaceAll "^[a-z_]+_file: ['\"]?([^'\"]*)['\"]?$" . "${1}") -}}{{- end -}}
{{- range regexFindAll "\\$\\{file:[^}]+\\}" $text -1 -}}{{- $paths = append $paths (regexReplaceAll "^..file:(.*).$" . "${1}") -}}{{- end -}}
{{- range $path := $paths -}}
{{- if hasPrefix (printf "%s/" $root.Values.secrets.mountPath) $path -}}
{{- $key := trimPrefix (printf "%s/" $root.Values.secrets.mountPath) $path -}}
{{- if not (has $key $keys) -}}
{{- fail (printf "config names %s, but the Secret has no key %s (it has: %s); see secrets" $path $key (join ", " $keys)) -}}
{{- end -}}
{{- else if hasPrefix "/run/tls/" $path -}}
{{- if not $root.Values.tlsSecret -}}{{- fail (printf "tlsSecret: is missing, and config names %s" $path) -}}{{- end -}}
{{- if not (has (trimPrefix "/run/tls/" $path) (list "tls.crt" "tls.key" "ca.crt")) -}}{{- fail (printf "config names %s; the Secret of tlsSecret has tls.crt, tls.key and ca.crt" $path) -}}{{- end -}}
{{- else if hasPrefix "/run/simulator/" $path -}}
{{- if not $root.Values.simulator.enabled -}}{{- fail (printf "simulator.enabled: is false, and config names %s" $path) -}}{{- end -}}
{{- if ne $path "/run/simulator/ca.crt" -}}{{- fail (printf "config names %s; only /run/simulator/ca.crt is there" $path) -}}{{- end -}}
{{- else -}}
{{- $found := false -}}
{{- range $folders -}}{{- if or (eq . $path) (hasPrefix (printf "%s/" .) $path) -}}{{- $found = true -}}{{- end -}}{{- end -}}
{{- if not $found -}}{{- fail (printf "config names %s, where nothing is mounted (secrets.mountPath is %s; see also extraVolumeMounts)" $path $root.Values.secrets.mountPath) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $variables := list -}}
{{- range .Values.extraEnv -}}{{- $variables = append $variables .name -}}{{- end -}}
{{- range regexFindAll "\\$\\{env:[^}]+\\}" $text -1 -}}
{{- $name := regexReplaceAll "^..env:(.*).$" . "${1}" -}}
{{- if not (has $name $variables) -}}{{- fail (printf "extraEnv: has no %s, which config names" $name) -}}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "gateway.validate.network" -}}
{{- $v := .Values -}}
{{- if $v.networkPolicy.enabled -}}
{{- $urls := dict -}}
{{- range $name, $account := $v.config.accounts -}}
{{- if $account.proxy -}}{{- $_ := set $urls (printf "config.accounts.%s.proxy" $name) $account.proxy -}}
{{- else -}}
{{- $_ := set $urls (printf "config.accounts.%s.base_url" $name) $account.base_url -}}
{{- with dig "token" "url" "" $account -}}{{- $_ := set $urls (printf "config.accounts.%s.token.url" $name) . -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if eq (include "gateway.store" .) "redis" -}}{{- $_ := set $urls "config.shared_state.redis.url" $v.config.shared_state.redis.url -}}{{- end -}}
{{- with dig "tracing" "endpoint" "" $v.config -}}{{- $_ := set $urls "config.tracing.endpoint" . -}}{{- end -}}
{{- range $path, $url := $urls -}}
{{- if not (include "gateway.hasHost" $url) -}}
{{- fail (printf "%s: the host in %s is not known when the chart is rendered, and the NetworkPolicy has to let it out; write host and port out, or set networkPolicy.enabled: false and bring a policy of your own" $path $url) -}}
{{- end -}}
{{- end -}}
{{- if and (eq (include "gateway.store" .) "redis") (not $v.networkPolicy.redis) -}}
{{- fail "networkPolicy.redis: is empty, so no pod could reach config.shared_state.redis; name peers" -}}
{{- end -}}
{{- if and (dig "tracing" "endpoint" "" $v.config) (not $v.networkPolicy.otlp) -}}
{{- fail "networkPolicy.otlp: is empty, so no pod could reach config.tracing.endpoint; name peers" -}}
{{- end -}}
{{- range $name, $account := $v.config.accounts -}}
{{- if and $account.proxy (not $v.networkPolicy.proxy) -}}
{{- fail (printf "networkPolicy.proxy: is empty, so no pod could reach config.accounts.%s.proxy; name peers" $name) -}}
{{- end -}}
{{- if and (eq $v.networkPolicy.podero "proxy") (not $account.proxy) (not (include "gateway.isSimulator" (list $ $account.base_url))) -}}
{{- fail (printf "config.accounts.%s.proxy: is missing, and networkPolicy.podero is proxy" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "gateway.validate.accounts" -}}
{{- $v := .Values -}}
{{- range $kind := list "accounts" "callers" -}}
{{- range $name, $one := default (dict) (get $v.config $kind) -}}
{{- range $member := list "language" "price_zone_default" -}}
{{- if kindIs "bool" (dig "defaults" $member "" $one) -}}
{{- fail (printf "config.%s.%s.defaults.%s: is a boolean, because Helm reads NO, no, on and off as such; write it in quotes" $kind $name $member) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $caller, $one := $v.config.callers -}}
{{- range $account := $one.accounts -}}
{{- if not (hasKey $v.config.accounts $account) -}}{{- fail (printf "config.callers.%s.accounts: there is no account %s" $caller $account) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $account := $v.config.accounts -}}
{{- if and $account.test_account (not (hasKey (default (dict) $v.config.test_accounts) $account.test_account)) -}}
{{- fail (printf "config.accounts.%s.test_account: there is no %s in config.test_accounts" $name $account.test_account) -}}
{{- end -}}
{{- end -}}
{{- if and $v.simulator.enabled (not $v.simulator.tlsSecret) -}}
{{- fail "simulator.tlsSecret: is missing; it holds tls.crt, tls.key and ca.crt for the simulator's Service" -}}
{{- end -}}
{{- if and $v.simulator.clientSecretKey (not (has $v.simulator.clientSecretKey (include "gateway.secretKeys" . | fromJson).keys)) -}}
{{- fail (printf "simulator.clientSecretKey: the Secret has no key %s" $v.simulator.clientSecretKey) -}}
{{- end -}}
{{- if and $v.test.account (not (hasKey $v.config.accounts $v.test.account)) -}}
{{- fail (printf "test.account: there is no account %s in config.accounts" $v.test.account) -}}
{{- end -}}
{{- end -}}

{{- define "gateway.validate.pod" -}}
{{- $v := .Values -}}
{{- if eq $v.image.tag "latest" -}}{{- fail "image.tag: latest names no version, so nobody could tell what runs or roll it back" -}}{{- end -}}
{{- range $label := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" -}}
{{- if or (hasKey $v.podLabels $label) (hasKey $v.commonLabels $label) -}}{{- fail (printf "podLabels, commonLabels: %s is what the Service selects by, and not to be changed" $label) -}}{{- end -}}
{{- end -}}
{{- $own := list "config" "secrets" "run" "tls" "simulator-ca" -}}
{{- $volumes := list -}}
{{- range $v.extraVolumes -}}
{{- if has .name $own -}}{{- fail (printf "extraVolumes: %s is a volume of the chart" .name) -}}{{- end -}}
{{- $volumes = append $volumes .name -}}
{{- end -}}
{{- range $v.extraVolumeMounts -}}
{{- if not (has .name $volumes) -}}{{- fail (printf "extraVolumeMounts: there is no volume %s in extraVolumes" .name) -}}{{- end -}}
{{- if and .subPath (eq $v.reload "watch") -}}{{- fail (printf "extraVolumeMounts: %s has a subPath, which is never updated; mount the directory, or set reload: roll" .name) -}}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "gateway.validate.metrics" -}}
{{- $m := .Values.metrics -}}
{{- $monitor := has $m.scrape (list "serviceMonitor" "podMonitor") -}}
{{- $tls := eq (include "gateway.adminScheme" .) "HTTPS" -}}
{{- if and $monitor $tls (not $m.tlsConfig) -}}
{{- fail "metrics.tlsConfig: is missing, and config.listeners.admin.tls is set: Prometheus asks for an address, which the certificate is not for; name ca and serverName" -}}
{{- end -}}
{{- if and $m.tlsConfig (not $tls) -}}
{{- fail "metrics.tlsConfig: is set, and config.listeners.admin.tls is not" -}}
{{- end -}}
{{- if and $m.tlsConfig (not $monitor) -}}
{{- fail (printf "metrics.tlsConfig: is for serviceMonitor and podMonitor; with metrics.scrape: %s it belongs into Prometheus' own configuration" $m.scrape) -}}
{{- end -}}
{{- range $file := list "caFile" "certFile" "keyFile" -}}
{{- if and (eq $m.scrape "podMonitor") (hasKey $m.tlsConfig $file) -}}
{{- fail (printf "metrics.tlsConfig.%s: a PodMonitor takes no files of Prometheus; name a Secret or a ConfigMap" $file) -}}
{{- end -}}
{{- end -}}
{{- end -}}
