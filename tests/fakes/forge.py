"""The port `PullRequests` over a git server in memory, and what people do with pull requests."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from album_operator.adapters.addresses import check_forge_credential
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.names import normal_url
from album_operator.domain.places import Draft, ForgePlace, GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import PullRequestSeen, PullRequestState, RepositorySeen
from tests.fakes.git_history import Commit, File, ancestors, changed
from tests.fakes.git_server import FakeGitServer, FakeRepository

REVIEWER = "reviewer"


@dataclass
class _PullRequest:
    repository: str
    head: str
    base: str
    body: str
    seen: PullRequestSeen


class FakeForge:
    """Pull requests of all repositories of a server.

    Attributes:
        trouble: raised by every request while set.
        lose_next_answer: the next request to open takes effect, but its answer does not arrive.
        readers: tokens whose user may read and not push.
        posts: how often somebody tried to open a pull request.
    """

    def __init__(
        self, server: FakeGitServer, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.server = server
        self.trouble: OutsideError | None = None
        self.lose_next_answer = False
        self.readers: set[str] = set()
        self.posts = 0
        self._clock = clock
        self._all: list[_PullRequest] = []

    async def get_repository(self, place: ForgePlace) -> RepositorySeen:
        """Read what the token's user may do with the repository."""
        repository = self._open(place)
        return RepositorySeen(repository.is_archived, place.credential.token not in self.readers)

    async def find(self, place: ForgePlace, head: str, base: str) -> PullRequestSeen | None:
        """Find the pull request from a branch into another, an open one preferred."""
        self._open(place)
        found = [
            self._now(item)
            for item in self._all
            if (item.repository, item.head, item.base) == (place.repository, head, base)
        ]
        opened = [item for item in found if item.state is PullRequestState.OPEN]
        return next(iter(opened or found[::-1]), None)

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read one pull request."""
        self._open(place)
        return self._now(self._item(place.repository, number))

    async def open(self, place: ForgePlace, draft: Draft) -> PullRequestSeen:
        """Open a pull request; one already open for the same head and base is given back."""
        repository = self._open(place)
        self.posts += 1
        if repository.is_archived:
            raise TerminalError(Reason.REPOSITORY_ARCHIVED, "The repository is archived.")
        found = await self.find(place, draft.head, draft.base)
        if found is not None and found.state is PullRequestState.OPEN:
            return found
        if not {draft.head, draft.base} <= repository.branches.keys():
            raise TransientError(Reason.FORGE_UNAVAILABLE, f"There is no branch {draft.head}.")
        number = 1 + self.count(place.repository)
        seen = PullRequestSeen(
            number=number,
            url=f"{_web(place)}/pulls/{number}",
            state=PullRequestState.OPEN,
            head_sha=repository.branches[draft.head],
            title=draft.title,
        )
        self._all.append(_PullRequest(place.repository, draft.head, draft.base, draft.body, seen))
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise TransientError(Reason.FORGE_UNAVAILABLE, "The connection broke off.")
        return seen

    def merge(self, repository: str, number: int, style: str = "merge") -> str:
        """Merge as a reviewer would: `merge`, `squash` or `rebase`.

        Returns:
            The commit this made on the base branch.
        """
        item = self._item(repository, number)
        git = self._git(item.repository)
        base, head = git.branches[item.base], self._now(item).head_sha
        common = next(sha for sha in ancestors(git.commits, head) if git.is_ancestor(sha, base))
        ours = [sha for sha in ancestors(git.commits, head) if not git.is_ancestor(sha, common)]
        if style == "rebase":
            merged = base
            for sha in reversed(ours):
                commit = git.commits[sha]
                files = _applied(git, commit.parents[0], sha, merged)
                merged = git.add(replace(commit, parents=(merged,), files=files))
        else:
            parents = (base, head) if style == "merge" else (base,)
            files = _applied(git, common, head, base)
            merged = git.add(Commit(parents, files, item.seen.title, date=self._clock()))
        git.branches[item.base] = merged
        item.seen = replace(
            self._now(item),
            state=PullRequestState.MERGED,
            merge_commit=merged,
            merged_at=self._clock(),
            actor=REVIEWER,
        )
        return merged

    def close_pull_request(self, repository: str, number: int) -> None:
        """Close a pull request without a merge."""
        item = self._item(repository, number)
        item.seen = replace(self._now(item), state=PullRequestState.CLOSED)

    def reopen(self, repository: str, number: int) -> None:
        """Open a closed pull request again."""
        item = self._item(repository, number)
        item.seen = replace(self._now(item), state=PullRequestState.OPEN)

    def count(self, repository: str) -> int:
        """Count all pull requests of a repository."""
        return sum(item.repository == repository for item in self._all)

    def body(self, repository: str, number: int) -> str:
        """Give a pull request's text."""
        return self._item(repository, number).body

    def _open(self, place: ForgePlace) -> FakeRepository:
        check_forge_credential(place.credential, place.api_url, _web(place))
        if self.trouble is not None:
            raise self.trouble
        try:
            return self.server.open(GitPlace(_web(place), place.credential))
        except TransientError as error:
            raise TransientError(Reason.FORGE_UNAVAILABLE, error.message) from error

    def _item(self, repository: str, number: int) -> _PullRequest:
        for item in self._all:
            if (item.repository, item.seen.number) == (repository, number):
                return item
        raise TerminalError(Reason.PULL_REQUEST_CLOSED, f"Pull request #{number} does not exist.")

    def _now(self, item: _PullRequest) -> PullRequestSeen:
        """Show an open pull request with its branch's head as it is now."""
        if item.seen.state is PullRequestState.OPEN:
            head = self._git(item.repository).branches.get(item.head, item.seen.head_sha)
            item.seen = replace(item.seen, head_sha=head)
        return item.seen

    def _git(self, repository: str) -> FakeRepository:
        urls = self.server.repositories
        return next(urls[url] for url in urls if url.endswith(f"/{repository}"))


def _web(place: ForgePlace) -> str:
    return normal_url(f"{place.api_url.removesuffix('/api/v1')}/{place.repository}")


def _applied(git: FakeRepository, before: str, after: str, onto: str) -> dict[str, File]:
    """Apply the difference of two commits to the files of a third."""
    old, new = git.commits[before].files, git.commits[after].files
    files = dict(git.commits[onto].files)
    for path in changed(old, new):
        files.pop(path, None)
        if path in new:
            files[path] = new[path]
    return files
