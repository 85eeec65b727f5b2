"""The daemon of a release: woken by events and time, ended only from outside."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from album_operator.adapters.cluster.refusals import NotFoundError
from album_operator.domain.errors import TransientError
from album_operator.domain.image_labels import REVISION
from album_operator.domain.notice import CommitNotice, ImageNotice, Notice
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace, ImageSeen
from album_operator.domain.release import Ref
from album_operator.metrics.metrics import Metrics
from album_operator.passes import Next
from album_operator.serving.health import Health
from album_operator.waking.daemons import serve_release
from tests.fakes.builders import APPLICATION, CONFIG, DIGEST, IMAGE, raw_pipeline
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import VALUES, Stage

RELEASE = Ref("album", "backend-v1.1.0")


class Daemon:
    """A daemon at work on a stage, and the ends it hangs on."""

    def __init__(self) -> None:
        self.stage = Stage(ALBUM_MERGE_POLL_SECONDS="0.01")
        self.stage.cluster.apply(raw_pipeline(argocd={"settle": "0s"}))
        self.wakeups = self.stage.wakeups
        self.health, self.metrics = Health(), Metrics()
        self.stopped = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.wakeups.join(RELEASE, None)
        self.task = asyncio.create_task(
            serve_release(
                RELEASE,
                self.stopped,
                self.stage.reconciler,
                self.wakeups,
                self.health,
                self.metrics,
            )
        )

    async def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not is_so():
            assert time.monotonic() < deadline
            assert self.task is not None
            assert not self.task.done()
            await asyncio.sleep(0)

    async def until_ready_is(self, reason: str) -> None:
        await self.until(
            lambda: (
                "conditions" in self.stage.status()
                and self.stage.ready()[1] == reason
                and not self.health.passes
            )
        )

    async def until_the_merge_is_awaited(self) -> None:
        self.stage.apply()
        self.start()
        await self.until_ready_is("Building")
        finish_build(self.stage.cluster, self.stage.jobs[0])
        self.wakeups.wake(RELEASE)
        await self.until_ready_is("AwaitingMerge")

    async def stop(self) -> None:
        self.stopped.set()
        if self.task is not None:
            await asyncio.wait_for(self.task, 10)


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    daemon = Daemon()
    yield daemon
    await daemon.stop()


async def test_a_release_is_brought_to_its_end_by_events(daemon: Daemon) -> None:
    stage = daemon.stage
    await daemon.until_the_merge_is_awaited()
    stage.merge()
    await stage.watch.ask_due()
    assert stage.ready()[1] == "AwaitingMerge"
    stage.clock.advance(timedelta(seconds=1))
    await stage.watch.ask_due()
    await daemon.until_ready_is("Syncing")
    stage.argocd.run()
    daemon.wakeups.wake_followers(APPLICATION, "Synced")
    await daemon.until_ready_is("Released")


async def test_an_application_brings_no_pass_over_a_release_that_awaits_its_merge(
    daemon: Daemon,
) -> None:
    stage = daemon.stage
    await daemon.until_the_merge_is_awaited()
    passes = 0
    read = stage.cluster.get

    async def get(path: str, **query: str) -> dict[str, object]:
        nonlocal passes
        passes += path.endswith(RELEASE.name)
        return await read(path, **query)

    stage.cluster.get = get  # type: ignore[method-assign]
    daemon.wakeups.wake_followers(APPLICATION, "Synced")
    for _ in range(50):
        await asyncio.sleep(0)
    assert passes == 0

    daemon.wakeups.wake(RELEASE)
    await daemon.until(lambda: passes == 1)


async def test_a_daemon_with_nothing_left_to_do_stays_until_it_is_stopped(daemon: Daemon) -> None:
    daemon.stage.apply(tag="worker-v1.1.0")
    daemon.start()
    await daemon.until_ready_is("TagInvalid")
    assert daemon.task is not None
    assert not daemon.task.done()
    await daemon.stop()

    assert daemon.task.done()
    assert daemon.health.passes == {}


async def test_a_daemon_outlives_an_api_server_that_is_down(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.stage.apply()
    daemon.stage.cluster.trouble = TransientError(Reason.CLUSTER_UNAVAILABLE, "It is down.")
    daemon.start()
    await daemon.until(lambda: "It is down." in caplog.text)
    daemon.stage.cluster.trouble = None
    daemon.wakeups.wake(RELEASE)

    await daemon.until_ready_is("Building")


async def test_a_daemon_ends_with_its_release(daemon: Daemon) -> None:
    path = daemon.stage.apply()
    daemon.start()
    await daemon.until_ready_is("Building")
    del daemon.stage.cluster.objects[path]
    daemon.wakeups.wake(RELEASE)
    assert daemon.task is not None
    await asyncio.wait_for(daemon.task, 10)


async def test_a_release_made_anew_meanwhile_keeps_the_daemon(daemon: Daemon) -> None:
    path = daemon.stage.apply()
    daemon.start()
    await daemon.until_ready_is("Building")
    raw = daemon.stage.cluster.objects.pop(path)
    read = daemon.stage.cluster.get

    async def get(asked: str, **query: str) -> dict[str, object]:
        if asked == path and path not in daemon.stage.cluster.objects:
            daemon.stage.cluster.objects[path] = raw | {"status": {}}
            daemon.wakeups.note(RELEASE, "another uid")
            raise NotFoundError(Reason.CLUSTER_UNAVAILABLE, "It is gone.")
        return await read(asked, **query)

    daemon.stage.cluster.get = get  # type: ignore[assignment,method-assign]
    daemon.wakeups.wake(RELEASE)
    await daemon.until(lambda: path in daemon.stage.cluster.objects)
    await daemon.until_ready_is("Building")


async def test_a_daemon_outlives_a_bug(daemon: Daemon, caplog: pytest.LogCaptureFixture) -> None:
    path = daemon.stage.apply()
    daemon.stage.cluster.objects[path]["spec"] = {}
    daemon.start()
    await daemon.until(lambda: "failed by a bug" in caplog.text)
    daemon.stage.apply()
    daemon.wakeups.wake(RELEASE)

    await daemon.until_ready_is("Building")


async def test_a_pass_that_runs_is_known_to_the_liveness_probe(daemon: Daemon) -> None:
    daemon.stage.apply()
    seen: list[str] = []
    read = daemon.stage.cluster.get

    async def get(path: str, **query: str) -> dict[str, object]:
        seen.extend(daemon.health.passes)
        return await read(path, **query)

    daemon.stage.cluster.get = get  # type: ignore[method-assign]
    daemon.start()
    await daemon.until_ready_is("Building")

    assert set(seen) == {"album/backend-v1.1.0"}
    assert daemon.health.passes == {}


async def test_a_push_to_the_registry_wakes_a_release_that_waits_for_its_image(
    daemon: Daemon,
) -> None:
    stage = daemon.stage
    stage.cluster.apply(raw_pipeline(argocd={"settle": "0s"}, build={"type": "External"}))
    stage.apply()
    daemon.start()
    await daemon.until_ready_is("AwaitingImage")
    labels = {REVISION: stage.source.tags["backend-v1.1.0"]}
    stage.registry.push(IMAGE, "v1.1.0", labels)
    path = IMAGE.partition("/")[2]
    asked = len(stage.registry.asked)
    daemon.wakeups.notice(ImageNotice(path, "v9.9.9"))
    daemon.wakeups.notice(ImageNotice(f"{path}-other", "v1.1.0"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(stage.registry.asked) == asked

    daemon.wakeups.notice(ImageNotice(path, "v1.1.0"))
    await daemon.until_ready_is("AwaitingMerge")
    asked = len(stage.registry.asked)
    daemon.wakeups.notice(ImageNotice(path, "v1.1.0"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(stage.registry.asked) == asked


async def test_a_push_right_after_the_look_at_the_registry_is_heard(daemon: Daemon) -> None:
    stage = daemon.stage
    stage.cluster.apply(raw_pipeline(argocd={"settle": "0s"}, build={"type": "External"}))
    stage.apply()
    labels = {REVISION: stage.source.tags["backend-v1.1.0"]}
    find = stage.registry.find

    async def find_too_early(place: ImagePlace, name: str) -> ImageSeen | None:
        seen = await find(place, name)
        stage.registry.find = find  # type: ignore[method-assign]
        stage.registry.push(IMAGE, "v1.1.0", labels)
        daemon.wakeups.notice(ImageNotice(IMAGE.partition("/")[2], "v1.1.0"))
        return seen

    stage.registry.find = find_too_early  # type: ignore[method-assign]
    daemon.start()

    await daemon.until_ready_is("AwaitingMerge")
    assert stage.status()["image"]["origin"] == "External"


async def test_a_check_of_its_commit_wakes_a_release_that_waits_for_checks(daemon: Daemon) -> None:
    stage = daemon.stage
    stage.cluster.apply(raw_pipeline(policy={"requireChecks": ["unit"]}))
    stage.apply()
    commit = stage.source.tags["backend-v1.1.0"]
    daemon.start()
    await daemon.until_ready_is("AwaitingChecks")
    stage.forge.set_check(commit, "unit", "success")
    asked = stage.forge.requests.count("list_checks")
    daemon.wakeups.notice(CommitNotice("9" * 40))
    for _ in range(20):
        await asyncio.sleep(0)
    assert stage.forge.requests.count("list_checks") == asked

    daemon.wakeups.notice(CommitNotice(commit))
    await daemon.until_ready_is("Building")
    asked = stage.forge.requests.count("list_checks")
    daemon.wakeups.notice(CommitNotice(commit))
    for _ in range(20):
        await asyncio.sleep(0)
    assert stage.forge.requests.count("list_checks") == asked


async def test_a_release_that_follows_is_woken_by_a_push_to_the_base_branch(daemon: Daemon) -> None:
    stage = daemon.stage
    stage.push("v1.1.0", DIGEST)
    stage.apply(tag="backend-v1.1.0", mode="Follow")
    daemon.start()
    await daemon.until_ready_is("AwaitingCommit")
    text = VALUES.format(app="backend", image=IMAGE).replace("v1.0.0", "v1.1.0")
    made = stage.config.write("main", {"backend/values.yaml": text})
    daemon.wakeups.notice(Notice(CONFIG, None, "main"))
    await daemon.until_ready_is("Syncing")

    assert stage.status()["config"]["mergedCommit"] == made


async def test_passes_are_counted_with_their_result_and_how_long_they_worked(
    daemon: Daemon,
) -> None:
    read = daemon.stage.reconciler.run_pass
    troubles = [TransientError(Reason.CLUSTER_UNAVAILABLE, "Down."), ValueError("a bug")]

    async def run_pass(*args: Any, **options: Any) -> Next:  # noqa: ANN401 - handed on
        if troubles:
            raise troubles.pop(0)
        return await read(*args, **options)

    daemon.stage.apply()
    daemon.stage.reconciler.run_pass = run_pass  # type: ignore[method-assign]
    daemon.start()

    def has_counted(result: str) -> bool:
        line = f'album_passes_total{{kind="AlbumRelease",result="{result}"}} 1.0\n'
        return line in daemon.metrics.render().decode()

    for result in ("transient", "bug"):
        await daemon.until(partial(has_counted, result))
        daemon.wakeups.wake(RELEASE)
    await daemon.until(partial(has_counted, "ok"))
    text = daemon.metrics.render().decode()
    assert 'album_pass_duration_seconds_count{kind="AlbumRelease"} 3.0\n' in text
    (line,) = [
        one
        for one in text.splitlines()
        if one.startswith('album_last_pass_timestamp_seconds{kind="AlbumRelease')
    ]
    assert time.time() - float(line.split()[-1]) < 60
