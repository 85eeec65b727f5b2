"""The part of an AlbumPipeline that says what the Pods of its builds are like."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from album_operator.api.model import AtomicList, MapList, Model, Rule, obeys
from album_operator.api.predicates import Predicate, finds, matches
from album_operator.api.types import Name, ObjectName, SecretRef, Text

_NAME = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_KEY = f"([a-z0-9][a-z0-9.-]{{0,126}}/)?{_NAME}"

# Whose Pod it is: the operator's and the Job controller's word.
_OWN_LABELS = (
    r"^(([a-z0-9.-]+\.)?album\.dev|batch\.kubernetes\.io)/|^app\.kubernetes\.io/managed-by$"
    "|^(job-name|controller-uid)$"
)
# What gives a Pod, or a container that is put into it, more than its spec says, past Pod Security:
# AppArmor, seccomp and sysctls of old; runtimes and devices; further networks and addresses; what
# the sidecar is made of.
_POWERS = (
    r"^(([a-z0-9.-]+\.)?album\.dev|([a-z0-9.-]*\.)?security\.(alpha|beta)\.kubernetes\.io|"
    r"(batch\.)?kubernetes\.io|([a-z0-9.-]+\.)?openshift\.io|([a-z0-9.-]+\.)?cri-o\.io|"
    r"cdi\.k8s\.io|([a-z0-9.-]+\.)?nri\.io|k8s\.v1\.cni\.cncf\.io|([a-z0-9.-]+\.)?multus-cni\.io|"
    r"cni\.projectcalico\.org|k8s\.ovn\.org|ovn\.kubernetes\.io|(inject|proxy)\.istio\.io)/"
    r"|^io\.(kubernetes\.cri-o|containerd|katacontainers)\.|^dev\.gvisor\."
    r"|^sidecar\.istio\.io/(userVolume|userVolumeMount|proxyImage|bootstrapOverride)$"
)


class _EveryKey:
    """A rule on each key of an object."""

    def __init__(self, predicate: Predicate, message: str) -> None:
        self._predicate = predicate
        cel = re.sub(r"\bself\b", "key", predicate.cel)
        self._rule = Rule(f"self.all(key, {cel})", message)

    def check(self, value: Mapping[str, object]) -> None:
        """Refuse an object one of whose keys the rule does not let through."""
        if not all(map(self._predicate.holds, value)):
            raise ValueError(self._rule.message)

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the rule to the schema of the annotated object."""
        return self._rule.__get_pydantic_json_schema__(core_schema, handler)


def _keys(what: str, example: str) -> _EveryKey:
    return _EveryKey(
        matches(_KEY),
        f"each key must be the name of {what}, such as {example}: letters, digits, '-', '_' and "
        "'.', at most 63 characters, with at most one prefix before a '/', which is a domain in "
        "lower case.",
    )


LABEL_KEYS = _keys("a label", "example.org/team")
_NO_OWN_LABELS = _EveryKey(
    ~finds(_OWN_LABELS),
    "labels by which the operator and Kubernetes know the Pods of builds (album.dev/…, "
    "batch.kubernetes.io/…, app.kubernetes.io/managed-by, job-name, controller-uid) cannot be set: "
    "choose another name.",
)
_ANNOTATION_KEYS = _keys("an annotation", "sidecar.istio.io/inject")
_NO_POWERS = _EveryKey(
    ~finds(_POWERS),
    "annotations that give a Pod more than its spec says (album.dev/…, kubernetes.io/…, those of "
    "AppArmor, seccomp, container runtimes, devices, further networks, and of what a sidecar is "
    "made of) cannot be set for builds: leave them out.",
)

LabelValue = Annotated[
    str,
    Field(max_length=63),
    Rule(
        matches(f"({_NAME})?"),
        "a label's value must be letters, digits, '-', '_' and '.', beginning and ending with a "
        "letter or digit, or empty.",
    ),
]
AnnotationValue = Annotated[
    str,
    Field(max_length=256),
    Rule(
        ~finds(r"[\x00-\x1f\x7f]"),
        "an annotation's value must be one line without control characters.",
    ),
]
TaintKey = Annotated[
    str,
    Field(max_length=191),
    Rule(
        matches(_KEY),
        "key must be the key of a taint, such as dedicated or example.org/builds; one that "
        "tolerates every taint is not possible.",
    ),
]

Labels = Annotated[dict[str, LabelValue], Field(max_length=16), LABEL_KEYS, _NO_OWN_LABELS]
Annotations = Annotated[
    dict[str, AnnotationValue], Field(max_length=16), _ANNOTATION_KEYS, _NO_POWERS
]
NodeSelector = Annotated[dict[str, LabelValue], Field(max_length=16), LABEL_KEYS]

TolerationOperator = Literal["Equal", "Exists"]
TaintEffect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
TolerationSeconds = Annotated[int, Field(ge=0, le=86400)]


class Toleration(Model):
    """A taint of nodes that builds may run on nevertheless."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.operator != 'Exists' || !has(self.value) || self.value == ''",
            "operator Exists tolerates all values: leave value out, or set operator: Equal.",
            ".value",
        ),
        Rule(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "tolerationSeconds has a meaning with effect: NoExecute only.",
            ".tolerationSeconds",
        ),
    )

    key: TaintKey = Field(description="Key of the taint.")
    operator: TolerationOperator = Field(
        "Equal", description="Equal (default) for one value of the taint, Exists for all."
    )
    value: LabelValue | None = Field(None, description="Value of the taint.")
    effect: TaintEffect | None = Field(None, description="Effect of the taint; all by default.")
    toleration_seconds: TolerationSeconds | None = Field(
        None, description="How long the Pod stays once the node gets the taint; for ever if unset."
    )


class BuildPod(Model):
    """What the Pods of builds are like; an admin's settings say how much of it is allowed."""

    labels: Labels | None = Field(None, description="Labels, beside the operator's own.")
    annotations: Annotations | None = Field(
        None, description='Annotations, such as sidecar.istio.io/inject: "false".'
    )
    node_selector: NodeSelector | None = Field(
        None,
        description=(
            "Labels a node must have. kubernetes.io/arch and kubernetes.io/os, and what an admin "
            "names in ALBUM_BUILD_NODE_SELECTORS."
        ),
    )
    tolerations: Annotated[list[Toleration], AtomicList()] = Field(
        default_factory=list,
        max_length=16,
        description="Taints to tolerate; those an admin names in ALBUM_BUILD_TOLERATIONS.",
    )
    service_account_name: ObjectName | None = Field(
        None,
        description=(
            "ServiceAccount whose cloud identity the Pod has; no token for the API server is "
            "mounted. One of those an admin names in ALBUM_BUILD_SERVICE_ACCOUNTS: whoever can "
            "push a tag to the source repository acts as it."
        ),
    )
    priority_class_name: ObjectName | None = Field(
        None, description="One of those an admin names in ALBUM_BUILD_PRIORITY_CLASSES."
    )
    image_pull_secrets: Annotated[list[SecretRef], MapList("name")] = Field(
        default_factory=list,
        max_length=8,
        description=(
            "Secrets the node pulls the images of operator and builder with. Base images are "
            "pulled with pushSecretRef."
        ),
    )


_LabelText = Annotated[Text, obeys(LabelValue)]
_Object = Annotated[Name, obeys(ObjectName)]


class ResolvedToleration(Model):
    """A taint that the Pod tolerates."""

    key: Annotated[Text, obeys(TaintKey)] = Field(description="Key of the taint.")
    operator: TolerationOperator = Field(description="Equal for one value, Exists for all.")
    value: _LabelText | None = Field(None, description="Its value.")
    effect: TaintEffect | None = Field(None, description="Its effect.")
    toleration_seconds: TolerationSeconds | None = Field(
        None, description="How long the Pod stays once the node gets the taint."
    )


class ResolvedPullSecret(Model):
    """A Secret images are pulled with."""

    name: _Object = Field(description="Its name.")


class ResolvedBuildPod(Model):
    """What the build's Pod is like."""

    labels: Annotated[dict[str, _LabelText], Field(max_length=16), obeys(Labels)] | None = Field(
        None, description="Its labels."
    )
    annotations: (
        Annotated[
            dict[str, Annotated[Text, obeys(AnnotationValue)]],
            Field(max_length=16),
            obeys(Annotations),
        ]
        | None
    ) = Field(None, description="Its annotations.")
    node_selector: (
        Annotated[dict[str, _LabelText], Field(max_length=16), obeys(NodeSelector)] | None
    ) = Field(None, description="Labels its node must have.")
    tolerations: Annotated[list[ResolvedToleration], AtomicList()] = Field(
        default_factory=list, max_length=16, description="Taints it tolerates."
    )
    service_account_name: _Object | None = Field(None, description="Whose identity it has.")
    priority_class_name: _Object | None = Field(None, description="Its priority.")
    image_pull_secrets: Annotated[list[ResolvedPullSecret], MapList("name")] = Field(
        default_factory=list, max_length=8, description="Secrets its images are pulled with."
    )
