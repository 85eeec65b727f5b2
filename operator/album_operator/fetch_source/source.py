"""Puts a commit's files where the builder gets them, and what it wants beside them."""

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from album_operator.adapters.forge_failures import SHARES as FORGE_SHARES
from album_operator.adapters.git.checkout import UnwritableError, container_limits
from album_operator.adapters.git.failures import TokenRefusedError
from album_operator.adapters.git.git import SHARES, Git
from album_operator.adapters.servers.gateway import REFUSED_PAUSE, Gateway
from album_operator.domain.errors import TransientError
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason
from album_operator.fetch_source.context import refused
from album_operator.fetch_source.modules import Modules
from album_operator.fetch_source.task import Task

TIME_LIMIT = timedelta(minutes=15)
"""Longest a single git command may take; a stalled transfer ends long before."""

WAITS = (timedelta(seconds=2), timedelta(seconds=8))
"""Between tries: a server's hiccup shall not fail a build."""


def fetch(task: Task, say: Callable[[str], None]) -> None:
    """Put the commit's files into the target folder.

    Raises:
        OutsideError: the server did not give them.
        TaskError: the build would get something else than its Dockerfile is written for.
    """
    _empty(task.target)
    gateway = Gateway(SHARES, Reason.GIT_UNAVAILABLE, proxies=task.proxies)
    git = Git(
        task.insecure_hosts,
        allowed_hosts=task.allowed_hosts,
        gateway=gateway,
        time_limit=TIME_LIMIT,
        folder=task.target,
        limits=container_limits(task.most, TIME_LIMIT),
    )
    try:
        Modules(replace(task, place=_with_token(task)), git, gateway, say).fetch()
    except UnwritableError as error:
        raise refused(
            f"{task.place.url} has a file at {task.commit[:12]} that no disk here can hold: "
            f"{error}.",
            "Give it a shorter name",
        ) from error
    finally:
        git.close()


def _empty(folder: Path) -> None:
    """Remove what a container that was started again finds of its predecessor."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _with_token(task: Task) -> GitPlace:
    """Let a GitHub App make the token that git shows."""
    source = task.place.token_source
    if source is None:
        return task.place
    # Only then: PyGithub takes as long to import as a fetch takes.
    from album_operator.adapters.github.pull_requests import GitHubPullRequests

    async def make() -> str:
        gateway = Gateway(FORGE_SHARES, Reason.FORGE_UNAVAILABLE, proxies=task.proxies)
        forge = GitHubPullRequests(
            task.insecure_hosts, allowed_hosts=task.allowed_hosts, gateway=gateway
        )
        try:
            return await forge.git_token(source)
        finally:
            await forge.close()

    return task.place.with_token(asyncio.run(make()))


def fetch_with_patience(
    task: Task,
    say: Callable[[str], None],
    waits: tuple[timedelta, ...] = WAITS,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch, and try again after troubles that may pass; a refused token once."""
    is_refused = False
    for pause in waits:
        try:
            fetch(task, say)
        except TokenRefusedError as error:
            if is_refused:
                raise
            is_refused = True
            say(f"{error.sentence} Trying once more, for a server that shuts down refuses any.")
            wait(REFUSED_PAUSE.total_seconds())
        except TransientError as error:
            say(f"{error.sentence} Trying again in {pause.total_seconds():.0f} s.")
            wait(pause.total_seconds())
        else:
            return
    fetch(task, say)
