"""What a pipeline says of its builds' Pods, as Kubernetes has it."""

from collections.abc import Mapping
from typing import Any

from album_operator.domain.build_pod import PodWish, Toleration


def render_metadata(wish: PodWish, labels: Mapping[str, str]) -> dict[str, Any]:
    """Render the metadata of a Pod.

    Args:
        wish: the pipeline's.
        labels: the operator's own, which nobody can change.
    """
    annotations = {"annotations": dict(wish.annotations)} if wish.annotations else {}
    return {"labels": {**wish.labels, **labels}, **annotations}


def render_pod_spec(wish: PodWish) -> dict[str, Any]:
    """Render the fields of a Pod's spec that are wished for, and no others."""
    fields = {
        "nodeSelector": dict(wish.node_selector),
        "tolerations": [_render_toleration(each) for each in wish.tolerations],
        "serviceAccountName": wish.service_account_name,
        "priorityClassName": wish.priority_class_name,
        "imagePullSecrets": [{"name": secret.name} for secret in wish.image_pull_secrets],
    }
    return {name: value for name, value in fields.items() if value}


def _render_toleration(toleration: Toleration) -> dict[str, Any]:
    fields = {
        "key": toleration.key,
        "operator": str(toleration.operator),
        "value": toleration.value,
        "effect": toleration.effect and str(toleration.effect),
        "tolerationSeconds": toleration.toleration_seconds,
    }
    return {name: value for name, value in fields.items() if value is not None}
