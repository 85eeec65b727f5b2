"""A repository at the GitHub stand-in, with a branch to propose and all a pull request may have."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from album_operator.domain.places import Draft, ForgePlace, GitPlace, MergeMethod
from album_operator.domain.pull_requests import PullRequestSeen
from testbed.github.server import GitHubServer
from tests.contract.github_stage import OWNER, REVIEWER, GitHubStage
from tests.fakes.git_history import Commit, File

OURS = "release/backend_v1.1.0"
PLAIN = Draft(OURS, "main", "release: backend v1.1.0", "An automated PR.")
WISH = replace(
    PLAIN, labels=("release",), reviewers=(REVIEWER,), assignees=(REVIEWER,), milestone="May"
)


@dataclass
class Desk:
    """A repository at the stand-in and the adapter that is tried."""

    stage: GitHubStage
    place: GitPlace
    name: str

    @property
    def server(self) -> GitHubServer:
        return self.stage.server

    @property
    def forge(self) -> ForgePlace:
        return self.stage.forge_place(self.place)

    async def open(self, draft: Draft = PLAIN) -> PullRequestSeen:
        return await self.stage.pull_requests.open(self.forge, draft)

    async def get(self, number: int) -> PullRequestSeen:
        """Look twice: at the first look GitHub begins to look for conflicts."""
        await self.stage.pull_requests.get(self.forge, number)
        return await self.stage.pull_requests.get(self.forge, number)

    async def merge(self, seen: PullRequestSeen, *, by_forge: bool = False) -> None:
        await self.stage.pull_requests.merge(
            self.forge, seen.number, seen.head_sha, seen.base, MergeMethod.MERGE, by_forge=by_forge
        )

    def counted(self) -> list[str]:
        """Give the requests to this repository's API that counted, and forget all."""
        counted = [
            f"{item.method} {item.operation}" for item in self.server.requests if item.is_counted
        ]
        self.server.requests.clear()
        return counted


@asynccontextmanager
async def open_desk(github: GitHubServer, folder: Path, name: str) -> AsyncIterator[Desk]:
    """Make a repository of one test's own, and an adapter with limits of its own."""
    stage = GitHubStage(github, github.make_token(OWNER), folder / "store")
    place = stage.make_repository(name)
    base = stage.store(place, Commit((), {"values.yaml": File(b"tag: 1\n")}, "base"))
    head = stage.store(place, Commit((base,), {"values.yaml": File(b"tag: 2\n")}, "ours"))
    stage.set_branches(place, {"main": base, OURS: head})
    stage.add_reviewer(place)
    stage.make_milestone(place, "May")
    github.requests.clear()
    try:
        yield Desk(stage, place, f"{OWNER}/{name}")
    finally:
        github.faults.clear()
        await stage.close()
