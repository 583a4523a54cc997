{{- define "trireme.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 46 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 46 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "trireme.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "trireme.labels" -}}
{{ include "trireme.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "trireme.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* Headless: a name for each master, in DNS before it is ready. */}}
{{- define "trireme.peers" -}}
{{ include "trireme.fullname" . }}-peers
{{- end -}}

{{/* <pod>.<this> is a master's own name. */}}
{{- define "trireme.peerDomain" -}}
{{ include "trireme.peers" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end -}}

{{- define "trireme.url" -}}
{{- if .Values.externalUrl -}}
{{ .Values.externalUrl }}
{{- else -}}
https://{{ include "trireme.fullname" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:{{ .Values.service.port }}
{{- end -}}
{{- end -}}

{{- define "trireme.pkiSecret" -}}
{{ .Values.pki.existingSecret | default (printf "%s-pki" (include "trireme.fullname" .)) }}
{{- end -}}

{{/* Names of the masters, with commas between them. */}}
{{- define "trireme.masters" -}}
{{- $names := list -}}
{{- range $i := until (int .Values.replicas) -}}
{{- $names = append $names (printf "%s-%d" (include "trireme.fullname" $) $i) -}}
{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{/* Every name that a certificate must speak for, with commas between them. */}}
{{- define "trireme.hosts" -}}
{{- $service := printf "%s.%s" (include "trireme.fullname" .) .Release.Namespace -}}
{{- $hosts := list (include "trireme.fullname" .) $service (printf "%s.svc" $service) (printf "%s.svc.%s" $service .Values.clusterDomain) -}}
{{- range splitList "," (include "trireme.masters" .) -}}
{{- $hosts = append $hosts (printf "%s.%s" . (include "trireme.peerDomain" $)) -}}
{{- end -}}
{{- if .Values.externalUrl -}}
{{- $hosts = append $hosts (urlParse .Values.externalUrl).hostname -}}
{{- end -}}
{{- join "," (concat $hosts .Values.extraHosts | uniq) -}}
{{- end -}}

{{/* The first address of the new cluster's Service range, which its kubernetes Service takes. */}}
{{- define "trireme.serviceAddress" -}}
{{- $octets := splitList "." (index (splitList "/" .Values.serviceClusterIpRange) 0) -}}
{{- printf "%s.%s.%s.%d" (index $octets 0) (index $octets 1) (index $octets 2) (add1 (index $octets 3)) -}}
{{- end -}}

{{/* config.json of every master: who it is stands in its environment. */}}
{{- define "trireme.config" -}}
{{- $members := list -}}
{{- range $i, $name := splitList "," (include "trireme.masters" .) -}}
{{- $members = append $members (dict "id" (add1 $i) "name" $name "host" (printf "%s.%s" $name (include "trireme.peerDomain" $)) "port" 2380) -}}
{{- end -}}
{{- $config := dict
  "clusterName" (include "trireme.fullname" .)
  "clusterId" (.Values.clusterId | default (printf "%s-%s" .Release.Namespace (include "trireme.fullname" .)))
  "members" $members
  "dataDir" "/var/lib/trireme/data"
  "pkiDir" "/etc/trireme/pki"
  "externalUrl" (include "trireme.url" .)
  "serviceClusterIpRange" .Values.serviceClusterIpRange -}}
{{- with .Values.eventsStore -}}
{{- if and .url .existingSecret }}{{ fail "eventsStore has both url and existingSecret: leave one of them out" }}{{ end -}}
{{- if and .caSecret (not .url) (not .existingSecret) }}{{ fail "eventsStore.caSecret needs eventsStore.url or .existingSecret" }}{{ end -}}
{{- if .url }}{{ $_ := set $config "eventsStore" .url }}{{ end -}}
{{- if .caSecret }}{{ $_ := set $config "eventsStoreCaFile" "/etc/trireme/events-store/ca.crt" }}{{ end -}}
{{- end -}}
{{- toPrettyJson (mustMergeOverwrite $config .Values.config) -}}
{{- end -}}

{{/* The files of a master's pki directory: a Secret's keys hold no slash. */}}
{{- define "trireme.pkiVolume" -}}
name: pki
secret:
  secretName: {{ include "trireme.pkiSecret" . }}
  # 0440: the group that fsGroup gives
  defaultMode: 288
  items:
    {{- range list "ca" "peer-ca" "front-proxy-ca" "admin" "controller-manager" "scheduler" "apiserver-kubelet-client" "front-proxy-client" "monitoring" }}
    - { key: {{ . }}.crt, path: {{ . }}.crt }
    - { key: {{ . }}.key, path: {{ . }}.key }
    {{- end }}
    - { key: sa.key, path: sa.key }
    - { key: sa.pub, path: sa.pub }
    {{- range $name := splitList "," (include "trireme.masters" .) }}
    {{- range list "apiserver" "peer" }}
    - { key: masters.{{ $name }}.{{ . }}.crt, path: masters/{{ $name }}/{{ . }}.crt }
    - { key: masters.{{ $name }}.{{ . }}.key, path: masters/{{ $name }}/{{ . }}.key }
    {{- end }}
    {{- end }}
{{- end -}}

{{- define "trireme.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "trireme.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "trireme.smallResources" -}}
requests:
  cpu: 50m
  memory: 96Mi
limits:
  memory: 256Mi
{{- end -}}
