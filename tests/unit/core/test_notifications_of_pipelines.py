"""Sinks that pipelines name: told only where an admin lets them, and told of when they are not."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.notifications import TOLD, Notification, ReleaseEvent, Sink, SinkFormat
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.metrics.metrics import Metrics
from album_operator.notifications import lines, of_pipelines
from album_operator.notifications.lines import Lines
from album_operator.notifications.notifier import Notifier
from album_operator.notifications.of_pipelines import PAUSES, OfPipelines
from album_operator.pipelines.cause import Cause
from tests.fakes.builders import NAMESPACE, NOW, RECORD, RELEASE, raw_pipeline
from tests.fakes.cluster import raw_secret
from tests.unit.core.stage import Stage
from tests.unit.core.test_notifier import Mailbox

PIPELINE = Ref(NAMESPACE, "album-app")
SINK = {"name": "team", "secretRef": {"name": "team-chat"}, "format": "Slack"}
URL = "https://hooks.example.org/canary"
HOSTS = "hooks.example.org"
FAILED = Notification("1f", ReleaseEvent.FAILED, NOW, RELEASE, RECORD)


def _stage(*sinks: dict[str, Any], hosts: str = HOSTS, url: str = URL) -> Stage:
    stage = Stage(ALBUM_NOTIFICATION_HOSTS=hosts)
    stage.cluster.apply(raw_pipeline(notifications=[*(sinks or (SINK,))]))
    stage.cluster.apply(raw_secret("team-chat", url=url))
    return stage


async def _told(stage: Stage, way: Mailbox, until: Callable[[Metrics], bool]) -> Metrics:
    """Let a release fail its first checks, and wait until that is told of."""
    metrics = Metrics()
    notifier = Notifier(stage.world, (), way, metrics)
    stage.world.observers.append(notifier.observe)
    running = asyncio.ensure_future(notifier.run())
    stage.apply("backend-v9.9.9", tag="backend-v9.9.9")
    await stage.settle("backend-v9.9.9")
    async with asyncio.timeout(20):
        while not until(metrics):
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return metrics


def _counted(result: str) -> Callable[[Metrics], bool]:
    line = f'album_notifications_total{{result="{result}",sink="album/album-app/team"}} 1.0'
    return lambda metrics: line in metrics.render().decode()


def _lost(result: str, times: int = 1) -> str:
    return f'album_notifications_total{{result="{result}",sink="album/album-app"}} {times}.0'


def _sink(name: str, owner: str) -> Sink:
    form = SinkFormat.SLACK
    return Sink(name, URL, form, TOLD[form], owner=owner)


def _ready(status: dict[str, Any]) -> tuple[str, str]:
    (ready,) = (one for one in status["conditions"] if one["type"] == "Ready")
    return ready["status"], ready["message"]


async def test_a_sink_of_a_pipeline_is_told() -> None:
    way = Mailbox()
    metrics = await _told(_stage(), way, _counted("sent"))
    ((name, body),) = way.taken
    assert name == "album/album-app/team"
    assert "TagNotFound" in body["text"]
    # What no longer waits is forgotten: pipelines can name sinks without end.
    assert "album_notifications_queued{" not in metrics.render().decode()


async def test_a_host_that_no_admin_has_listed_is_told_nothing() -> None:
    way = Mailbox()
    stage = _stage(url="https://evil.example.org/canary")
    await _told(stage, way, _counted("refused"))
    assert way.taken == []


async def test_events_that_a_sink_did_not_ask_for_cost_no_look_at_its_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = Mailbox()
    stage = _stage({**SINK, "name": "quiet", "events": ["Released"]}, SINK)
    asked = []
    find = stage.world.secrets.find_sink_secret

    async def note(ref: Ref) -> Any:  # noqa: ANN401 - as the port has it
        asked.append(ref)
        return await find(ref)

    monkeypatch.setattr(stage.world.secrets, "find_sink_secret", note)
    await _told(stage, way, _counted("sent"))
    assert len(asked) == 1


async def test_without_hosts_nothing_is_asked_for() -> None:
    way = Mailbox()
    stage = _stage(hosts="")
    notifier = OfPipelines(stage.world, Lines(way, stage.clock, Metrics()))
    notifier.note(PIPELINE, [FAILED])
    running = asyncio.ensure_future(notifier.run())
    await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert way.taken == []


async def test_an_api_server_that_is_away_is_waited_for_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    way, stage, waited = Mailbox(), _stage(), list[float]()
    find, is_away = stage.world.releases.find_pipeline, True

    async def fail(ref: Ref) -> Any:  # noqa: ANN401 - as the port has it
        if is_away:
            raise TransientError(Reason.CLUSTER_UNAVAILABLE, "The API server is away.")
        return await find(ref)

    async def pause(seconds: float) -> None:
        nonlocal is_away
        waited.append(seconds)
        is_away = len(waited) < len(PAUSES) + 2
        await asyncio.sleep(0)

    monkeypatch.setattr(stage.world.releases, "find_pipeline", fail)
    metrics = Metrics()
    sinks = OfPipelines(stage.world, Lines(way, stage.clock, metrics), pause)
    sinks.note(PIPELINE, [FAILED])
    sinks.note(PIPELINE, [FAILED])
    running = asyncio.ensure_future(sinks.run())
    async with asyncio.timeout(20):
        while not way.taken:
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert waited == [*PAUSES, *PAUSES[:2]]
    said = "AlbumPipeline album/album-app: notifications are lost: The API server is away."
    assert said in caplog.text
    assert _lost("expired") in metrics.render().decode()


async def test_a_secret_that_cannot_be_read_holds_no_other_pipeline_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way, stage, metrics, other = Mailbox(), _stage(), Metrics(), Ref(NAMESPACE, "other")
    pipeline = raw_pipeline(notifications=[{**SINK, "secretRef": {"name": "other-chat"}}])
    pipeline["metadata"]["name"] = other.name
    stage.cluster.apply(pipeline)
    stage.cluster.apply(raw_secret("other-chat", url=URL))
    find, asked = stage.world.secrets.find_sink_secret, asyncio.Event()

    async def hang(ref: Ref) -> Any:  # noqa: ANN401 - as the port has it
        if ref.name == "team-chat":
            asked.set()
            await asyncio.Event().wait()
        return await find(ref)

    monkeypatch.setattr(stage.world.secrets, "find_sink_secret", hang)
    sinks = OfPipelines(stage.world, Lines(way, stage.clock, metrics))
    running = asyncio.ensure_future(sinks.run())
    async with asyncio.timeout(20):
        sinks.note(PIPELINE, [FAILED])
        await asked.wait()
        sinks.note(other, [FAILED])
        while not way.taken:
            await asyncio.sleep(0.001)
    assert [name for name, _ in way.taken] == ["album/other/team"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_more_than_a_namespace_may_have_waiting_is_counted_as_lost_and_leaves_others_room(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(of_pipelines, "MOST_OF_NAMESPACE", 2)
    way, stage, metrics = Mailbox(), _stage(), Metrics()
    sinks = OfPipelines(stage.world, Lines(way, stage.clock, metrics))
    for _ in range(4):
        sinks.note(PIPELINE, [FAILED])
    sinks.note(Ref("elsewhere", "app"), [FAILED])
    text = metrics.render().decode()
    assert _lost("dropped", 2) in text
    assert 'sink="elsewhere/app"' not in text
    assert "notifications are lost: 2 changes of its namespace wait until the API" in caplog.text
    async with asyncio.timeout(20):
        while len(way.taken) < 2:
            await asyncio.sleep(0.001)


async def test_a_sink_of_an_admin_loses_nothing_where_the_api_server_answers_too_late(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(of_pipelines, "MOST_OF_NAMESPACE", 2)
    way, stage, metrics = Mailbox(), _stage(), Metrics()
    find, answers = stage.world.secrets.find_sink_secret, asyncio.Event()

    async def hang(ref: Ref) -> Any:  # noqa: ANN401 - as the port has it
        await answers.wait()
        return await find(ref)

    monkeypatch.setattr(stage.world.secrets, "find_sink_secret", hang)
    notifier = Notifier(stage.world, (_sink("admins", ""),), way, metrics)
    stage.world.observers.append(notifier.observe)
    running = asyncio.ensure_future(notifier.run())
    names = [f"backend-v9.9.{number}" for number in range(6)]
    for name in names:
        stage.apply(name, tag=name)
        await stage.settle(name)
    assert "have an admin name the sink in ALBUM_NOTIFICATIONS_FILE" in caplog.text
    answers.set()
    async with asyncio.timeout(20):
        while len(way.taken) < len(names) + 3:
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    told = [name for name, _ in way.taken]
    assert told.count("admins") == len(names)
    assert told.count("album/album-app/team") == 3
    assert _lost("dropped", 3) in metrics.render().decode()


async def test_of_a_thousand_pipelines_that_have_something_to_tell_a_few_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way, stage = Mailbox(), _stage()
    reading, most, read = Counter[str](), Counter[str](), 0
    is_open, find = asyncio.Event(), stage.world.releases.find_pipeline

    async def count(ref: Ref) -> Any:  # noqa: ANN401 - as the port has it
        nonlocal read
        for whose in (ref.namespace, "all"):
            reading[whose] += 1
            most[whose] = max(most[whose], reading[whose])
        try:
            await is_open.wait()
            return await find(ref)
        finally:
            reading.subtract((ref.namespace, "all"))
            read += 1

    monkeypatch.setattr(stage.world.releases, "find_pipeline", count)
    sinks = OfPipelines(stage.world, Lines(way, stage.clock, Metrics()))
    for number in range(1000):
        sinks.note(Ref(NAMESPACE, f"app-{number}"), [FAILED])
    for number in range(40):
        sinks.note(Ref(f"other-{number}", "app"), [FAILED])
    running = asyncio.ensure_future(sinks.run())
    async with asyncio.timeout(20):
        # The first of each namespace waits for no other one's.
        while reading["all"] < 8 + 40:
            await asyncio.sleep(0)
        is_open.set()
        while read < 1040:
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (most[NAMESPACE], most["all"]) == (8, 48)


async def test_a_bug_ends_no_telling(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    way, stage = Mailbox(), _stage()
    find, count = stage.world.releases.find_pipeline, 0

    async def fail(ref: Ref) -> Any:  # noqa: ANN401 - as the port has it
        nonlocal count
        count += 1
        if count == 1:
            raise ValueError("a bug")
        return await find(ref)

    monkeypatch.setattr(stage.world.releases, "find_pipeline", fail)
    sinks = OfPipelines(stage.world, Lines(way, stage.clock, Metrics()))
    sinks.note(PIPELINE, [FAILED])
    sinks.note(Ref(NAMESPACE, "gone"), [FAILED])
    sinks.note(PIPELINE, [FAILED])
    running = asyncio.ensure_future(sinks.run())
    async with asyncio.timeout(20):
        while not way.taken:
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "Notifications of AlbumPipeline album/album-app failed by a bug" in caplog.text


async def test_a_namespaces_sinks_that_hang_fill_no_more_memory_than_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "LAST_SECONDS", 0.01)
    monkeypatch.setattr(lines, "MOST_OF_NAMESPACE", 2)
    names = [f"album/album-app/s{number}" for number in range(3)]
    way, metrics, stage = Mailbox(hangs=frozenset(names)), Metrics(), _stage()
    told = Lines(way, stage.clock, metrics)
    for name in names:
        told.put(_sink(name, "album"), FAILED)
    told.put(_sink("other/app/s", "other"), FAILED)
    await asyncio.sleep(0)
    shown = metrics.render().decode()
    assert 'album_notifications_total{result="dropped",sink="album/album-app/s2"} 1.0' in shown
    assert 'album_notifications_total{result="sent",sink="other/app/s"} 1.0' in shown
    await told.close()


async def test_a_pipeline_tells_what_its_sinks_lack_and_its_releases_go_on() -> None:
    for hosts, url, said in (
        ("", URL, "no host is listed in ALBUM_NOTIFICATION_HOSTS"),
        ("other.example.org", URL, "hooks.example.org, which is not in ALBUM_NOTIFICATION_HOSTS"),
        (HOSTS, "hooks.example.org", "Key `url` of Secret album/team-chat must be https://"),
    ):
        stage = _stage(hosts=hosts, url=url)
        status, message = _ready(await stage.look_at_pipeline(Cause.CHANGED))
        assert status == "False"
        assert said in message
        assert "canary" not in message
        stage.apply()
        await stage.settle()
        assert stage.ready() == ("Unknown", "Building")
    assert _ready(await _stage().look_at_pipeline(Cause.CHANGED))[0] == "True"
