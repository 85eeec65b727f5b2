"""A running stand-in: in a thread of its own, with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from testbed.github import deliveries, following
from testbed.github.control import Control
from testbed.github.faults import Faults
from testbed.github.gate import Gate
from testbed.github.limits import Limits
from testbed.github.site import LoggedRequest, Site
from testbed.github.web import Web
from testbed.github.world import Event, Hook, World

_READY_SECONDS = 30


class ViolationError(AssertionError):
    """Something did not keep to GitHub's own descriptions of its interfaces."""


class GitHubServer(Control):
    """A stand-in for GitHub on loopback.

    Attributes:
        url: such as `http://127.0.0.1:43210`.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(Site(World(folder)))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._web = Web(self._site, self._do)
        self.make_user(following.QUEUE_BOT, "Bot")

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return self._world.url

    @property
    def host(self) -> str:
        """Host and port, as in the operator's list of insecure hosts."""
        return self.url.removeprefix("http://")

    @property
    def api_url(self) -> str:
        """Base of the REST API, which is PyGithub's `base_url`."""
        return self._world.api_url

    @property
    def faults(self) -> Faults:
        """The faults that are armed."""
        return self._site.faults

    @property
    def gates(self) -> list[Gate]:
        """Each may hold one request back; the list may be changed."""
        return self._site.gates

    @property
    def limits(self) -> Limits:
        """The rate limits; they may be changed."""
        return self._site.limiter.limits

    @property
    def requests(self) -> list[LoggedRequest]:
        """All requests that were answered, oldest first; it may be cleared."""
        return self._site.requests

    @property
    def events(self) -> list[Event]:
        """All that happened, as webhook events, oldest first."""
        return self._world.events

    @property
    def violations(self) -> list[str]:
        """What did not keep to GitHub's descriptions; it may be cleared."""
        return self._world.violations

    @property
    def latency(self) -> float:
        """Seconds before each answer."""
        return self._site.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._site.latency = seconds

    def deliver(self, url: str, secret: str, event: Event) -> int:
        """Send an event to a webhook now, and give the status of the answer; 0 for none."""
        sending = deliveries.deliver(url, secret, event)
        return asyncio.run_coroutine_threadsafe(sending, self._loop).result()

    def make_hook(self, name: str, url: str, secret: str) -> None:
        """Send all events of a repository to a webhook from now on, each once, in no order.

        A hook of the same repository and URL gives way to it.
        """

        def send(event: Event) -> None:
            sending = deliveries.deliver(url, secret, event)
            asyncio.run_coroutine_threadsafe(sending, self._loop)

        with self._world.lock:
            hook = Hook(self._find(name), url, send)
            others = [
                each
                for each in self._world.hooks
                if (each.repository, each.url) != (hook.repository, url)
            ]
            self._world.hooks = [*others, hook]

    @contextmanager
    def running(self, host: str, port: int) -> Iterator[None]:
        """Answer requests; 0 is a free port."""
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(self._web.start(host, port), self._loop)
        runner, bound = starting.result(_READY_SECONDS)
        self._world.url = f"http://{host}:{bound}"
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(_end(runner), self._loop).result(_READY_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def check(self) -> None:
        """Make sure that all kept to GitHub's descriptions.

        Raises:
            ViolationError: Something did not.
        """
        if self.violations:
            raise ViolationError("\n".join(self.list_violations()))

    def _do(self, name: str, arguments: dict[str, Any]) -> object:
        """Do what is asked below `/_standin/`: a method of this class, with its arguments."""
        is_control = not name.startswith("_") and callable(getattr(Control, name, None))
        if not is_control and name != "make_hook":
            raise AttributeError(name)
        done = getattr(self, name)(**arguments)
        return done if isinstance(done, (str, int, list, tuple, type(None))) else str(done)


async def _end(runner: web.AppRunner) -> None:
    """Stop to listen, and give up the deliveries that are under way."""
    await runner.cleanup()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def running_github(folder: Path, host: str = "127.0.0.1", port: int = 0) -> Iterator[GitHubServer]:
    """Run a stand-in whose repositories are in a folder.

    Raises:
        ViolationError: At the end, where something did not keep to GitHub's descriptions.
    """
    server = GitHubServer(folder)
    with server.running(host, port):
        yield server
    server.check()
