"""`/metrics`: what is counted and measured, for Prometheus."""

import asyncio

from aiohttp import web

from album_operator.metrics.metrics import Metrics


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
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
