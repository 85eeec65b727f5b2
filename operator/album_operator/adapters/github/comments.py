"""Comments on pull requests, each known again by a key that readers do not see."""

from typing import Any

from album_operator.adapters.comment_markers import last_line, marker_of
from album_operator.adapters.forge_answers import require
from album_operator.adapters.github.api import GitHubApi
from album_operator.domain.places import ForgePlace

TEXT_LENGTH = 60_000
"""Longest text; GitHub takes 65,536 characters."""


async def comment_once(
    api: GitHubApi, place: ForgePlace, number: int, key: str, text: str, answers: str | None = None
) -> None:
    """Write a comment, unless one with the same key is there, or none with that it answers."""
    marker = marker_of(key)
    before = marker_of(answers) if answers is not None else None
    is_due = before is None
    path = f"/issues/{number}/comments"
    async for end in api.list(place, path, _slim_ends):
        if end == marker:
            return
        is_due |= end == before
    if not is_due:
        return
    body = {"body": f"{text[:TEXT_LENGTH]}\n\n{marker}"}
    require(place, await api.send(place, "POST", path, body), 201, "comment on pull requests of")


def _slim_ends(raw: Any) -> list[str]:  # noqa: ANN401 - JSON
    return [last_line(item["body"])[-300:] for item in raw]
