"""The stage with the GitHub stand-in."""

import base64
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from github import Auth, Github

from album_operator.adapters.config_repository import GitConfigRepository
from album_operator.adapters.github import GitHubPullRequests
from album_operator.adapters.source_repository import GitSourceRepository
from album_operator.domain.names import repository_path
from album_operator.domain.places import Credential, ForgePlace, ForgeType, GitPlace
from album_operator.ports import ConfigRepository, PullRequests, SourceRepository
from testbed.github.model import MergeMethod, Protection
from testbed.github.server import GitHubServer
from tests.contract.gitea_stage import DEAD, fast_import
from tests.contract.proxy import losing_proxy
from tests.contract.stages import Line
from tests.fakes.git_history import Commit
from tests.fakes.git_server import with_token

OWNER, REVIEWER = "octo", "reviewer"


class GitHubStage:
    """A stand-in for GitHub, written to by git itself.

    Args:
        server: the stand-in, shared by all tests, with user `octo`.
        token: of that user.
        folder: for a repository all others are written from.
    """

    def __init__(self, server: GitHubServer, token: str, folder: Path) -> None:
        self.server = server
        hosts = {server.host, DEAD}
        config = GitConfigRepository(hosts, cache_folder=folder.with_name("cache"))
        self._closing = (GitSourceRepository(hosts), config)
        self._forge = GitHubPullRequests(hosts)
        self.source: SourceRepository = self._closing[0]
        self.config: ConfigRepository = self._closing[1]
        self.pull_requests: PullRequests = self._forge
        self._token = token
        self._folder = folder
        self._git("init", "--quiet", "--bare", str(folder))

    async def close(self) -> None:
        for adapter in self._closing:
            adapter.close()
        await self._forge.close()

    def make_repository(self, name: str) -> GitPlace:
        self.server.make_repository(f"{OWNER}/{name}", private=True, allow_auto_merge=True)
        return GitPlace(f"{self.server.url}/{OWNER}/{name}", self.credential(self._token))

    def credential(self, token: str) -> Credential:
        return Credential("album-git", self.server.url, "x-access-token", token)

    def forge_place(self, place: GitPlace) -> ForgePlace:
        host = "/".join(place.url.split("/")[:3])
        path = repository_path(place.url)
        return ForgePlace(f"{host}/api/v3", path, place.credential, ForgeType.GITHUB)

    def over_ssh(self, place: GitPlace) -> GitPlace:
        raise NotImplementedError("the stand-in speaks no SSH")

    def dead_place(self) -> GitPlace:
        url = f"http://{DEAD}"
        credential = replace(self.credential("some-token"), url=url)
        return GitPlace(f"{url}/owner/name", credential)

    def store(self, place: GitPlace, commit: Commit) -> str:
        del place  # All repositories are written from one store.
        self._git("fast-import", "--quiet", "--force", data=fast_import(commit))
        made = self._git("rev-parse", "refs/heads/made")
        if made != commit.sha:
            raise AssertionError(f"git made {made}, the fake {commit.sha}: their hashes differ")
        return made

    def set_branch(self, place: GitPlace, branch: str, sha: str | None) -> None:
        self._push(place, f"{sha or ''}:refs/heads/{branch}")

    def set_tag(self, place: GitPlace, tag: str, sha: str, *, annotated: bool = False) -> None:
        options = ["-a", "-m", "a release"] if annotated else []
        self._git("tag", "--force", *options, tag, sha)
        self._push(place, f"refs/tags/{tag}:refs/tags/{tag}")

    def protect(self, place: GitPlace, beginning: str) -> None:
        raise NotImplementedError("the stand-in protects branches by their whole names")

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

    @asynccontextmanager
    async def losing_line(self, place: GitPlace) -> AsyncIterator[Line]:
        async with losing_proxy(self.server.url) as proxy:
            hosts = {proxy.url.removeprefix("http://")}
            config, forge = GitConfigRepository(hosts), GitHubPullRequests(hosts)
            there = GitPlace(
                place.url.replace(self.server.url, proxy.url),
                replace(place.credential, url=proxy.url),
            )
            try:
                yield Line(there, config, forge)
            finally:
                config.close()
                await forge.close()

    def _folder_of(self, place: GitPlace) -> str:
        return str(self.server.git_dir(repository_path(place.url)))

    def _push(self, place: GitPlace, refspec: str) -> None:
        self._git("push", "--quiet", "--force", place.url, refspec)

    def _git(self, *arguments: str, data: bytes = b"") -> str:
        login = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
        people = {
            f"GIT_{who}_{what}": f"{what.lower()}@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        ended = subprocess.run(
            ["git", *arguments],
            input=data,
            capture_output=True,
            timeout=60,
            check=False,
            env={
                "PATH": os.environ["PATH"],
                **people,
                "GIT_DIR": str(self._folder),
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
            },
        )
        if ended.returncode != 0:
            raise AssertionError(f"git {arguments}: {ended.stderr.decode()}")
        return ended.stdout.decode().strip()
