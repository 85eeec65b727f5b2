"""`/healthz` and `/readyz`: whether the operator lives and can do its work."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from album_operator.stopwatch import Stopwatch

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API_ANSWER_AGE = 45.0
"""Seconds after which an answer of the API server is too old to call the operator ready."""

LAST_SECONDS = 2.0
"""When the operator stops, whoever asks and does not read holds a port so long, and once more."""

LONGEST_PASS = 900.0
"""Seconds of work after which a pass counts as stuck: far above the sum of its own timeouts."""


@dataclass
class Health:
    """What the probes tell of.

    Attributes:
        clock: monotonic seconds.
        served: namespaces whose releases are watched.
        refused: what is in the way, by namespace that is not served for it.
        api_answered: when the API server last answered.
        passes: how long each running pass works, by release; what it queues for is not counted.
        standby: who leads, in words, or why nobody knows; None while this operator does.
    """

    clock: Callable[[], float] = time.monotonic
    served: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    api_answered: float | None = None
    passes: dict[str, Stopwatch] = field(default_factory=dict)
    standby: str | None = None

    def serve(self, namespace: str) -> None:
        """Note that a namespace is served."""
        self.refused.pop(namespace, None)
        self.served = (*(name for name in self.served if name != namespace), namespace)

    def refuse(self, namespace: str, why: str) -> None:
        """Note that a namespace is not served."""
        self.served = tuple(name for name in self.served if name != namespace)
        self.refused[namespace] = why

    def stand_by(self, words: str, *, answered: bool) -> None:
        """Note that this operator does not lead.

        Args:
            words: as of `standby`.
            answered: whether the API server said so just now.
        """
        self.standby = words
        if answered:
            self.api_answered = self.clock()

    def is_alive(self) -> tuple[bool, str]:
        """Tell whether no pass is stuck; that the answer comes at all proves the event loop."""
        stuck = [name for name, watch in self.passes.items() if watch.seconds > LONGEST_PASS]
        return (False, f"stuck: {', '.join(stuck)}") if stuck else (True, "ok")

    def is_ready(self) -> tuple[bool, str]:
        """Tell whether releases are served: watches are set up and the API server answers.

        Who stands by is ready as long as it could take over. Were it not, no rollout of the
        Deployment would ever end: the old leader only goes once the new Pods are ready.
        """
        is_silent = self.api_answered is None or self.clock() - self.api_answered > API_ANSWER_AGE
        if self.standby is not None:
            return not is_silent, f"standby, {self.standby}"
        if not self.served:
            missing = "; ".join(f"{name}: {what}" for name, what in self.refused.items())
            return False, f"no namespace is served. {missing}"
        if is_silent:
            return False, "the API server has not answered lately"
        missing = "; ".join(f"not {name}: {what}" for name, what in self.refused.items())
        return True, f"serving {', '.join(self.served)}. {missing}".strip()


async def serve_health(health: Health, port: int) -> web.AppRunner:
    """Serve the probes on all addresses of the Pod; the caller cleans the runner up."""

    def answer(ask: Callable[[], tuple[bool, str]]) -> Handler:
        async def handle(_: web.Request) -> web.StreamResponse:
            good, text = ask()
            return web.Response(text=f"{text}\n", status=200 if good else 503)

        return handle

    app = web.Application()
    app.router.add_get("/healthz", answer(health.is_alive))
    app.router.add_get("/readyz", answer(health.is_ready))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
