"""Whether a build's Pod may be what its pipeline wants."""

from album_operator.domain.build_pod import PodRules
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

FIELD = "spec.build.pod"


def check_pod(release: Release, resolved: Resolved, rules: PodRules) -> Halt | None:
    """Refuse what no admin allows the Pods of builds: whoever can push a tag runs in them.

    Args:
        release: whose namespace counts.
        resolved: what it does.
        rules: the admin's, today.
    """
    refusals = [*rules.refusals(resolved.build.pod, release.ref.namespace)]
    if not refusals:
        return None
    wanted = join_words(f"{FIELD}.{each.field}: {each.word}" for each in refusals)
    needed = join_words(f"`{each.word}` in {each.setting}" for each in refusals)
    return Halt(
        Reason.POD_NOT_ALLOWED,
        f"AlbumPipeline {resolved.pipeline.name} sets {wanted}, which the operator's settings do "
        "not allow.",
        f"Take it out of the pipeline, or ask an admin for {needed} in the operator's settings",
    )
