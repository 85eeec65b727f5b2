"""What belongs to a pull request beside its branches: labels, reviewers, assignees, milestone."""

from album_operator.adapters.forge_answers import Answer, require
from album_operator.adapters.forge_failures import no_milestone, people_refused
from album_operator.adapters.gitea.api import GiteaApi
from album_operator.domain.places import Draft, ForgePlace
from album_operator.domain.pull_requests import PullRequestSeen

DRAFT_TITLE = "WIP: "
"""Beginning of a title that makes a pull request a draft (Gitea's WORK_IN_PROGRESS_PREFIXES)."""

COLOR = "#ededed"
"""Of a label that is made: what GitHub takes where none is given."""

WRITE = "write to issues of"


async def add_extras(
    api: GiteaApi, place: ForgePlace, opened: PullRequestSeen, draft: Draft
) -> bool:
    """Add what an open pull request lacks.

    Returns:
        Whether it lacked anything.

    Raises:
        TerminalError: Gitea knows no such user or milestone; the message names the field.
    """
    labels = [name for name in draft.labels if name not in opened.labels]
    if labels:
        ids = [await _label_id(api, place, name) for name in labels]
        path = f"/issues/{opened.number}/labels"
        require(place, await api.send(place, "POST", path, {"labels": ids}), 200, WRITE)
    reviewers = [name for name in draft.reviewers if name not in opened.reviewers]
    if reviewers:
        path = f"/pulls/{opened.number}/requested_reviewers"
        answer = await api.send(place, "POST", path, {"reviewers": reviewers})
        _refuse(place, answer, "reviewers", reviewers)
        require(place, answer, 201, WRITE)
    changes: dict[str, object] = {}
    if not opened.assignees >= set(draft.assignees):
        changes["assignees"] = sorted(opened.assignees | set(draft.assignees))
    if draft.milestone is not None and draft.milestone != opened.milestone:
        changes["milestone"] = await _milestone_id(api, place, draft.milestone)
    if changes:
        answer = await api.send(place, "PATCH", f"/pulls/{opened.number}", changes)
        _refuse(place, answer, "assignees", list(draft.assignees))
        require(place, answer, 201, WRITE)
    return bool(labels or reviewers or changes)


async def _label_id(api: GiteaApi, place: ForgePlace, name: str) -> int:
    async for raw in api.list(place, "/labels?sort="):
        if raw.get("name") == name:
            return int(raw["id"])
    answer = await api.send(place, "POST", "/labels", {"name": name, "color": COLOR})
    require(place, answer, 201, WRITE)
    return int(answer.body["id"])


async def _milestone_id(api: GiteaApi, place: ForgePlace, title: str) -> int:
    async for raw in api.list(place, "/milestones?state=open"):
        if raw.get("title") == title:
            return int(raw["id"])
    raise no_milestone(place, title)


def _refuse(place: ForgePlace, answer: Answer, field: str, names: list[str]) -> None:
    """Name the field where Gitea does not take the users it lists."""
    if answer.status in {404, 422}:
        raise people_refused(place, field, names, answer.said)
