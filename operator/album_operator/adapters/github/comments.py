"""Comments on pull requests, each known again by a key that readers do not see."""

import re
from typing import Any

from album_operator.adapters.forge_answers import require
from album_operator.adapters.github.api import GitHubApi
from album_operator.domain.places import ForgePlace

KEY = re.compile(r"[A-Za-z0-9_.:/@+-]{1,200}")

TEXT_LENGTH = 60_000
"""Longest text; GitHub takes 65,536 characters."""


async def comment_once(
    api: GitHubApi, place: ForgePlace, number: int, key: str, text: str, answers: str | None = None
) -> None:
    """Write a comment, unless one with the same key is there, or none with that it answers."""
    if not KEY.fullmatch(key) or "--" in key:
        raise ValueError(f"{key!r} is no key of a comment")
    marker, before = f"<!-- album:{key} -->", f"<!-- album:{answers} -->"
    is_due = answers is None
    path = f"/issues/{number}/comments"
    # The last line of each: a quotation of ours does not begin like ours.
    async for end in api.list(place, path, _slim_ends):
        if end == marker:
            return
        is_due |= end == before
    if not is_due:
        return
    body = {"body": f"{text[:TEXT_LENGTH]}\n\n{marker}"}
    require(place, await api.send(place, "POST", path, body), 201, "comment on pull requests of")


def _slim_ends(raw: Any) -> list[str]:  # noqa: ANN401 - JSON
    lines = [str(item["body"] or "").rstrip().rsplit("\n", 1)[-1] for item in raw]
    return [line.strip()[-300:] for line in lines]
