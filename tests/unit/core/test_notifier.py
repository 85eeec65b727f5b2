"""Who is told of a whole release, and that nobody waits for them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from album_operator.domain.notifications import TOLD, Letter, Sink, SinkFormat
from album_operator.metrics.metrics import Metrics
from album_operator.notifications import lines
from album_operator.notifications.notifier import Notifier
from tests.fakes.cluster import fail_build, finish_build
from tests.unit.core.stage import Stage

BUS = Sink("bus", "https://bus.example.org", SinkFormat.CLOUD_EVENTS, TOLD[SinkFormat.CLOUD_EVENTS])
TEAM = Sink("team", "https://team.example.org", SinkFormat.SLACK, TOLD[SinkFormat.SLACK])


@dataclass
class Mailbox:
    """Sinks that take all, or hang.

    Attributes:
        taken: body by the sink's name, in order.
        hangs: names of those that never answer.
    """

    taken: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    hangs: frozenset[str] = frozenset()

    async def post(self, sink: Sink, letter: Letter, now: datetime) -> None:
        """Take a letter."""
        assert now.tzinfo is not None
        if sink.name in self.hangs:
            await asyncio.Event().wait()
        self.taken.append((sink.name, json.loads(letter.body)))

    def of(self, sink: Sink) -> list[Mapping[str, Any]]:
        """Give what one was told."""
        return [body for name, body in self.taken if name == sink.name]


@dataclass
class Scene:
    """A stage whose releases are told of."""

    stage: Stage
    notifier: Notifier
    metrics: Metrics

    def figures(self) -> list[str]:
        """Give the lines of the metrics of notifications."""
        lines = self.metrics.render().decode().splitlines()
        return [line for line in lines if line.startswith("album_notifications_")]


def _scene(way: Mailbox, *sinks: Sink) -> Scene:
    stage, metrics = Stage(), Metrics()
    notifier = Notifier(stage.world, sinks, way, metrics)
    stage.world.observers.append(notifier.observe)
    return Scene(stage, notifier, metrics)


@asynccontextmanager
async def _telling(notifier: Notifier) -> AsyncIterator[None]:
    task = asyncio.ensure_future(notifier.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _build(stage: Stage) -> None:
    stage.apply()
    await stage.settle()
    (job,) = stage.cluster.all_of("Job")
    finish_build(stage.cluster, job)
    await stage.settle()


async def test_each_sink_is_told_of_its_events_in_its_format() -> None:
    way = Mailbox()
    scene = _scene(way, BUS, TEAM, replace(TEAM, name="others", namespaces=frozenset({"other"})))
    async with _telling(scene.notifier):
        await _build(scene.stage)
    kinds = [event["type"].split(".")[2:4] for event in way.of(BUS)]
    assert kinds == [["pipelinerun", "started"], ["artifact", "published"], ["change", "created"]]
    (text,) = way.of(TEAM)
    assert text["text"].startswith(":arrow_forward: *backend v1.1.0*: its pull request is open.")
    assert way.of(replace(TEAM, name="others")) == []
    assert {line for line in scene.figures() if not line.endswith(" 0.0")} == {
        'album_notifications_total{result="sent",sink="bus"} 3.0',
        'album_notifications_total{result="sent",sink="team"} 1.0',
    }


async def test_figures_of_an_admins_sinks_begin_at_zero_so_that_the_first_loss_is_an_increase() -> (
    None
):
    assert sorted(_scene(Mailbox(), BUS).figures()) == [
        'album_notifications_queued{sink="bus"} 0.0',
        *(
            f'album_notifications_total{{result="{result}",sink="bus"}} 0.0'
            for result in ("dropped", "expired", "refused", "sent")
        ),
    ]


async def test_a_sink_that_hangs_is_in_no_releases_way_and_in_no_other_sinks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "LAST_SECONDS", 0.01)
    way = Mailbox(hangs=frozenset({"bus"}))
    scene = _scene(way, BUS, TEAM)
    async with _telling(scene.notifier):
        await _build(scene.stage)
        assert scene.stage.ready() == ("Unknown", "AwaitingMerge")
        assert 'album_notifications_queued{sink="bus"} 3.0' in scene.figures()
    assert len(way.of(TEAM)) == 1


async def test_an_app_that_flaps_is_told_of_once_and_what_fails_again_with_each_attempt() -> None:
    """By argocd-notifications #153, argo-cd #19847 and Flux' notification-controller #158."""
    way = Mailbox()
    scene = _scene(way, TEAM)
    stage = scene.stage
    async with _telling(scene.notifier):
        await stage.release_until_merged()
        await stage.settle()
        stage.argocd.run()
        await stage.settle()
        for health in ("Degraded", "Healthy", "Progressing", "Healthy"):
            stage.argocd.set_health("album-app-backend", health)
            await stage.settle()
        stage.clock.advance(timedelta(seconds=60))
        await stage.settle()
        assert stage.ready() == ("True", "Released")
        for health in ("Degraded", "Progressing", "Healthy"):
            stage.argocd.set_health("album-app-backend", health)
            await stage.settle()

        failing = "frontend-v1.1.0"
        stage.apply(failing)
        await stage.settle(failing)
        for attempt in ("first", "second"):
            fail_build(stage.cluster, stage.jobs[-1])
            for _ in range(5):
                await stage.settle(failing)
            if attempt == "first":
                stage.annotate(failing, retry="again")
                await stage.settle(failing)
    told = [event["text"].split()[0] for event in way.of(TEAM)]
    assert told == [":arrow_forward:", ":white_check_mark:", ":x:", ":x:"]


async def test_what_waits_when_the_operator_stops_is_posted_for_a_moment() -> None:
    way = Mailbox()
    scene = _scene(way, BUS)
    telling = asyncio.ensure_future(scene.notifier.run())
    await asyncio.sleep(0)
    await _build(scene.stage)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    assert len(way.of(BUS)) == 3


async def test_without_sinks_nothing_is_written() -> None:
    scene = _scene(Mailbox())
    async with _telling(scene.notifier):
        await _build(scene.stage)
    assert scene.figures() == []
