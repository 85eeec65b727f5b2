"""The stage with the GitHub stand-in."""

import base64
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal, cast

from github import Auth, Github

from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.domain.forges import ForgeType
from album_operator.domain.names import repository_path
from album_operator.domain.places import ForgePlace, GitPlace
from testbed.github.model import MergeMethod, Protection
from testbed.github.server import GitHubServer
from tests.contract.git_stage import GitStage
from tests.fakes.git_server import with_token

OWNER, REVIEWER = "octo", "reviewer"


class GitHubStage(GitStage):
    """A stand-in for GitHub.

    Args:
        server: the stand-in, shared by all tests, with user `octo`.
        token: of that user.
        folder: for a repository all others are written from.
    """

    _forge: GitHubPullRequests

    def __init__(self, server: GitHubServer, token: str, folder: Path) -> None:
        self.server = server
        self._token = token
        login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        super().__init__(server.url, f"Basic {login}", folder)

    def connect_forge(self, hosts: Collection[str]) -> GitHubPullRequests:
        return GitHubPullRequests(hosts)

    def make_repository(self, name: str) -> GitPlace:
        self.server.make_repository(f"{OWNER}/{name}", private=True, allow_auto_merge=True)
        return GitPlace(f"{self.server.url}/{OWNER}/{name}", self.credential(self._token))

    def forge_place(self, place: GitPlace) -> ForgePlace:
        host = "/".join(place.url.split("/")[:3])
        path = repository_path(place.url)
        return ForgePlace(f"{host}/api/v3", path, place.credential, ForgeType.GITHUB)

    def over_ssh(self, place: GitPlace) -> GitPlace:
        raise NotImplementedError("the stand-in speaks no SSH")

    def protect(self, place: GitPlace, beginning: str) -> None:
        raise NotImplementedError("the stand-in protects branches by their whole names")

    def want_signed(self, place: GitPlace, beginning: str | None) -> None:
        patterns = [] if beginning is None else [f"{beginning}*"]
        self.server.want_signed(repository_path(place.url), *patterns)

    def archive(self, place: GitPlace) -> None:
        self.server.configure(repository_path(place.url), archived=True)

    def for_reader(self, place: GitPlace) -> ForgePlace:
        user = f"reader-{repository_path(place.url).rsplit('-', 1)[-1]}"
        self.server.make_user(user)
        self.server.set_role(repository_path(place.url), user, "read")
        return self.forge_place(with_token(place, self.server.make_token(user)))

    def head(self, place: GitPlace, branch: str) -> str | None:
        heads = self._git("ls-remote", self._folder_of(place), f"refs/heads/{branch}")
        return heads.split()[0] if heads else None

    def merge(self, place: GitPlace, number: int, style: str) -> None:
        method = cast(MergeMethod, style)
        self.server.merge_pull(repository_path(place.url), number, OWNER, method)

    def set_open(self, place: GitPlace, number: int, *, is_open: bool) -> None:
        do = self.server.reopen_pull if is_open else self.server.close_pull
        do(repository_path(place.url), number, OWNER)

    def retarget(self, place: GitPlace, number: int, base: str) -> None:
        self.server.retarget_pull(repository_path(place.url), number, base, OWNER)

    def protect_base(self, place: GitPlace, approvals: int, checks: list[str]) -> None:
        rule = Protection(approvals=approvals, checks=tuple(checks))
        self.server.protect_branch(repository_path(place.url), "main", rule)

    def set_status(self, place: GitPlace, sha: str, context: str, state: str) -> None:
        known = cast(Literal["pending", "failure", "success"], state)
        self.server.set_status(repository_path(place.url), sha, context, known)

    def statuses(self, place: GitPlace, sha: str) -> dict[str, str]:
        github = Github(auth=Auth.Token(self._token), base_url=self.server.api_url)
        with closing(github):
            found = github.get_repo(repository_path(place.url)).get_commit(sha)
            return {item.context: item.state for item in found.get_combined_status().statuses}

    def deployments(self, place: GitPlace) -> list[tuple[str, str, str]]:
        return [
            (item.sha, item.task, item.state or "")
            for item in self.server.deployments(repository_path(place.url))
        ]

    def review(self, place: GitPlace, number: int, *, approves: bool) -> None:
        self.add_reviewer(place)
        state: Literal["APPROVED", "CHANGES_REQUESTED"]
        state = "APPROVED" if approves else "CHANGES_REQUESTED"
        self.server.review(repository_path(place.url), number, REVIEWER, state)

    def add_reviewer(self, place: GitPlace) -> None:
        self.server.set_role(repository_path(place.url), REVIEWER, "write")

    def make_milestone(self, place: GitPlace, title: str) -> None:
        self.server.make_milestone(repository_path(place.url), title)

    def comments(self, place: GitPlace, number: int) -> list[str]:
        pull = self.server.find_pull(repository_path(place.url), number)
        return [comment.body for comment in pull.comments]

    def count_pull_requests(self, place: GitPlace) -> int:
        name = repository_path(place.url)
        count = 0
        with suppress(KeyError):
            while self.server.find_pull(name, count + 1):
                count += 1
        return count

    def _folder_of(self, place: GitPlace) -> str:
        return str(self.server.git_dir(repository_path(place.url)))
