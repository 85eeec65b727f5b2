"""The stage in memory."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from album_operator.domain.names import repository_path
from album_operator.domain.places import Credential, ForgePlace, GitPlace
from album_operator.ports import ConfigRepository, PullRequests, SourceRepository
from tests.contract.stages import Line
from tests.fakes.forge import FakeForge, Rules
from tests.fakes.git_history import Commit
from tests.fakes.git_repositories import FakeConfigRepository, FakeSourceRepository
from tests.fakes.git_server import IDENTITY, KNOWN_HOSTS, FakeGitServer, with_token


class FakeStage:
    """Everything in memory."""

    HOST = "https://git.example.org"

    def __init__(self) -> None:
        self.server = FakeGitServer()
        self.forge = FakeForge(self.server)
        self.source: SourceRepository = FakeSourceRepository(self.server)
        self.config: ConfigRepository = FakeConfigRepository(self.server)
        self.pull_requests: PullRequests = self.forge

    def connect_another(self) -> tuple[ConfigRepository, PullRequests]:
        return FakeConfigRepository(self.server), self.forge

    def make_repository(self, name: str) -> GitPlace:
        url = f"{self.HOST}/owner/{name}"
        self.server.add_repository(url)
        return self.server.place(url)

    def forge_place(self, place: GitPlace) -> ForgePlace:
        host = "/".join(place.url.split("/")[:3])
        return ForgePlace(f"{host}/api/v1", repository_path(place.url), place.credential)

    def over_ssh(self, place: GitPlace) -> GitPlace:
        credential = Credential(
            "album-git", self.HOST, "x", "", identity=IDENTITY, known_hosts=KNOWN_HOSTS
        )
        return GitPlace(place.url.replace("https://", "ssh://git@"), credential)

    def dead_place(self) -> GitPlace:
        return self.server.place("https://dead.example.org/owner/name")

    def store(self, place: GitPlace, commit: Commit) -> str:
        return self.server.open(place).add(commit)

    def set_branch(self, place: GitPlace, branch: str, sha: str | None) -> None:
        self.set_branches(place, {branch: sha})

    def set_branches(self, place: GitPlace, branches: Mapping[str, str | None]) -> None:
        there = self.server.open(place).branches
        for branch, sha in branches.items():
            there.pop(branch, None)
            if sha is not None:
                there[branch] = sha

    def set_tag(self, place: GitPlace, tag: str, sha: str, *, annotated: bool = False) -> None:
        del annotated  # A fake's tag knows only what it stands for.
        self.server.open(place).tags[tag] = sha

    def protect(self, place: GitPlace, beginning: str) -> None:
        self.server.open(place).protected.append(beginning)

    def want_signed(self, place: GitPlace, beginning: str | None) -> None:
        self.server.open(place).signed[:] = [] if beginning is None else [beginning]

    def archive(self, place: GitPlace) -> None:
        self.server.open(place).is_archived = True

    def for_reader(self, place: GitPlace) -> ForgePlace:
        self.server.tokens.add("reader")
        self.forge.readers.add("reader")
        return self.forge_place(with_token(place, "reader"))

    def head(self, place: GitPlace, branch: str) -> str | None:
        return self.server.open(place).branches.get(branch)

    def merge(self, place: GitPlace, number: int, style: str) -> None:
        self.forge.merge_as(repository_path(place.url), number, style)

    def set_open(self, place: GitPlace, number: int, *, is_open: bool) -> None:
        path = repository_path(place.url)
        if is_open:
            self.forge.reopen(path, number)
        else:
            self.forge.close_pull_request(path, number)

    def put_back(self, place: GitPlace, number: int, branch: str) -> None:
        head = self.forge.head(repository_path(place.url), number)
        self.set_branch(place, branch, head)

    def retarget(self, place: GitPlace, number: int, base: str) -> None:
        self.forge.retarget(repository_path(place.url), number, base)

    def protect_base(self, place: GitPlace, approvals: int, checks: list[str]) -> None:
        self.forge.rules[repository_path(place.url)] = Rules(approvals, tuple(checks))

    def set_status(self, place: GitPlace, sha: str, context: str, state: str) -> None:
        del place  # Commits have the same name everywhere.
        self.forge.set_check(sha, context, state)

    def statuses(self, place: GitPlace, sha: str) -> dict[str, str]:
        del place
        return self.forge.statuses.get(sha, {})

    def deployments(self, place: GitPlace) -> list[tuple[str, str, str]]:
        del place
        return [(item.commit, item.task, str(state)) for item, state in self.forge.deployed.items()]

    def review(self, place: GitPlace, number: int, *, approves: bool) -> None:
        self.forge.review(repository_path(place.url), number, approves=approves)

    def add_reviewer(self, place: GitPlace) -> None:
        """Do nothing: everybody knows everybody."""

    def make_milestone(self, place: GitPlace, title: str) -> None:
        del place
        self.forge.milestones.add(title)

    def comments(self, place: GitPlace, number: int) -> list[str]:
        return self.forge.comments(repository_path(place.url), number)

    def count_pull_requests(self, place: GitPlace) -> int:
        return self.forge.count(repository_path(place.url))

    @asynccontextmanager
    async def losing_line(self, place: GitPlace) -> AsyncIterator[Line]:
        self.server.lose_push_answer = True
        self.forge.lose_next_answer = True
        yield Line(place, self.config, self.pull_requests)
