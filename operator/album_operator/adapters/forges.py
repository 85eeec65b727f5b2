"""All forges as one: the adapter of port `PullRequests` that asks each repository's own."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import assert_never

from album_operator.domain.forges import ForgeType
from album_operator.domain.places import (
    CommitState,
    Deployment,
    DeploymentState,
    Draft,
    ForgePlace,
    MergeMethod,
)
from album_operator.domain.pull_requests import Changes, Checks, PullRequestSeen, RepositorySeen
from album_operator.ports import PullRequests


class Forges:
    """Hands each call to the adapter of the place's kind of forge."""

    def __init__(self, *, gitea: PullRequests, github: PullRequests) -> None:
        self._gitea = gitea
        self._github = github

    async def git_token(self, place: ForgePlace) -> str:
        """Give a token for git that is good for a while yet."""
        return await self._at(place).git_token(place)

    async def get_repository(self, place: ForgePlace, branch: str | None = None) -> RepositorySeen:
        """Read what the token's user may do with the repository."""
        return await self._at(place).get_repository(place, branch)

    async def find(self, place: ForgePlace, head: str, base: str) -> PullRequestSeen | None:
        """Find the pull request from branch `head` of the same repository into `base`."""
        return await self._at(place).find(place, head, base)

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read one pull request, with its gate while it is open."""
        return await self._at(place).get(place, number)

    async def get_many(
        self, place: ForgePlace, numbers: Collection[int]
    ) -> Mapping[int, PullRequestSeen]:
        """Read several as `get` does."""
        return await self._at(place).get_many(place, numbers)

    async def list_changed(self, place: ForgePlace, since: datetime | None) -> Changes:
        """Tell which pull requests changed."""
        return await self._at(place).list_changed(place, since)

    async def open(self, place: ForgePlace, draft: Draft) -> PullRequestSeen:
        """Open a pull request; one already open for the same head and base is given back."""
        return await self._at(place).open(place, draft)

    async def merge(
        self,
        place: ForgePlace,
        number: int,
        head_sha: str,
        base: str,
        method: MergeMethod,
        *,
        by_forge: bool,
    ) -> None:
        """Merge a pull request from `head_sha` into `base`, or let the forge do it once it can."""
        forge = self._at(place)
        await forge.merge(place, number, head_sha, base, method, by_forge=by_forge)

    async def disarm(self, place: ForgePlace, number: int) -> None:
        """Take an auto-merge back, or a place in the merge queue."""
        await self._at(place).disarm(place, number)

    async def comment(
        self, place: ForgePlace, number: int, key: str, text: str, answers: str | None = None
    ) -> None:
        """Write a comment, once for each key."""
        await self._at(place).comment(place, number, key, text, answers)

    async def set_status(
        self,
        place: ForgePlace,
        commit: str,
        state: CommitState,
        context: str,
        text: str,
        url: str | None,
    ) -> None:
        """Set a commit status; the last one of a context counts."""
        forge = self._at(place)
        await forge.set_status(place, commit, state, context, text, url)

    async def set_deployment(
        self,
        place: ForgePlace,
        deployment: Deployment,
        state: DeploymentState,
        text: str,
        url: str | None,
    ) -> None:
        """Say how a deployment stands; it is made where it is not there yet."""
        await self._at(place).set_deployment(place, deployment, state, text, url)

    async def list_checks(self, place: ForgePlace, commit: str) -> Mapping[str, Checks]:
        """Give the state of each commit status and check run of a commit, by its name."""
        return await self._at(place).list_checks(place, commit)

    async def rename(self, place: ForgePlace, number: int, title: str) -> None:
        """Give a pull request another title."""
        await self._at(place).rename(place, number, title)

    async def withdraw(self, place: ForgePlace, number: int, title: str | None = None) -> None:
        """Close a pull request of ours that has become pointless."""
        await self._at(place).withdraw(place, number, title)

    def _at(self, place: ForgePlace) -> PullRequests:
        match place.type:
            case ForgeType.GITEA:
                return self._gitea
            case ForgeType.GITHUB:
                return self._github
            case _:
                assert_never(place.type)
