"""What a build's containers may use: the pipeline's word, and an admin's where it says nothing."""

from collections.abc import Mapping

from album_operator.domain.quantities import amount_of
from album_operator.domain.release import Resources

DISK = "ephemeral-storage"

BUILD = Resources(
    requests={"cpu": "100m", "memory": "256Mi", DISK: "1Gi"},
    limits={"cpu": "4", "memory": "4Gi", DISK: "20Gi"},
)
"""Of the container that builds, where neither a pipeline nor a setting says another thing."""

FETCH = Resources(requests={"cpu": "100m", "memory": "128Mi"}, limits={"cpu": "1", "memory": "1Gi"})
"""Of the container that fetches the source; its disk is the builder's."""


def complete(own: Resources, defaults: Resources) -> Resources:
    """Add to a container's resources what it lacks, so that it is bounded and can be scheduled.

    What `own` says stays as it is. A limit without a request stays alone too: Kubernetes then takes
    the limit for the request. A default is moved where it would contradict: a limit is at least the
    request, a request at most the limit.
    """
    requests, limits = dict(own.requests), dict(own.limits)
    for name, limit in defaults.limits.items():
        if name not in own.limits:
            limits[name] = max(limit, requests.get(name, limit), key=amount_of)
    for name, request in defaults.requests.items():
        if name not in own.requests and name not in own.limits:
            requests[name] = min(request, limits.get(name, request), key=amount_of)
    return Resources(requests, limits)


def render_resources(resources: Resources) -> dict[str, dict[str, str]]:
    """Render `resources` of a container."""
    parts: dict[str, Mapping[str, str]] = {
        "requests": resources.requests,
        "limits": resources.limits,
    }
    return {name: dict(quantities) for name, quantities in parts.items() if quantities}
