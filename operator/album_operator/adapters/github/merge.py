"""Merging on GitHub: at once, or by its auto-merge or merge queue as soon as nothing blocks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from album_operator.adapters.forge_answers import READING, reading, require
from album_operator.adapters.forge_failures import (
    base_changed,
    may_not_merge,
    not_merged_now,
    pull_request_gone,
    where,
    wrong_method,
)
from album_operator.adapters.github.answers import (
    GitHubAnswer,
    credential_refused,
    is_right_missing,
)
from album_operator.adapters.github.api import GitHubApi
from album_operator.adapters.github.limits import READ
from album_operator.adapters.github.pulls import parse_pull
from album_operator.domain.errors import OutsideError, TerminalError
from album_operator.domain.places import ForgePlace, MergeMethod
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState
from album_operator.domain.reasons import Reason

WRONG_METHOD = re.compile(
    r"(merge commits|squash merges|rebase merges|merging) (are|is) not allowed", re.IGNORECASE
)

NO_AUTO_MERGE = re.compile(r"auto[- ]?merge is not allowed", re.IGNORECASE)

NOT_AUTHORIZED = re.compile(r"not authori[sz]ed", re.IGNORECASE)

ALREADY = re.compile(r"\balready\b", re.IGNORECASE)

MERGING = "merge pull requests of"

ARMABLE = """
query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    nameWithOwner autoMergeAllowed
    pullRequest(number: $number) {
      id state headRefOid baseRefName mergeStateStatus isMergeQueueEnabled
      autoMergeRequest { enabledAt }
      mergeQueueEntry { position }
    }
  }
}
"""


@dataclass(frozen=True)
class _Armable:
    """What is asked before auto-merge is switched on; words as in GitHub's schema."""

    node: str
    state: str
    head: str
    base: str
    merge_state: str
    has_queue: bool
    has_auto_merge: bool
    is_queued: bool
    may_arm: bool

    @property
    def is_armed(self) -> bool:
        return self.has_auto_merge or self.is_queued


async def merge_now(
    api: GitHubApi, place: ForgePlace, number: int, head_sha: str, base: str, method: MergeMethod
) -> None:
    """Merge `head_sha` into `base` if nothing blocks; merged already is success."""
    found = await _get(api, place, number)
    if found.state is PullRequestState.MERGED:
        return
    if found.base != base:
        raise base_changed(place, number, found.base)
    body = {"sha": head_sha, "merge_method": str(method).lower()}
    answer = await api.send(place, "PUT", f"/pulls/{number}/merge", body)
    if answer.status == 200:
        return
    if WRONG_METHOD.search(answer.said):
        raise wrong_method(place, method, answer.said)
    if answer.status == 405 and NOT_AUTHORIZED.search(answer.said):
        raise may_not_merge(place, answer.said)
    if answer.status in {405, 409}:
        # GitHub says the same of one that cannot be merged and of one that was.
        if await _is_merged(api, place, number):
            return
        raise not_merged_now(place, number, answer.said)
    require(place, answer, 200, MERGING)


async def arm(
    api: GitHubApi, place: ForgePlace, number: int, head_sha: str, base: str, method: MergeMethod
) -> None:
    """Let GitHub merge as soon as nothing blocks; armed or merged already is success."""
    found = await _look(api, place, number)
    if found.state == "MERGED":
        return
    if found.base != base:
        raise base_changed(place, number, found.base)
    if found.is_armed:
        return
    if found.state != "OPEN" or found.head != head_sha:
        raise not_merged_now(place, number, "it changed meanwhile")
    wish: dict[str, Any] = {"pullRequestId": found.node, "expectedHeadOid": head_sha}
    if found.has_queue and found.merge_state != "BLOCKED":
        answer = await api.mutate(place, "enqueuePullRequest", wish)
    elif found.may_arm:
        wish["mergeMethod"] = str(method).upper()
        answer = await api.mutate(place, "enablePullRequestAutoMerge", wish)
    else:
        raise _no_auto_merge(place)
    if answer.errors and not ALREADY.search(answer.said):
        raise _not_armed(place, number, method, answer)


async def disarm(api: GitHubApi, place: ForgePlace, number: int) -> None:
    """Keep GitHub from merging by itself.

    Auto-merge outlives another base where somebody sets it who may write to the repository
    (docs.github.com, "Automatically merging a pull request").
    """
    found = await _look(api, place, number)
    if found.has_auto_merge:
        wish = {"pullRequestId": found.node}
        await _take_back(api, place, "disablePullRequestAutoMerge", wish)
    if found.is_queued:
        await _take_back(api, place, "dequeuePullRequest", {"id": found.node})


async def _take_back(
    api: GitHubApi, place: ForgePlace, mutation: str, wish: Mapping[str, Any]
) -> None:
    answer = await api.mutate(place, mutation, wish)
    # Whatever else it says: it was merged or taken back meanwhile, or shows at the next look.
    if is_right_missing(answer):
        raise credential_refused(place, answer, MERGING)


async def _look(api: GitHubApi, place: ForgePlace, number: int) -> _Armable:
    answer = await api.query(place, ARMABLE, {"number": number})
    repository: Mapping[str, Any] = answer.body["data"]["repository"]
    raw = repository.get("pullRequest")
    if raw is None:
        raise pull_request_gone(place, number)
    with reading(place, "a pull request has"):
        return _Armable(
            node=str(raw["id"]),
            state=str(raw["state"]),
            head=str(raw["headRefOid"]),
            base=str(raw["baseRefName"]),
            merge_state=str(raw["mergeStateStatus"]),
            has_queue=bool(raw["isMergeQueueEnabled"]),
            has_auto_merge=raw["autoMergeRequest"] is not None,
            is_queued=raw["mergeQueueEntry"] is not None,
            may_arm=bool(repository["autoMergeAllowed"]),
        )


async def _is_merged(api: GitHubApi, place: ForgePlace, number: int) -> bool:
    answer = await api.send(place, "GET", f"/pulls/{number}/merge", None, READ)
    if answer.status != 404:
        require(place, answer, 204, MERGING)
    return answer.status == 204


async def _get(api: GitHubApi, place: ForgePlace, number: int) -> PullRequestSeen:
    """Read a pull request; later, a 404 tells of a token that may not merge."""
    answer = await api.send(place, "GET", f"/pulls/{number}", None, READ)
    if answer.status == 404:
        await api.get_repository(place)
        raise pull_request_gone(place, number)
    require(place, answer, 200, READING)
    return parse_pull(place, answer.body)


def _not_armed(
    place: ForgePlace, number: int, method: MergeMethod, answer: GitHubAnswer
) -> OutsideError:
    if NO_AUTO_MERGE.search(answer.said):
        return _no_auto_merge(place)
    if WRONG_METHOD.search(answer.said):
        return wrong_method(place, method, answer.said)
    if is_right_missing(answer):
        return credential_refused(place, answer, MERGING)
    # Such as "Pull request is in clean status": then it can be merged at once.
    return not_merged_now(place, number, answer.said)


def _no_auto_merge(place: ForgePlace) -> TerminalError:
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{where(place)} does not allow auto-merge, and something blocks the merge.",
        'Switch on "Allow auto-merge" in its settings, or set spec.config.pullRequest.merge of the '
        "pipeline to Manual",
    )
