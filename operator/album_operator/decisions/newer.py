"""A wish that this version of the operator does not know whole: nothing is done by halves."""

from datetime import timedelta

from album_operator.domain.errors import TransientError
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Release

LOOK_AGAIN = timedelta(hours=1)
"""Nothing but an edit or another operator changes it, and both begin a pass by themselves."""


def find_unknown(*wishes: Release | Pipeline | None) -> TransientError | None:
    """Say which field of a wish is a newer version's; None where all is known.

    Args:
        wishes: what is read; None for one that is gone.
    """
    for wish in wishes:
        if wish is not None and wish.newer:
            kind = "AlbumRelease" if isinstance(wish, Release) else "AlbumPipeline"
            return TransientError(
                Reason.OPERATOR_TOO_OLD,
                f"{wish.newer} of {kind} {wish.ref.name}, or what it holds, is unknown to this "
                "version of the operator. The installed CRD has it, so a newer version knows it: "
                "run that one, or take the field away.",
            )
    return None
