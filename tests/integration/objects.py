"""Objects of the tests: the smallest ones users write, and ways to change them."""

import copy
from typing import Any

REMOVED = object()
"""Marks a field to be taken away."""

API_VERSION = "album.dev/v1alpha1"
REPOSITORY = "https://git.example.org/owner/album-app"

Raw = dict[str, Any]


def release(name: str = "backend-v1.1.0", **spec: object) -> Raw:
    """Give the release users write, with `spec` in place of the tag where it is given."""
    return {
        "apiVersion": API_VERSION,
        "kind": "AlbumRelease",
        "metadata": {"name": name},
        "spec": {"pipelineRef": {"name": "album-app"}, **(spec or {"tag": "backend-v1.1.0"})},
    }


def pipeline(name: str = "album-app") -> Raw:
    """Give the pipeline users write."""
    return {
        "apiVersion": API_VERSION,
        "kind": "AlbumPipeline",
        "metadata": {"name": name},
        "spec": {
            "source": {"repository": REPOSITORY},
            "apps": [{"name": "backend"}, {"name": "frontend"}],
        },
    }


def changed(raw: Raw, path: str, value: object) -> Raw:
    """Give a copy with one field set or removed.

    Args:
        raw: the object.
        path: such as `spec.apps[0].image`; missing objects on the way are made.
        value: the value, or `REMOVED`.
    """
    result = copy.deepcopy(raw)
    *way, last = path.replace("[", ".").replace("]", "").split(".")
    place: Any = result
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    if value is REMOVED:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return result


def collection(raw: Raw, namespace: str) -> str:
    """Give the path of the collection an object belongs to."""
    plural = f"{raw['kind'].lower()}s"
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}"
