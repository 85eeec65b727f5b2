"""What of an Application's resources is not as it is to be, and what a sync could not do."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from album_operator.adapters.cluster.fields import read_flag, read_map, read_maps, read_text
from album_operator.domain.applications import ResourceSeen
from album_operator.domain.redaction import head

FAILED = frozenset({"Failed", "Error"})

MOST_RESOURCES = 100
"""Of an Application's resources, so many are told of that are not as they are to be."""


def read_resources(status: Mapping[str, Any]) -> tuple[ResourceSeen, ...]:
    """Give the resources that are not Synced and Healthy; of hooks only the operation tells."""
    return tuple(islice(_not_as_wished(status), MOST_RESOURCES))


def read_failures(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what a sync could not apply, and the hooks that failed."""
    return tuple(islice(_failures(result), MOST_RESOURCES))


def _not_as_wished(status: Mapping[str, Any]) -> Iterator[ResourceSeen]:
    for item in read_maps(status, "resources"):
        health, sync = read_map(item, "health"), read_text(item, "status")
        state = read_text(health, "status")
        if {sync, state} <= {"Synced", "Healthy", ""}:
            continue
        words, is_gone = head(read_text(health, "message"), 256), read_flag(item, "requiresPruning")
        yield ResourceSeen(_name_of(item), sync, is_gone, state, words)


def _failures(result: Mapping[str, Any]) -> Iterator[str]:
    for item in read_maps(result, "resources"):
        phase, hook = read_text(item, "hookPhase"), read_text(item, "hookType")
        if read_text(item, "status") == "SyncFailed" or (hook and phase in FAILED):
            what = f"{_name_of(item)}, a {hook} hook" if hook else _name_of(item)
            yield f"{what}: {head(read_text(item, 'message'), 256).rstrip('.')}"


def _name_of(item: Mapping[str, Any]) -> str:
    """Name a resource by its kind, namespace and name."""
    kind = "/".join(filter(None, (read_text(item, "group"), read_text(item, "kind"))))
    place = "/".join(filter(None, (read_text(item, "namespace"), read_text(item, "name"))))
    return f"{kind} {place}"
