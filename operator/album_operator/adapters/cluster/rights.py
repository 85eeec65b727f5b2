"""What a namespace needs to be served, asked before anything is watched there."""

import asyncio
from collections.abc import Mapping
from typing import Any

from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.refusals import Right
from album_operator.domain.errors import OutsideError

RELEASES = "album.dev"

KINDS = "/apis/album.dev/v1alpha1"

PLURALS = {"albumreleases": "AlbumReleases", "albumpipelines": "AlbumPipelines"}

RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"

NEEDED = (
    ("get", RELEASES, "albumreleases"),
    ("list", RELEASES, "albumreleases"),
    ("watch", RELEASES, "albumreleases"),
    ("patch", RELEASES, "albumreleases"),
    ("patch", RELEASES, "albumreleases/status"),
    ("get", RELEASES, "albumpipelines"),
    ("list", RELEASES, "albumpipelines"),
    ("watch", RELEASES, "albumpipelines"),
    ("patch", RELEASES, "albumpipelines/status"),
    ("get", "batch", "jobs"),
    ("list", "batch", "jobs"),
    ("watch", "batch", "jobs"),
    ("create", "batch", "jobs"),
    ("delete", "batch", "jobs"),
    ("list", "", "pods"),
    ("list", "", "events"),
    ("create", "", "events"),
    ("get", "", "secrets"),
)
"""Verb, API group and resource a served namespace must grant: manifests/namespace."""


ROLLBACKS = ("create", RELEASES, "albumreleases")
"""What `policy.rollback: Revert` needs; without it a failure is told and nothing more."""

RETENTION = ("delete", RELEASES, "albumreleases")
"""What `policy.history` needs; without it all finished releases stay."""


async def find_obstacle(cluster: Cluster, namespace: str) -> str | None:
    """Say why a namespace cannot be served; None where it can.

    Raises:
        TransientError: the API server cannot tell now.
    """
    missing = await find_missing(cluster, namespace)
    if missing:
        return f"may not {', '.join(missing)}"
    # Kopf looks once which kinds there are, and waits silently for one that comes later.
    kinds = (await cluster.get(KINDS)).get("resources") or ()
    known = {kind.get("name") for kind in kinds}
    lacking = [name for plural, name in PLURALS.items() if plural not in known]
    return f"the API server knows no {' and no '.join(lacking)}" if lacking else None


async def find_missing(cluster: Cluster, namespace: str) -> list[str]:
    """Give what is not allowed in a namespace, such as `create batch/jobs`; empty for all well.

    One review of the rules is enough where all is well, with dozens of namespaces looked at four
    times a minute; what it does not grant is asked for by itself, side by side after the first.
    """
    rules = await _read_rules(cluster, namespace)
    granted = rules.get("resourceRules") or ()
    unsure = [needed for needed in NEEDED if not any(_grants(rule, *needed) for rule in granted)]
    if not unsure:
        return []
    rights = [Right(namespace, *needed) for needed in unsure]
    # Alone: an API server that is away is asked once, and one "no" confirms complete rules.
    is_first_allowed = await cluster.is_allowed(rights[0])
    if not is_first_allowed and not rules.get("incomplete"):
        return [_words(*needed) for needed in unsure]
    others = await asyncio.gather(*map(cluster.is_allowed, rights[1:]))
    answers = zip(unsure, (is_first_allowed, *others), strict=True)
    return [_words(*needed) for needed, is_allowed in answers if not is_allowed]


def _words(verb: str, group: str, resource: str) -> str:
    return f"{verb} {group}/{resource}" if group else f"{verb} {resource}"


async def _read_rules(cluster: Cluster, namespace: str) -> Mapping[str, Any]:
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
    try:
        review = await cluster.create(RULES, {**kind, "spec": {"namespace": namespace}})
    except OutsideError:  # An API server that is away does not answer the next question either.
        return {"incomplete": True}
    rules: Mapping[str, Any] = review.get("status") or {}
    return rules


def _grants(rule: Mapping[str, Any], verb: str, group: str, resource: str) -> bool:
    """Tell whether a rule of RBAC grants something, not only for objects of some names.

    Wildcards as RBAC reads them (kubernetes `pkg/apis/rbac/v1/evaluation_helpers.go`): `*` is all,
    subresources too, and `*/status` that subresource of all.
    """
    _, slash, subresource = resource.partition("/")
    resources = {resource, "*", f"*/{subresource}"} if slash else {resource, "*"}
    return (
        not rule.get("resourceNames")
        and not {verb, "*"}.isdisjoint(rule.get("verbs") or ())
        and not {group, "*"}.isdisjoint(rule.get("apiGroups") or ())
        and not resources.isdisjoint(rule.get("resources") or ())
    )
