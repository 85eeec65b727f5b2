"""What the operator's ServiceAccount may do, asked before anything is watched."""

from album_operator.adapters.cluster import Cluster
from album_operator.adapters.cluster_refusals import Right

RELEASES = "album.dev"

NEEDED = (
    ("get", RELEASES, "albumreleases"),
    ("list", RELEASES, "albumreleases"),
    ("watch", RELEASES, "albumreleases"),
    ("patch", RELEASES, "albumreleases"),
    ("patch", RELEASES, "albumreleases/status"),
    ("get", RELEASES, "albumpipelines"),
    ("get", "batch", "jobs"),
    ("list", "batch", "jobs"),
    ("watch", "batch", "jobs"),
    ("create", "batch", "jobs"),
    ("list", "", "pods"),
    ("get", "", "secrets"),
    ("create", "events.k8s.io", "events"),
)
"""Verb, API group and resource a served namespace must grant: manifests/namespace."""


async def find_missing(cluster: Cluster, namespace: str) -> list[str]:
    """Give what is not allowed in a namespace, such as `create batch/jobs`; empty for all well."""
    return [
        f"{verb} {group}/{resource}".replace(" /", " ")
        for verb, group, resource in NEEDED
        if not await cluster.is_allowed(Right(namespace, verb, group, resource))
    ]
