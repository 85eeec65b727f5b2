"""Where the contract tests play: one git server with its forge, in memory and for real.

The tests set a scene through a `Stage`, act through the ports, and look at the scene again. Both
stages offer the same, so that a fake that passes behaves as the real thing does.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from album_operator.domain.places import ForgePlace, GitPlace
from album_operator.ports import ConfigRepository, PullRequests, SourceRepository
from tests.fakes.git_history import Commit


@dataclass(frozen=True)
class Line:
    """A connection to a repository, and the adapters that use it."""

    place: GitPlace
    config: ConfigRepository
    pull_requests: PullRequests


class Stage(Protocol):
    """A git server, its forge, and the adapters that reach them."""

    source: SourceRepository
    config: ConfigRepository
    pull_requests: PullRequests

    def connect_another(self) -> tuple[ConfigRepository, PullRequests]:
        """Give the adapters of a second operator, which shares nothing with the first."""

    def make_repository(self, name: str) -> GitPlace:
        """Make an empty private repository."""

    def forge_place(self, place: GitPlace) -> ForgePlace:
        """Give the same repository as the forge's API knows it."""

    def over_ssh(self, place: GitPlace) -> GitPlace:
        """Give the same repository over SSH, with a key that is good for it."""

    def dead_place(self) -> GitPlace:
        """Give a repository of a server that does not answer."""

    def store(self, place: GitPlace, commit: Commit) -> str:
        """Put a commit into a repository, reachable by nothing yet."""

    def set_branch(self, place: GitPlace, branch: str, sha: str | None) -> None:
        """Make, move or delete a branch."""

    def set_branches(self, place: GitPlace, branches: Mapping[str, str | None]) -> None:
        """Do so with several by one push: most of what a test takes is pushes to real servers."""

    def set_tag(self, place: GitPlace, tag: str, sha: str, *, annotated: bool = False) -> None:
        """Make a tag."""

    def protect(self, place: GitPlace, beginning: str) -> None:
        """Let nobody push branches whose names begin so."""

    def want_signed(self, place: GitPlace, beginning: str | None) -> None:
        """Take signed commits alone on branches whose names begin so; None: all are free."""

    def archive(self, place: GitPlace) -> None:
        """Archive a repository: it can only be read from now on."""

    def for_reader(self, place: GitPlace) -> ForgePlace:
        """Give the repository to a user who may read it and not push."""

    def head(self, place: GitPlace, branch: str) -> str | None:
        """Give a branch's commit."""

    def merge(self, place: GitPlace, number: int, style: str) -> None:
        """Merge a pull request: `merge`, `squash` or `rebase`."""

    def set_open(self, place: GitPlace, number: int, *, is_open: bool) -> None:
        """Close a pull request without a merge, or open it again."""

    def put_back(self, place: GitPlace, number: int, branch: str) -> None:
        """Put a pull request's branch back to where it was, by the commands that messages name."""

    def retarget(self, place: GitPlace, number: int, base: str) -> None:
        """Let a pull request go into another branch, as somebody who may write there."""

    def protect_base(self, place: GitPlace, approvals: int, checks: list[str]) -> None:
        """Let `main` be merged into only with so many approvals and these checks."""

    def set_status(self, place: GitPlace, sha: str, context: str, state: str) -> None:
        """Let a check say `success`, `failure` or `pending` of a commit."""

    def statuses(self, place: GitPlace, sha: str) -> dict[str, str]:
        """Give the state of each status of a commit, by context."""

    def deployments(self, place: GitPlace) -> list[tuple[str, str, str]]:
        """Give commit, task and state of each deployment, the oldest first."""

    def review(self, place: GitPlace, number: int, *, approves: bool) -> None:
        """Approve a pull request, or ask for changes, as user `reviewer` of the repository."""

    def add_reviewer(self, place: GitPlace) -> None:
        """Let user `reviewer` write to the repository."""

    def make_milestone(self, place: GitPlace, title: str) -> None:
        """Open a milestone."""

    def comments(self, place: GitPlace, number: int) -> list[str]:
        """Give the comments of a pull request."""

    def count_pull_requests(self, place: GitPlace) -> int:
        """Count all pull requests."""

    def losing_line(self, place: GitPlace) -> AbstractAsyncContextManager[Line]:
        """Connect so that the next write is done and its answer lost."""
