"""What a generated config repository looks like: its folders, its files, and what is in them."""

import hashlib
import re
from dataclasses import dataclass
from itertools import count

MANIFESTS = (
    "alerts", "certificate", "configmap", "cronjob", "dashboard", "deployment", "gateway", "hpa",
    "ingress", "limits", "networkpolicy", "pdb", "quota", "rbac", "route", "secretstore",
    "service", "serviceaccount",
)  # fmt: skip

FILES_PER_APP = len(MANIFESTS) + 2
"""The manifests, `Chart.yaml` and `values.yaml`."""

KEY = "image.tag"
"""What a release sets."""

FIRST_VERSION = "v1.0.0"

RELEASED = re.compile(rb'^(  tag: )"[^"\n]*"(?=   # set by releases$)', re.MULTILINE)
"""The one value a release sets, as it stands in a generated `values.yaml`."""

REPLICAS = re.compile(rb"^replicaCount: ([0-9]+)$", re.MULTILINE)
"""What other writers change."""

VALUES = """\
# Values of {name}. A release changes one line: image.tag.
replicaCount: {replicas}

image:
  repository: registry.example.org/{team}/{name}
  pullPolicy: IfNotPresent
  # Always quoted: an unquoted 1.10 would be the number 1.1.
  tag: "{version}"   # set by releases

# Prometheus exporter beside the app; off, like debug below.
metrics:
  enabled: false
  image:
    repository: registry.example.org/mirror/statsd-exporter
    tag: "v0.28.0"
  port: 9102

# A shell in the Pod, for a look around.
debug:
  enabled: false
  image:
    repository: registry.example.org/mirror/busybox
    tag: 1.37.0

service:\x20
  type: ClusterIP
  port: 8080

env:
  - name: LOG_LEVEL
    value: 'info'
  - name: FEATURES
    value: "on"   # a text, not a truth
  - {{name: ORIGIN, value: https://{name}.example.org}}
  - name: CHECKSUM
    value: {digest}

ingress:
  enabled: true
  hosts:
  - host: {name}.example.org
    paths: ["/", "/api"]

resources:
  requests: {{cpu: 10m, memory: 16Mi}}
  limits: {{memory: 64Mi}}
"""

CHART = """\
apiVersion: v2
name: {name}
description: {name} of {team}
version: 0.1.0
appVersion: "{version}"
"""

MANIFEST = """\
# {kind} of {name}; generated.
apiVersion: example.org/v1
kind: {kind}
metadata:
  name: {name}-{kind}
  namespace: {team}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/part-of: {team}
    app.kubernetes.io/managed-by: argocd
  annotations:
    checksum/config: {digest}
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  settings:
    first: {digest}
    second: {other}
    interval: 30s
    timeout: 5s
"""


@dataclass(frozen=True)
class Layout:
    """A repository of apps in folders of teams in folders of areas.

    No folder has more than `fan_out` others, whatever the size: git stores a folder as one list,
    and who reads a path must read the list of each folder on it.

    Attributes:
        files: how many there are; a multiple of `FILES_PER_APP`.
    """

    files: int

    @property
    def apps(self) -> int:
        """How many apps there are, numbered from 0."""
        return self.files // FILES_PER_APP

    @property
    def fan_out(self) -> int:
        """Areas, teams of an area, and apps of a team, at most."""
        return next(number for number in count(1) if number**3 >= self.apps)

    def app_name(self, app: int) -> str:
        """Name an app."""
        return f"app-{app:05d}"

    def folder(self, app: int) -> str:
        """Give the folder of an app."""
        return f"area-{app // self.fan_out**2:02d}/{self._team(app)}/{self.app_name(app)}"

    def values_path(self, app: int) -> str:
        """Give the path of an app's values file."""
        return f"{self.folder(app)}/values.yaml"

    def files_of(self, app: int) -> dict[str, bytes]:
        """Give all files of an app by path."""
        folder, name, team = self.folder(app), self.app_name(app), self._team(app)
        texts = {
            f"{folder}/Chart.yaml": CHART.format(name=name, team=team, version=FIRST_VERSION),
            self.values_path(app): VALUES.format(
                name=name,
                team=team,
                version=FIRST_VERSION,
                replicas=1 + app % 3,
                digest=_digest(name),
            ),
        }
        for kind in MANIFESTS:
            texts[f"{folder}/{kind}.yaml"] = MANIFEST.format(
                kind=kind,
                name=name,
                team=team,
                digest=_digest(name, kind),
                other=_digest(kind, name),
            )
        return {path: text.encode() for path, text in texts.items()}

    def _team(self, app: int) -> str:
        return f"team-{app // self.fan_out:03d}"


def released(values: bytes, version: str) -> bytes:
    """Give what a release must make of a generated values file, found without a YAML parser."""
    new, replaced = RELEASED.subn(rb'\1"%s"' % version.encode(), values)
    if replaced != 1:
        raise ValueError(f"A generated values file has {replaced} lines that releases set, not 1.")
    return new


def scaled(values: bytes) -> bytes:
    """Give a values file with one replica more: what another writer does to it."""
    return REPLICAS.sub(lambda found: b"replicaCount: %d" % (int(found[1]) + 1), values, count=1)


def _digest(*words: str) -> str:
    return hashlib.sha256("/".join(words).encode()).hexdigest()
