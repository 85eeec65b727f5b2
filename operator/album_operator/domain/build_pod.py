"""What a pipeline says of the Pods of its builds, and how much of it an admin allows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})


class TolerationOperator(StrEnum):
    """Whether a toleration is for one value of a taint or for all."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """What a taint does to Pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


@dataclass(frozen=True)
class Toleration:
    """A taint of nodes that builds may run on nevertheless (Kubernetes API, Toleration v1 core).

    Attributes:
        effect: of the taint; None for all.
        toleration_seconds: how long a Pod stays where the taint comes later; None for ever.
    """

    key: str
    operator: TolerationOperator = TolerationOperator.EQUAL
    value: str | None = None
    effect: TaintEffect | None = None
    toleration_seconds: int | None = None

    @property
    def taint(self) -> str:
        """The taint as people write it: `key=value`, or the key for all its values."""
        if self.operator is TolerationOperator.EXISTS:
            return self.key
        return f"{self.key}={self.value or ''}"


@dataclass(frozen=True)
class PullSecret:
    """A Secret the node pulls the images of the Pod's own containers with."""

    name: str


@dataclass(frozen=True)
class PodWish:
    """What a pipeline wants of the Pods its builds run in.

    Attributes:
        labels: beside the operator's own, which win.
        node_selector: labels that a node must have.
        service_account_name: whose identity the Pod has; None for the namespace's default.
    """

    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    annotations: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    node_selector: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    tolerations: tuple[Toleration, ...] = ()
    service_account_name: str | None = None
    priority_class_name: str | None = None
    image_pull_secrets: tuple[PullSecret, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A part of a wish that no setting allows.

    Attributes:
        field: its path in the pipeline.
        word: what is not allowed, as it would stand in the setting.
        setting: where an admin would allow it.
    """

    field: str
    word: str
    setting: str


@dataclass(frozen=True)
class PodRules:
    """How much an admin allows.

    Attributes:
        service_accounts: `name`, for all namespaces, or `namespace/name`.
        priority_classes: names.
        node_selectors: `key`, with any value, or `key=value`.
        tolerations: taints, likewise.
    """

    service_accounts: frozenset[str] = frozenset()
    priority_classes: frozenset[str] = frozenset()
    node_selectors: frozenset[str] = frozenset({"kubernetes.io/arch", "kubernetes.io/os"})
    tolerations: frozenset[str] = frozenset()

    def refusals(self, wish: PodWish, namespace: str) -> Iterator[Refusal]:
        """Give all that a pipeline of a namespace may not have."""
        account, priority = wish.service_account_name, wish.priority_class_name
        if account and not {account, f"{namespace}/{account}"} & self.service_accounts:
            yield Refusal("serviceAccountName", account, "ALBUM_BUILD_SERVICE_ACCOUNTS")
        if priority and priority not in self.priority_classes:
            yield Refusal("priorityClassName", priority, "ALBUM_BUILD_PRIORITY_CLASSES")
        for key, value in wish.node_selector.items():
            word = f"{key}={value}"
            if not {key, word} & self.node_selectors:
                yield Refusal("nodeSelector", word, "ALBUM_BUILD_NODE_SELECTORS")
        for index, toleration in enumerate(wish.tolerations):
            if not {toleration.key, toleration.taint} & self.tolerations:
                field = f"tolerations[{index}]"
                yield Refusal(field, toleration.taint, "ALBUM_BUILD_TOLERATIONS")


SAFE_RULES = PodRules()
"""What is allowed where no admin says anything: what chooses among nodes, and no more."""
