"""What the stages on real servers share: a store that all repositories are written from by git."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.domain.places import Credential, GitPlace
from album_operator.ports import ConfigRepository, PullRequests, SourceRepository
from tests.contract.plain_git import git
from tests.contract.proxy import losing_proxy
from tests.contract.stages import Line
from tests.fakes.git_history import Commit, File

DEAD = "127.0.0.1:9"
"""Port 9 (discard) has no listener and is below those handed out to others."""


LOOPBACK = frozenset({"127.0.0.1"})
"""Where all servers of tests are, which no pipeline may name unless an admin lets it."""


class ClosablePullRequests(PullRequests, Protocol):
    """An adapter with connections of its own."""

    async def close(self) -> None:
        """Close all connections."""


class GitStage:
    """A real server, written to by git itself.

    Args:
        url: of the server.
        authorization: header that git shows it.
        folder: for a repository all others are written from.
    """

    def __init__(self, url: str, authorization: str, folder: Path) -> None:
        self._url = url
        self._authorization = authorization
        self._folder = folder
        hosts = {url.removeprefix("http://"), DEAD}
        self.cache = folder.with_name("cache")
        self._hosts = hosts
        source, config = (
            GitSourceRepository(hosts, allowed_hosts=LOOPBACK),
            GitConfigRepository(hosts, allowed_hosts=LOOPBACK, cache_folder=self.cache),
        )
        forge = self._forge = self.connect_forge(hosts)
        self._closing: list[GitSourceRepository | GitConfigRepository] = [source, config]
        self._forges = [forge]
        self.source: SourceRepository = source
        self.config: ConfigRepository = config
        self.pull_requests: PullRequests = forge
        self._git("init", "--quiet", "--bare", str(folder))

    def connect_forge(self, hosts: Collection[str]) -> ClosablePullRequests:
        """Give an adapter of the server's kind of forge."""
        raise NotImplementedError

    async def close(self) -> None:
        for adapter in self._closing:
            adapter.close()
        for forge in self._forges:
            await forge.close()

    def connect_another(self) -> tuple[ConfigRepository, PullRequests]:
        config, forge = (
            GitConfigRepository(self._hosts, allowed_hosts=LOOPBACK),
            self.connect_forge(self._hosts),
        )
        self._closing.append(config)
        self._forges.append(forge)
        return config, forge

    def credential(self, token: str) -> Credential:
        return Credential("album-git", self._url, "x-access-token", token)

    def dead_place(self) -> GitPlace:
        url = f"http://{DEAD}"
        credential = replace(self.credential("some-token"), url=url)
        return GitPlace(f"{url}/owner/name", credential)

    def store(self, place: GitPlace, commit: Commit) -> str:
        del place  # All repositories are written from one store.
        for parent in commit.parents:
            self._git("cat-file", "-e", parent)
        self._git("fast-import", "--quiet", "--force", data=_fast_import(commit))
        made = self._git("rev-parse", "refs/heads/made")
        if made != commit.sha:
            raise AssertionError(f"git made {made}, the fake {commit.sha}: their hashes differ")
        return made

    def set_branch(self, place: GitPlace, branch: str, sha: str | None) -> None:
        self.set_branches(place, {branch: sha})

    def set_branches(self, place: GitPlace, branches: Mapping[str, str | None]) -> None:
        specs = [f"{sha or ''}:refs/heads/{branch}" for branch, sha in branches.items()]
        self._push(place, *specs)

    def put_back(self, place: GitPlace, number: int, branch: str) -> None:
        self._git("fetch", "--quiet", place.url, f"refs/pull/{number}/head")
        self._push(place, f"FETCH_HEAD:refs/heads/{branch}")

    def set_tag(self, place: GitPlace, tag: str, sha: str, *, annotated: bool = False) -> None:
        options = ["-a", "-m", "a release"] if annotated else []
        self._git("tag", "--force", *options, tag, sha)
        self._push(place, f"refs/tags/{tag}:refs/tags/{tag}")

    @asynccontextmanager
    async def losing_line(self, place: GitPlace) -> AsyncIterator[Line]:
        async with losing_proxy(self._url) as proxy:
            hosts = {proxy.url.removeprefix("http://")}
            config, forge = GitConfigRepository(hosts), self.connect_forge(hosts)
            there = GitPlace(
                place.url.replace(self._url, proxy.url),
                replace(place.credential, url=proxy.url),
            )
            try:
                yield Line(there, config, forge)
            finally:
                config.close()
                await forge.close()

    def _push(self, place: GitPlace, *refspecs: str) -> None:
        self._git("push", "--quiet", "--force", place.url, *refspecs)

    def _git(self, *arguments: str, data: bytes = b"") -> str:
        people = {
            f"GIT_{who}_{what}": f"{what.lower()}@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        variables = {
            **people,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: {self._authorization}",
        }
        return git(self._folder, *arguments, data=data, variables=variables, seconds=60)


def _fast_import(commit: Commit) -> bytes:
    """Describe a commit for git-fast-import."""
    who = f"{commit.name} <{commit.email}> {int(commit.date.timestamp())} +0000"
    # The branch is made anew each time: without `from` it would go on from the commit before.
    lines = [b"reset refs/heads/made\ncommit refs/heads/made\n"]
    lines += [f"author {who}\ncommitter {who}\n".encode(), _data(commit.message.encode())]
    for word, parent in zip(("from", *["merge"] * 9), commit.parents, strict=False):
        lines.append(f"{word} {parent}\n".encode())
    lines.append(b"deleteall\n")
    for path, file in commit.files.items():
        lines += _modify(path, file)
    return b"".join(lines)


def _modify(path: str, file: File) -> list[bytes]:
    if file.mode == "160000":
        return [f"M 160000 {file.oid} {path}\n".encode()]
    return [f"M {file.mode} inline {path}\n".encode(), _data(file.data)]


def _data(data: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(data), data)
