"""The stage with a real Gitea."""

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from album_operator.adapters.config_repository import GitConfigRepository
from album_operator.adapters.gitea import GiteaPullRequests
from album_operator.adapters.source_repository import GitSourceRepository
from album_operator.domain.names import repository_path
from album_operator.domain.places import Credential, ForgePlace, GitPlace
from album_operator.ports import ConfigRepository, PullRequests, SourceRepository
from testbed.commands import wait_until
from tests.contract.gitea_server import ADMIN, GiteaServer
from tests.contract.proxy import losing_proxy
from tests.contract.stages import Line
from tests.fakes.git_history import Commit, File
from tests.fakes.git_server import with_token

REVIEWER = "reviewer"

MERGE_SECONDS = 30
NOTICE_SECONDS = 30

DEAD = "127.0.0.1:9"
"""Port 9 (discard) has no listener and is below those handed out to others."""


class GiteaStage:
    """A real Gitea, written to by git itself."""

    def __init__(self, server: GiteaServer, folder: Path) -> None:
        self.server = server
        hosts = {server.host, DEAD}
        self.cache = folder.with_name("cache")
        config = GitConfigRepository(hosts, cache_folder=self.cache)
        self._closing = (GitSourceRepository(hosts), config)
        self._forge = GiteaPullRequests(hosts)
        self.source: SourceRepository = self._closing[0]
        self.config: ConfigRepository = self._closing[1]
        self.pull_requests: PullRequests = self._forge
        self._folder = folder
        self._git("init", "--quiet", "--bare", str(folder))

    async def close(self) -> None:
        for adapter in self._closing:
            adapter.close()
        await self._forge.close()

    def make_repository(self, name: str) -> GitPlace:
        wish = {"name": name, "private": True, "default_branch": "main"}
        self.server.do("POST", "/user/repos", wish)
        return GitPlace(f"{self.server.url}/{ADMIN}/{name}", self.credential(self.server.token))

    def credential(self, token: str) -> Credential:
        return Credential("album-git", self.server.url, "x-access-token", token)

    def forge_place(self, place: GitPlace) -> ForgePlace:
        host = "/".join(place.url.split("/")[:3])
        return ForgePlace(f"{host}/api/v1", repository_path(place.url), place.credential)

    def over_ssh(self, place: GitPlace) -> GitPlace:
        identity = self.server.make_identity(f"key-{repository_path(place.url).split('/')[1]}")
        credential = Credential(
            "album-git", self.server.ssh_url, "x", "",
            identity=identity, known_hosts=self.server.known_hosts,
        )  # fmt: skip
        return GitPlace(f"{self.server.ssh_url}/{repository_path(place.url)}", credential)

    def dead_place(self) -> GitPlace:
        url = f"http://{DEAD}"
        credential = replace(self.credential("some-token"), url=url)
        return GitPlace(f"{url}/owner/name", credential)

    def store(self, place: GitPlace, commit: Commit) -> str:
        del place  # All repositories are written from one store.
        for parent in commit.parents:
            self._git("cat-file", "-e", parent)
        script = fast_import(commit)
        self._git("fast-import", "--quiet", "--force", data=script)
        made = self._git("rev-parse", "refs/heads/made")
        if made != commit.sha:
            raise AssertionError(f"git made {made}, the fake {commit.sha}: their hashes differ")
        return made

    def set_branch(self, place: GitPlace, branch: str, sha: str | None) -> None:
        self._push(place, f"{sha or ''}:refs/heads/{branch}")
        if sha is not None:
            # Gitea notes in the background that a repository is no longer empty, and knows no
            # pull requests in empty ones.
            wait_until(
                lambda: not self.server.do("GET", f"/repos/{repository_path(place.url)}")["empty"],
                part="gitea",
                what="notice a push",
                seconds=NOTICE_SECONDS,
            )

    def set_tag(self, place: GitPlace, tag: str, sha: str, *, annotated: bool = False) -> None:
        options = ["-a", "-m", "a release"] if annotated else []
        self._git("tag", "--force", *options, tag, sha)
        self._push(place, f"refs/tags/{tag}:refs/tags/{tag}")

    def protect(self, place: GitPlace, beginning: str) -> None:
        self.server.do(
            "POST",
            f"/repos/{repository_path(place.url)}/branch_protections",
            {"rule_name": f"{beginning}**", "enable_push": False},
        )

    def archive(self, place: GitPlace) -> None:
        self.server.do("PATCH", f"/repos/{repository_path(place.url)}", {"archived": True})

    def for_reader(self, place: GitPlace) -> ForgePlace:
        user = f"reader-{repository_path(place.url).rsplit('-', 1)[-1]}"
        self.server.make_user(user)
        path = f"/repos/{repository_path(place.url)}/collaborators/{user}"
        self.server.do("PUT", path, {"permission": "read"})
        token = self.server.make_token("tests", "all", user)
        return self.forge_place(with_token(place, token))

    def head(self, place: GitPlace, branch: str) -> str | None:
        path = f"/repos/{repository_path(place.url)}/git/refs/heads/{branch}"
        status, answer = self.server.call("GET", path)
        return str(answer[0]["object"]["sha"]) if status == 200 else None

    def merge(self, place: GitPlace, number: int, style: str) -> None:
        path = f"/repos/{repository_path(place.url)}/pulls/{number}/merge"
        # Gitea answers 405 until it has checked for conflicts in the background.
        wait_until(
            lambda: self.server.call("POST", path, {"Do": style})[0] == 200,
            part="gitea",
            what="merge",
            seconds=MERGE_SECONDS,
        )

    def set_open(self, place: GitPlace, number: int, *, is_open: bool) -> None:
        self.server.do(
            "PATCH",
            f"/repos/{repository_path(place.url)}/pulls/{number}",
            {"state": "open" if is_open else "closed"},
        )

    def protect_base(self, place: GitPlace, approvals: int, checks: list[str]) -> None:
        self.server.do(
            "POST",
            f"/repos/{repository_path(place.url)}/branch_protections",
            {
                "rule_name": "main",
                "enable_push": True,
                "required_approvals": approvals,
                "enable_status_check": bool(checks),
                "status_check_contexts": checks,
            },
        )

    def set_status(self, place: GitPlace, sha: str, context: str, state: str) -> None:
        path = f"/repos/{repository_path(place.url)}/statuses/{sha}"
        self.server.do("POST", path, {"context": context, "state": state})

    def statuses(self, place: GitPlace, sha: str) -> dict[str, str]:
        path = f"/repos/{repository_path(place.url)}/commits/{sha}/status"
        found = self.server.do("GET", path)["statuses"] or ()
        return {item["context"]: item["status"] for item in found}

    def review(self, place: GitPlace, number: int, *, approves: bool) -> None:
        self.add_reviewer(place)
        token = self.server.tokens[REVIEWER]
        path = f"/repos/{repository_path(place.url)}/pulls/{number}/reviews"
        event = "APPROVED" if approves else "REQUEST_CHANGES"
        self.server.do("POST", path, {"event": event, "body": "A word."}, token=token)

    def add_reviewer(self, place: GitPlace) -> None:
        if REVIEWER not in self.server.tokens:
            self.server.make_user(REVIEWER)
            self.server.tokens[REVIEWER] = self.server.make_token("tests", "all", REVIEWER)
        path = f"/repos/{repository_path(place.url)}/collaborators/{REVIEWER}"
        self.server.do("PUT", path, {"permission": "write"})

    def make_milestone(self, place: GitPlace, title: str) -> None:
        self.server.do("POST", f"/repos/{repository_path(place.url)}/milestones", {"title": title})

    def comments(self, place: GitPlace, number: int) -> list[str]:
        path = f"/repos/{repository_path(place.url)}/issues/{number}/comments"
        return [item["body"] for item in self.server.do("GET", path)]

    def count_pull_requests(self, place: GitPlace) -> int:
        path = f"/repos/{repository_path(place.url)}/pulls?state=all"
        return len(self.server.do("GET", path))

    @asynccontextmanager
    async def losing_line(self, place: GitPlace) -> AsyncIterator[Line]:
        async with losing_proxy(self.server.url) as proxy:
            hosts = {proxy.url.removeprefix("http://")}
            config, forge = GitConfigRepository(hosts), GiteaPullRequests(hosts)
            there = GitPlace(
                place.url.replace(self.server.url, proxy.url),
                replace(place.credential, url=proxy.url),
            )
            try:
                yield Line(there, config, forge)
            finally:
                config.close()
                await forge.close()

    def _push(self, place: GitPlace, refspec: str) -> None:
        self._git("push", "--quiet", "--force", place.url, refspec)

    def _git(self, *arguments: str, data: bytes = b"") -> str:
        header = f"Authorization: token {self.server.token}"
        kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
        identity = {f"GIT_{who}_{what}": f"{what.lower()}@example.org" for who in
                    ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}  # fmt: skip
        ended = subprocess.run(
            ["git", *arguments],
            input=data,
            capture_output=True,
            timeout=60,
            check=False,
            env={
                **kept,
                **identity,
                "GIT_DIR": str(self._folder),
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.extraHeader",
                "GIT_CONFIG_VALUE_0": header,
            },
        )
        if ended.returncode != 0:
            raise AssertionError(f"git {arguments}: {ended.stderr.decode()}")
        return ended.stdout.decode().strip()


def fast_import(commit: Commit) -> bytes:
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
