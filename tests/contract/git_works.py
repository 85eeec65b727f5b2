"""`python -m tests.contract.git_works`: git works in a process of their own, to be measured there.

Standard input is JSON: `host`, `cache`, `works` (each a list of a word and its arguments) and what
the adapters have of limits, where it is not the operator's own: `memory`, `fetch`, `cache_bytes`.
All works run at once. Standard output is JSON: how each of them `ended`, and `peak`, the most bytes
of memory a process of git had.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from album_operator.adapters.git.config_repository import CACHE_BYTES, GitConfigRepository
from album_operator.adapters.git.limits import FETCH_BYTES, MEMORY_BYTES, Limits
from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import Change, Credential, GitPlace

LONG_AGO = datetime.fromtimestamp(0, UTC)
AUTHOR = ("Ann", "a@example.org")

VALUES, BRANCH, TAG = "values.yaml", "release/app_v1", "app-v1"


@dataclass(frozen=True)
class Ended:
    """How a work ended: the error's class, reason and message, or None for each."""

    kind: str | None = None
    reason: str | None = None
    message: str | None = None


class Works:
    """The works there are, each on a repository by name."""

    def __init__(self, host: str, cache: Path, options: dict[str, int]) -> None:
        self._url = f"http://{host}"
        limits = Limits(
            memory=options.get("memory", MEMORY_BYTES), fetch=options.get("fetch", FETCH_BYTES)
        )
        self._config = GitConfigRepository(
            {host},
            cache_folder=cache,
            cache_bytes=options.get("cache_bytes", CACHE_BYTES),
            limits=limits,
        )
        self._source = GitSourceRepository({host}, limits=limits)

    def close(self) -> None:
        self._config.close()
        self._source.close()

    def _place(self, name: str) -> GitPlace:
        return GitPlace(
            f"{self._url}/{name}", Credential("album-git", self._url, "x", "some-token")
        )

    async def look(self, name: str, *paths: str) -> None:
        """Look at the base and the release branch."""
        await self._config.look(self._place(name), "main", paths or (VALUES,), BRANCH)

    async def push(self, name: str) -> None:
        """Look at the base, and push a release branch."""
        seen = await self._config.look(self._place(name), "main", [VALUES], None)
        files = {VALUES: b"tag: 2\n"}
        change = Change(seen.base_commit or "", BRANCH, files, "ours", *AUTHOR, LONG_AGO)
        await self._config.push(self._place(name), change)

    async def descend(self, name: str, revision: str, ancestor: str) -> None:
        """Ask for the history."""
        place = self._place(name)
        await self._config.is_descendant(place, revision, ancestor, "main", datetime.now(UTC))

    async def source(self, name: str) -> None:
        """Look at a tag."""
        await self._source.look(self._place(name), TAG, "Dockerfile")

    async def log(self, name: str, since: str, commit: str) -> None:
        """List commits."""
        await self._source.list_commits(self._place(name), since, commit, 20)


async def _end(work: Callable[..., Awaitable[None]], arguments: list[str]) -> Ended:
    try:
        await work(*arguments)
    except OutsideError as error:
        return Ended(type(error).__name__, error.reason, error.sentence)
    return Ended()


async def _run(task: dict[str, Any]) -> list[Ended]:
    works = Works(task["host"], Path(task["cache"]), task["options"])
    try:
        return await asyncio.gather(
            *(_end(getattr(works, word), arguments) for word, *arguments in task["works"])
        )
    finally:
        works.close()


def main() -> None:
    """Do what standard input says."""
    ended = asyncio.run(_run(json.load(sys.stdin)))
    peak = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    json.dump({"ended": [asdict(one) for one in ended], "peak": peak}, sys.stdout)


if __name__ == "__main__":
    main()
