"""Git, run in bare repositories without a work tree, and told to trust nothing.

Every command gets a fixed argument vector, an environment of its own (no configuration of the
system or a user, no hooks, no proxies, one allowed protocol) and a hard time limit.
"""

import asyncio
import stat
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from album_operator.adapters.addresses import check_git_address, check_git_credential
from album_operator.adapters.git_failures import LocalGitError, translate, unavailable
from album_operator.adapters.git_process import Answer, GitProcesses
from album_operator.adapters.git_settings import SETTINGS
from album_operator.adapters.git_ssh import ssh_environment
from album_operator.domain.names import is_ssh
from album_operator.domain.places import GitPlace

T = TypeVar("T")

TIME_LIMIT = timedelta(seconds=60)
"""Longest a single git command may take."""

THREADS = 4

HEADS = "refs/heads/"

ASKPASS = """#!/bin/sh
# Answers git's two questions, and only for the server the token is for.
case "$1" in
"Username for '$ALBUM_GIT_ORIGIN': ") printf '%s\\n' "$ALBUM_GIT_USERNAME" ;;
"Password for '"*"@$ALBUM_GIT_SERVER': ") printf '%s\\n' "$ALBUM_GIT_TOKEN" ;;
*) exit 1 ;;
esac
"""


class Repository:
    """A repository on disk beside the one at a `GitPlace`.

    Args:
        processes: to run git with.
        place: the repository on a server.
        folder: removed after the work; holds all but the repository, and a throw-away one too.
        kept: a bare repository that outlives the work; None for a throw-away one.
    """

    def __init__(
        self, processes: GitProcesses, place: GitPlace, folder: Path, kept: Path | None = None
    ) -> None:
        self.place = place
        self.folder = folder
        self._processes = processes
        self._git_dir = kept or folder / "git"
        self._is_made = kept is not None

    def local(
        self,
        *arguments: str,
        data: bytes = b"",
        variables: Mapping[str, str] | None = None,
        accept: Collection[int] = (0,),
    ) -> Answer:
        """Run a command that talks to no server and is not given the token.

        Args:
            arguments: of git.
            data: standard input.
            variables: further environment.
            accept: exit codes that are no failure.

        Raises:
            LocalGitError: it ended with another exit code, or complained.
        """
        self.make()
        answer = self._run(arguments, data, variables or {})
        # `cat-file` tells an object it cannot read from a missing one on standard error only.
        has_complained = answer.status == 0 and answer.err.startswith("error: ")
        if answer.status not in accept or has_complained:
            raise LocalGitError(arguments[0], answer.err)
        return answer

    def remote(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        file_limit: int | None = None,
    ) -> Answer:
        """Run a command that talks to the place as remote `origin`; look at the status yourself.

        Args:
            arguments: of git.
            variables: further environment.
            settings: further configuration of git.
            file_limit: longest file it may write, in bytes.

        Raises:
            TransientError: it took longer than the time limit.
        """
        with self._credentials() as credentials:
            environment = credentials | dict(variables or {})
            return self._run(arguments, b"", environment, settings or {}, file_limit)

    def make(self) -> None:
        """Make the repository on disk unless it is there."""
        if not self._is_made:
            self._is_made = True
            self.local("init", "--quiet", "--bare", "--template=", str(self._git_dir))

    def list_refs(self, *names: str) -> dict[str, str]:
        """Ask the server for refs by their full names, without fetching anything.

        Returns:
            Object id by name for those that exist; for a symbolic `HEAD` also `ref:HEAD` with the
            name of the branch it stands for.
        """
        # Every repository that is not empty has a HEAD, so no answer at all is suspicious.
        words = ("ls-remote", "--symref", "--end-of-options", "origin", "HEAD", *names)
        answer = self.remote(*words)
        # Over SSH nothing but a git server ends well.
        if answer.status == 0 and not answer.out and not is_ssh(self.place.url):
            answer = self.remote(*words, variables={"GIT_TRACE_PACKET": "1"})
            if "git<" not in answer.err:
                # Git takes any page, such as a proxy's login, for an old server without refs.
                raise unavailable(self.place, "what answers there is no git server")
        if answer.status != 0:
            raise translate(self.place, "read", answer.err)
        found = {}
        for line in answer.out.decode(errors="replace").splitlines():
            value, _, name = line.partition("\t")
            # ls-remote matches the ends of names; only whole ones are asked for.
            if name not in names:
                continue
            if value.startswith("ref: "):
                found[f"ref:{name}"] = value.removeprefix("ref: ").strip()
            else:
                found[name] = value
        return found

    def fetch(self, what: Collection[str], *options: str) -> None:
        """Fetch objects by id or refs by name, with options such as `--depth=1`.

        Raises:
            OutsideError: translated.
        """
        answer = self.try_fetch(what, *options)
        if answer.status != 0:
            raise translate(self.place, "read", answer.err)

    def try_fetch(
        self,
        what: Collection[str],
        *options: str,
        settings: Mapping[str, str] | None = None,
        file_limit: int | None = None,
    ) -> Answer:
        """Fetch as `fetch` does, and give back how it ended; more as of `remote`."""
        self.make()
        return self.remote(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            *options,
            "--end-of-options",
            "origin",
            *what,
            settings=settings,
            file_limit=file_limit,
        )

    def _run(
        self,
        arguments: tuple[str, ...],
        data: bytes,
        variables: Mapping[str, str],
        settings: Mapping[str, str] | None = None,
        file_limit: int | None = None,
    ) -> Answer:
        environment = self._environment(settings or {}) | dict(variables)
        try:
            return self._processes.execute(
                arguments, data, environment, self.folder, file_limit=file_limit
            )
        except subprocess.TimeoutExpired as error:
            said = f"git {arguments[0]} took longer than {error.timeout:.0f} seconds"
            raise unavailable(self.place, said) from None

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        home = str(self.folder / "home")
        settings = {**SETTINGS, "remote.origin.url": self.place.url, **more}
        environment = {
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "TMPDIR": str(self.folder),
            "GIT_DIR": str(self._git_dir),
            "GIT_INDEX_FILE": str(self.folder / "index"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            # Local commands allow none: an absent object must not be fetched behind our back.
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        return environment

    @contextmanager
    def _credentials(self) -> Iterator[dict[str, str]]:
        """Give the environment of a command that talks to the place."""
        if is_ssh(self.place.url):
            with ssh_environment(self.place.credential) as environment:
                yield environment
            return
        parts = urlsplit(self.place.url)
        helper = self.folder / "askpass"
        if not helper.exists():
            helper.write_text(ASKPASS)
            helper.chmod(stat.S_IRWXU)
        yield {
            "GIT_ALLOW_PROTOCOL": parts.scheme,
            "GIT_ASKPASS": str(helper),
            "ALBUM_GIT_ORIGIN": f"{parts.scheme}://{parts.netloc}",
            "ALBUM_GIT_SERVER": parts.netloc,
            "ALBUM_GIT_USERNAME": self.place.credential.username,
            "ALBUM_GIT_TOKEN": self.place.credential.token,
        }


class Git:
    """Runs git for one port, a few commands at a time, each in a thread.

    Args:
        insecure_hosts: `host[:port]` of servers that may be spoken to in plain HTTP.
        time_limit: longest a single command may take.
        folder: where throw-away folders are made; None for the system's temporary folder.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        *,
        time_limit: timedelta = TIME_LIMIT,
        folder: Path | None = None,
    ) -> None:
        self._insecure_hosts = frozenset(insecure_hosts)
        self._processes = GitProcesses(time_limit)
        self._folder = folder
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="git")

    async def run(
        self, place: GitPlace, work: Callable[[Repository], T], kept: Path | None = None
    ) -> T:
        """Do some work with a repository in a thread.

        Args:
            place: the repository on a server.
            work: what to do.
            kept: the bare repository to do it in; None for a throw-away one.

        Raises:
            TerminalError: `HostNotAllowed` before anything is sent.
        """

        def run_in_repository() -> T:
            with self.open(place, kept) as repository:
                return work(repository)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run_in_repository)

    @contextmanager
    def open(self, place: GitPlace, kept: Path | None = None) -> Iterator[Repository]:
        """Give a kept repository, or a throw-away one that is removed, for use in this thread."""
        self._check(place)
        try:
            with tempfile.TemporaryDirectory(
                prefix="album-git-", dir=self._folder, ignore_cleanup_errors=True
            ) as folder:
                (Path(folder) / "home").mkdir()
                yield Repository(self._processes, place, Path(folder), kept)
        except OSError as error:
            raise LocalGitError("repository", error.strerror or str(error)) from error

    def _check(self, place: GitPlace) -> None:
        check_git_address(place.url, self._insecure_hosts)
        check_git_credential(place.credential, place.url)

    def close(self) -> None:
        """Kill what runs and take no more work."""
        self._processes.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
