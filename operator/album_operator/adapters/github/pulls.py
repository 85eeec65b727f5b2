"""Pull requests as GitHub's REST API shows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from album_operator.adapters.forge_answers import STATES, check_sane, reading
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState

Slimmed = Mapping[str, Any]
"""What is read of a pull request: GitHub's own is some 20 KiB, two repositories among it."""


def slim_pulls(raw: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    """Take out of a list of pull requests what is read of it."""
    if not isinstance(raw, list):
        raise TypeError("list of pull requests")
    return [slim_pull(item) for item in raw]


def slim_pull(raw: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Take out of a pull request what is read of it."""
    head, base = raw["head"], raw["base"]
    milestone = raw.get("milestone")
    return {
        "repository": str(base["repo"]["html_url"]),
        "number": int(raw["number"]),
        "url": str(raw["html_url"]),
        "state": str(raw["state"]),
        "title": str(raw["title"]),
        "draft": bool(raw.get("draft")),
        "merged_at": raw.get("merged_at"),
        "merge_commit": raw.get("merge_commit_sha"),
        "updated_at": str(raw["updated_at"]),
        "sha": str(head["sha"]),
        # A fork that was deleted meanwhile has no repository.
        "is_ours": (head.get("repo") or {}).get("id") == base["repo"]["id"],
        "head": str(head["ref"]),
        "base": str(base["ref"]),
        "archived": bool(base["repo"]["archived"]),
        "labels": [str(item["name"]) for item in raw.get("labels") or ()],
        "reviewers": [str(item["login"]) for item in raw.get("requested_reviewers") or ()],
        "assignees": [str(item["login"]) for item in raw.get("assignees") or ()],
        "milestone": str(milestone["title"]) if milestone else None,
    }


def choose(pulls: list[dict[str, Any]], head: str, base: str) -> Slimmed | None:
    """Choose among pull requests, newest first: an open one, else the newest.

    Those from a fork's branch of the same name are not ours.
    """
    ours = [
        pull for pull in pulls if pull["is_ours"] and (pull["head"], pull["base"]) == (head, base)
    ]
    opened = [pull for pull in ours if pull["state"] == "open"]
    return next(iter(opened or ours), None)


def parse_pull(place: ForgePlace, raw: Any) -> PullRequestSeen:  # noqa: ANN401 - JSON
    """Read a whole pull request as the API gives it.

    Raises:
        TransientError: it is none, or not a sane one.
    """
    with reading(place, "a pull request has"):
        slimmed = slim_pull(raw)
    return parse_slim(place, slimmed)


def parse_slim(place: ForgePlace, pull: Slimmed) -> PullRequestSeen:
    """Read a pull request of which the rest was taken away.

    Raises:
        TransientError: it is not a sane one.
    """
    with reading(place, "a pull request has"):
        merged_at = parse_moment(pull["merged_at"])
        merged = merged_at is not None
        seen = PullRequestSeen(
            repository=pull["repository"],
            number=pull["number"],
            url=pull["url"],
            state=PullRequestState.MERGED if merged else STATES[pull["state"]],
            head_sha=pull["sha"],
            title=pull["title"],
            head=pull["head"] if pull["is_ours"] else None,
            base=pull["base"],
            # Before the merge it is a test merge, that no branch has.
            merge_commit=str(pull["merge_commit"]) if merged else None,
            merged_at=merged_at,
            labels=frozenset(pull["labels"]),
            reviewers=frozenset(pull["reviewers"]),
            assignees=frozenset(pull["assignees"]),
            milestone=pull["milestone"],
            is_draft=pull["draft"],
            is_archived=pull["archived"],
        )
    return check_sane(place, seen)


def parse_moment(text: Any) -> datetime | None:  # noqa: ANN401 - JSON
    """Read a moment with its zone; None where there is none."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("time zone")
    return moment
