"""Branches of releases that were left behind: which of them go."""

from datetime import datetime, timedelta
from enum import Enum, auto

from album_operator.decisions.take_back import give_title_back
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState
from album_operator.domain.release import OnDelete
from album_operator.domain.seen import BranchSeen

REOPENED_FOR = timedelta(days=1)
"""How long the branch of a closed pull request stays: without it forges may not reopen that."""


class Fate(Enum):
    """What becomes of a branch."""

    STAYS = auto()
    GOES = auto()
    TAKEN_BACK = auto()
    """With its pull request, as when its release was deleted, which nobody saw."""


def is_untouched(branch: BranchSeen, author: tuple[str, str]) -> bool:
    """Tell whether the head of a branch is as a pipeline's releases make it.

    Args:
        branch: the branch.
        author: name and address of the pipeline's commits.
    """
    return (branch.author_name, branch.author_email) == author and not branch.is_amended


def judge(
    commit: str,
    release: ReleaseSeen | None,
    pull_request: PullRequestSeen | None,
    now: datetime,
    on_delete: OnDelete = OnDelete.CANCEL,
) -> Fate:
    """Say what becomes of a branch that is certainly of a release.

    Args:
        commit: its head.
        release: that release; None where it is gone.
        pull_request: the one from the branch, open preferred, else the newest; None for none.
        now: the present time.
        on_delete: what becomes of the proposals of deleted releases.
    """
    is_open = pull_request is None or pull_request.state is PullRequestState.OPEN
    is_at_head = pull_request is None or pull_request.head_sha == commit
    if release is None and is_open and is_at_head:
        return Fate.TAKEN_BACK if on_delete is OnDelete.CANCEL else Fate.STAYS
    if release is None and pull_request is not None and give_title_back(pull_request):
        return Fate.TAKEN_BACK
    ended = release.ended if release is not None else None
    is_in_flight = release is not None and ended is None
    if is_in_flight or pull_request is None or pull_request.head_sha != commit:
        return Fate.STAYS
    is_old = ended is None or now - ended.at >= REOPENED_FOR
    is_over = pull_request.state is PullRequestState.MERGED or (
        pull_request.state is PullRequestState.CLOSED and is_old
    )
    return Fate.GOES if is_over else Fate.STAYS
