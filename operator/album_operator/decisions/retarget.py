"""A pull request that does not propose our change to our base: somebody set another branch."""

import re

from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, DisarmPullRequest, Halt


def is_elsewhere(resolved: Resolved, seen: PullRequestSeen) -> bool:
    """Tell whether a pull request goes or went into another branch than its change was made for.

    One that was closed goes nowhere, and is a "no" whatever its base is.
    """
    is_closed = seen.state is PullRequestState.CLOSED
    return not is_closed and seen.base != resolved.config.base_branch


def is_strange(record: Record, resolved: Resolved, seen: PullRequestSeen) -> bool:
    """Tell whether its number stands for somebody else's pull request: other branch and commit.

    Numbers begin anew where a repository was deleted and made again.
    """
    ours = record.proposal.commit if record.proposal is not None else None
    return seen.head != resolved.config.branch and seen.head_sha != ours


def describe(resolved: Resolved, seen: PullRequestSeen) -> str:
    """Say where an open pull request goes, and what a person can do about it."""
    base, other = resolved.config.base_branch, _shown(seen.base)
    return (
        f"goes into {other} by now and not into {base}, so it is not merged for this release; set "
        f"its base back to {base}, or, to propose the change to {base} anew, {SET_RETRY}"
    )


def disarm(resolved: Resolved, seen: PullRequestSeen) -> Act[DisarmPullRequest]:
    """Keep the forge from merging into the other branch what it was told to merge into ours."""
    return Act(
        DisarmPullRequest(seen.number),
        Reason.BASE_CHANGED,
        f"Pull request #{seen.number} goes into {_shown(seen.base)} by now and not into "
        f"{resolved.config.base_branch}; taking the automatic merge back.",
    )


def merged_elsewhere(resolved: Resolved, seen: PullRequestSeen) -> Halt:
    """Say where a merge went that is none for this release."""
    base, other = resolved.config.base_branch, _shown(seen.base)
    who = f" by {seen.actor}" if seen.actor else ""
    commit = f" as {seen.merge_commit[:12]}" if seen.merge_commit else ""
    return Halt(
        Reason.BASE_CHANGED,
        f"Pull request #{seen.number} was merged{who} into {other}{commit} and not into {base}: "
        f"{seen.url}.",
        f"Take it back in {other} if it does not belong there",
        ending=f"; to propose the change to {base}, {SET_RETRY}.",
    )


def strange(resolved: Resolved, seen: PullRequestSeen) -> Halt:
    """Stop at a pull request that is not ours."""
    return Halt(
        Reason.HEAD_CHANGED,
        f"Pull request #{seen.number} is not the one that was proposed: it does not come from "
        f"{resolved.config.branch} of {resolved.config.repository}: {seen.url}.",
        "See that this is the right repository",
        ending=f", then {SET_RETRY}, and the change is proposed anew.",
    )


def _shown(branch: str) -> str:
    """Give a branch's name, which is the forge's word, as a message can hold it."""
    return re.sub(r"[^!-~]+", "?", branch)[:128]
