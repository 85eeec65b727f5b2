"""Whether a pipeline may build with BuildKit, and what a node lacks that does not let it run."""

import re

from album_operator.domain.builds import BuildKitMode
from album_operator.domain.reasons import Reason
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

REFUSAL = re.compile(r"refused: (?P<word>[a-zA-Z]{1,20})")
"""What our script around BuildKit leaves where it does not begin (`render/buildkit_modes`)."""

LACKS = {
    "hostUsers": (
        "its Pod has no user namespace of its own, because the API server or the kubelet does not "
        "know `hostUsers: false`",
        "for Kubernetes 1.33 or later and a container runtime that knows user namespaces, or for "
        "ALBUM_BUILDKIT_MODE=Rootless",
    ),
    "mounts": (
        "its Pod may not mount, because of an AppArmor, SELinux or seccomp profile or a masked "
        "/proc, which the container's log tells more of",
        "for nodes that allow it, or for another ALBUM_BUILDKIT_MODE",
    ),
    "image": (
        "its image lacks rootlesskit, newuidmap or newgidmap",
        "for an image in ALBUM_BUILDKIT_IMAGE whose tag ends with -rootless, or none there",
    ),
    "namespaces": (
        "its user, who is not root, may make no user namespace on the node, which the container's "
        "log tells more of",
        "for nodes that allow it (sysctl user.max_user_namespaces above 0, "
        "kernel.apparmor_restrict_unprivileged_userns=0; no policy that takes privilege escalation "
        "or the capabilities SETUID and SETGID from the Pod), or for "
        "ALBUM_BUILDKIT_MODE=UserNamespace",
    ),
}
"""By the script's word: what is so, and what to ask an admin for."""


def check_engine(resolved: Resolved, buildkit: BuildKitMode | None) -> Halt | None:
    """Refuse a builder that the admin has nobody use.

    Args:
        resolved: what the release does.
        buildkit: how BuildKit runs; None where no pipeline may build with it.
    """
    if buildkit is not None or resolved.build.type is not BuildType.BUILDKIT:
        return None
    return Halt(
        Reason.ENGINE_NOT_ALLOWED,
        f"AlbumPipeline {resolved.pipeline.name} builds with {resolved.build.type}, whose Pod "
        "would be privileged, and this operator runs no privileged builds.",
        "Set spec.build.type: Kaniko in the pipeline, or ask an admin for "
        "ALBUM_BUILDKIT_MODE=UserNamespace or Rootless in the operator's settings, or for "
        "ALBUM_ALLOW_PRIVILEGED_BUILDS=true",
    )


def find_refusal(resolved: Resolved, said: str) -> Halt | None:
    """Say what a node lacks, if that is what our script around BuildKit has left.

    Args:
        resolved: what the release does.
        said: the termination message of the container that builds.
    """
    found = REFUSAL.fullmatch(said)
    lack = LACKS.get(found["word"]) if found else None
    # With kaniko, any step of a Dockerfile can write there.
    if lack is None or resolved.build.type is not BuildType.BUILDKIT:
        return None
    what, wanted = lack
    return Halt(
        Reason.NODE_UNSUITABLE,
        f"BuildKit did not begin: {what}.",
        f"Ask an admin {wanted}; or set spec.build.type: Kaniko in the pipeline",
    )


def say_namespace(resolved: Resolved, buildkit: BuildKitMode | None) -> str:
    """Say what a node may be unable to give a Pod of BuildKit, beside what it says itself."""
    is_own = buildkit is BuildKitMode.USER_NAMESPACE
    if not is_own or resolved.build.type is not BuildType.BUILDKIT:
        return ""
    return (
        " BuildKit's Pods have a user namespace of their own: if the node cannot give them that, "
        "ask an admin for ALBUM_BUILDKIT_MODE=Rootless, or set spec.build.type: Kaniko in the "
        "pipeline."
    )
