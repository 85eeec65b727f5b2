{{/* Name of all that is the operator's; guards and Lease know it by its ServiceAccount of this name. */}}
{{- define "album.name" -}}
{{ .Values.fullnameOverride | default "album-operator" }}
{{- end }}

{{- define "album.labels" -}}
app.kubernetes.io/name: album-operator
app.kubernetes.io/part-of: album-release-operator
{{- end }}

{{- define "album.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Annotations of what stays. Argo CD keeps the first when its Application goes, and prunes it when the chart no longer
has it (argo-cd#17819) without the second. */}}
{{- define "album.kept" -}}
helm.sh/resource-policy: keep
argocd.argoproj.io/sync-options: Prune=false
{{- end }}

{{/* Namespaces whose releases are served, by commas. */}}
{{- define "album.namespaces" -}}
{{- $names := list }}
{{- range .Values.namespaces }}{{ $names = append $names .name }}{{ end }}
{{- join "," $names }}
{{- end }}

{{/* A file of files/, which is as manifests/ have it, with the names of this release in it. */}}
{{- define "album.placed" -}}
{{- $name := printf "${1}%s" (include "album.name" .root) }}
{{- $text := .root.Files.Get .path }}
{{- $text = regexReplaceAll "(?m)^([ -]*(?:name|policyName): )album-operator" $text $name }}
{{- $text = regexReplaceAll "(?m)^( *resourceNames: \\[)album-operator" $text $name }}
{{- regexReplaceAll "(?m)^( *namespace: )album-system" $text (printf "${1}%s" .root.Release.Namespace) }}
{{- end }}

{{/* The rules of the Role that such a file begins with. */}}
{{- define "album.rules" -}}
{{- index (splitList "\n---\n" (.root.Files.Get .path)) 0 | splitList "\nrules:\n" | last }}
{{- end }}

{{/* A file of files/ with one object, in a namespace. */}}
{{- define "album.put" -}}
{{- include "album.placed" . | replace "\nmetadata:\n" (printf "\nmetadata:\n  namespace: %s\n" .namespace) }}
{{- end }}
