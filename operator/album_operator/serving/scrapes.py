"""`/metrics`: what is counted and measured, for Prometheus."""

import asyncio

from aiohttp import web

from album_operator import VERSION
from album_operator.metrics import declared
from album_operator.metrics.metrics import Metrics
from album_operator.serving.health import LAST_SECONDS, Health


def read_health(metrics: Metrics, health: Health) -> None:
    """Let the gauges of the operator itself be read of what its probes know."""
    metrics.read(declared.BUILD_INFO, lambda: [((VERSION,), 1.0)])
    metrics.read(declared.LEADER, lambda: [((), float(health.standby is None))])
    metrics.read(
        declared.NAMESPACES,
        lambda: [
            (("served",), float(len(health.served))),
            (("refused",), float(len(health.refused))),
        ],
    )


async def serve_metrics(metrics: Metrics, port: int) -> web.AppRunner:
    """Serve metrics on all addresses of the Pod; the caller cleans the runner up."""
    turn = asyncio.Lock()

    async def expose(_: web.Request) -> web.StreamResponse:
        # One at a time, and in a thread: many who ask keep no pass from its turn.
        async with turn:
            metrics.look()
            body = await asyncio.to_thread(metrics.text)
        return web.Response(body=body, headers={"Content-Type": metrics.content_type})

    app = web.Application()
    app.router.add_get("/metrics", expose)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
