"""What belongs to a pull request beside its branches: labels, reviewers, assignees, milestone."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from album_operator.adapters.forge_answers import reading, require
from album_operator.adapters.forge_failures import no_milestone, people_refused
from album_operator.adapters.github.api import GitHubApi
from album_operator.adapters.github.limits import CHANGE
from album_operator.adapters.github.pulls import parse_pull
from album_operator.domain.places import Draft, ForgePlace
from album_operator.domain.pull_requests import PullRequestSeen

WRITE_ISSUES = "write to issues and pull requests of"


async def add_extras(
    api: GitHubApi, place: ForgePlace, opened: PullRequestSeen, draft: Draft
) -> PullRequestSeen:
    """Add what an open pull request lacks; what people have put there is left.

    Args:
        api: sends.
        place: the repository.
        opened: the pull request.
        draft: as it is wished.

    Returns:
        The pull request with what was added.

    Raises:
        TerminalError: GitHub takes no such user or milestone; the message names the field.
    """
    opened = await _add_labels(api, place, opened, draft.labels)
    opened = await _add_assignees(api, place, opened, draft.assignees)
    opened = await _set_milestone(api, place, opened, draft.milestone)
    return await _ask_reviewers(api, place, opened, draft.reviewers)


async def _add_labels(
    api: GitHubApi, place: ForgePlace, opened: PullRequestSeen, labels: Collection[str]
) -> PullRequestSeen:
    missing = _missing(labels, opened.labels)
    if not missing:
        return opened
    path = f"/issues/{opened.number}/labels"
    answer = await api.send(place, "POST", path, {"labels": missing}, CHANGE)
    require(place, answer, 200, WRITE_ISSUES)
    with reading(place, "a label has"):
        names = frozenset(str(item["name"]) for item in answer.body)
    return replace(opened, labels=names)


async def _add_assignees(
    api: GitHubApi, place: ForgePlace, opened: PullRequestSeen, users: Collection[str]
) -> PullRequestSeen:
    missing = _missing(users, opened.assignees)
    if not missing:
        return opened
    path = f"/issues/{opened.number}/assignees"
    answer = await api.send(place, "POST", path, {"assignees": missing}, CHANGE)
    if answer.status == 422:
        raise people_refused(place, "assignees", missing, answer.said)
    require(place, answer, 201, WRITE_ISSUES)
    with reading(place, "an assignee has"):
        now = frozenset(str(item["login"]) for item in answer.body["assignees"])
    # GitHub leaves out without a word whom nothing there can be assigned to.
    left_out = _missing(missing, now)
    if left_out:
        raise people_refused(place, "assignees", left_out, "they have no access to the repository")
    return replace(opened, assignees=now)


async def _set_milestone(
    api: GitHubApi, place: ForgePlace, opened: PullRequestSeen, title: str | None
) -> PullRequestSeen:
    if title is None or opened.milestone == title:
        return opened
    number = await _milestone(api, place, title)
    path = f"/issues/{opened.number}"
    answer = await api.send(place, "PATCH", path, {"milestone": number}, CHANGE)
    require(place, answer, 200, WRITE_ISSUES)
    return replace(opened, milestone=title)


async def _milestone(api: GitHubApi, place: ForgePlace, title: str) -> int:
    async for number, name in api.list(place, "/milestones?state=open", _slim_milestones):
        if name == title:
            return int(number)
    raise no_milestone(place, title)


async def _ask_reviewers(
    api: GitHubApi, place: ForgePlace, opened: PullRequestSeen, users: Collection[str]
) -> PullRequestSeen:
    # Who has given a review is no longer asked for one, and is asked again: there is a new commit.
    missing = _missing(users, opened.reviewers)
    if not missing:
        return opened
    path = f"/pulls/{opened.number}/requested_reviewers"
    answer = await api.send(place, "POST", path, {"reviewers": missing})
    if answer.status == 422:
        raise people_refused(place, "reviewers", missing, answer.said)
    require(place, answer, 201, WRITE_ISSUES)
    return replace(opened, reviewers=parse_pull(place, answer.body).reviewers)


def _missing(wanted: Collection[str], there: Collection[str]) -> list[str]:
    """Give what is missing; GitHub does not tell case apart in names of users and labels."""
    known = {name.lower() for name in there}
    return [name for name in wanted if name.lower() not in known]


def _slim_milestones(raw: Any) -> list[list[Any]]:  # noqa: ANN401 - JSON
    return [[int(item["number"]), str(item["title"])] for item in raw]
