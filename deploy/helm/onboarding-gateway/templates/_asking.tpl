{{/* (list ROOT IMAGE KEY_SECRET NAME COMMAND): the pod spec of something that asks the gateway once, with sh and curl. */}}
{{- define "gateway.askingPod" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}{{- $key := index . 2 -}}
serviceAccountName: {{ include "gateway.serviceAccountName" $root }}
automountServiceAccountToken: false
enableServiceLinks: false
restartPolicy: Never
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "gateway.podSecurityContext" $root | nindent 2 }}
containers:
  - name: {{ index . 3 }}
    image: {{ include "gateway.image" (list $root $image) | quote }}
    imagePullPolicy: {{ $image.pullPolicy }}
    command: [sh, -euc]
    args:
      - |
        {{- index . 4 | nindent 8 }}
    env:
      - name: GATEWAY
        value: {{ include "gateway.apiScheme" $root }}://{{ include "gateway.askedName" $root }}:{{ int $root.Values.service.port }}
      {{- if $key }}
      - name: GATEWAY_KEY
        valueFrom:
          secretKeyRef:
            name: {{ $key.name }}
            key: {{ $key.key }}
      {{- end }}
    {{- if include "gateway.askingCa" $root }}
    volumeMounts:
      - { name: authority, mountPath: /run/authority, readOnly: true }
    {{- end }}
    securityContext:
      {{- include "gateway.securityContext" $root | nindent 6 }}
    resources:
      requests: { cpu: 10m, memory: 16Mi }
      limits: { memory: 64Mi }
{{- if include "gateway.askingCa" $root }}
volumes:
  - name: authority
    secret:
      secretName: {{ $root.Values.tlsSecret }}
      # Not the private key.
      items: [{ key: {{ $root.Values.tlsCaKey }}, path: ca.crt }]
{{- end }}
{{- end -}}

{{/* The name that is asked for: the one in the listener's certificate. */}}
{{- define "gateway.askedName" -}}
{{- if and (eq (include "gateway.apiScheme" .) "https") .Values.tlsServerName }}{{ .Values.tlsServerName }}{{ else }}{{ include "gateway.fullname" . }}{{ end -}}
{{- end -}}

{{/* Not empty: the listener's certificate is verified by an authority of the cluster. */}}
{{- define "gateway.askingCa" -}}
{{- if and (eq (include "gateway.apiScheme" .) "https") .Values.tlsSecret .Values.tlsCaKey }}yes{{ end -}}
{{- end -}}

{{/* Asks without showing the key to others: curl reads the header from its standard input. */}}
{{- define "gateway.ask" -}}
ask() {
  if [ -n "${GATEWAY_KEY:-}" ]; then printf 'header = "Authorization: Bearer %s"\n' "$GATEWAY_KEY"; fi |
    curl --config - --silent --show-error --max-time 60
    {{- if include "gateway.askingCa" . }} --cacert /run/authority/ca.crt{{ end }}
    {{- if ne (include "gateway.askedName" .) (include "gateway.fullname" .) }} --connect-to ::{{ include "gateway.fullname" . }}:{{ end }} "$@"
}
{{- end -}}
