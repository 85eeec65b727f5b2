"""What is counted of a release on its way, and read of those that are in flight."""

from datetime import timedelta

import pytest

from album_operator.domain.figures import FAILED_DEPLOYMENTS
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.releases import ReleaseFigures, read_builds, read_releases
from tests.fakes.cluster import begin_build, fail_build, finish_build
from tests.fakes.git_repositories import COMMITTED_AT
from tests.unit.core.stage import Stage
from tests.unit.core.test_rollback import BAD, GOOD, _apply, _fail, _manifest_in

BACKEND = 'app="backend",namespace="album",pipeline="album-app"'


class _Counted:
    """The metrics of the operator of a stage."""

    def __init__(self, stage: Stage) -> None:
        self._metrics, index = Metrics(), stage.wakeups.index
        stage.world.observers.append(ReleaseFigures(self._metrics, index.of_app))
        read_releases(self._metrics, index.in_flight.read)
        read_builds(self._metrics, stage.wakeups.queue.counts)

    def values(self, name: str) -> dict[str, float]:
        """Give the series of a metric by their labels."""
        lines = self._metrics.render().decode().splitlines()
        found = (
            line.rsplit(" ", 1) for line in lines if line.startswith((f"{name}{{", f"{name} "))
        )
        return {series.removeprefix(name).strip("{}"): float(value) for series, value in found}

    def grown(self, name: str) -> dict[str, float]:
        """Give the series of a counter that is above 0."""
        return {labels: value for labels, value in self.values(name).items() if value}

    def of(self, name: str, labels: str = BACKEND) -> float | None:
        """Give the value of one series."""
        return self.values(name).get(labels)


async def test_the_series_of_an_app_are_there_at_0_long_before_they_grow() -> None:
    stage = Stage()
    counted = _Counted(stage)
    stage.apply()
    await stage.settle()

    ends = ("Released", *FAILED_DEPLOYMENTS)
    finished = counted.values("album_releases_finished_total")
    assert finished == {f'{BACKEND},reason="{reason}"': 0.0 for reason in ends}
    builds = counted.values("album_build_duration_seconds_count")
    assert builds == {f'{BACKEND},result="{result}"': 0.0 for result in ("Succeeded", "Failed")}
    for name in ("review_wait_seconds_count", "release_lead_time_seconds_count",
                 "recovery_seconds_count", "releases_rework_total"):  # fmt: skip
        assert counted.values(f"album_{name}") == {BACKEND: 0.0}


async def test_a_whole_release_is_counted_step_by_step_with_machine_and_human_time_apart() -> None:
    stage = Stage()
    counted = _Counted(stage)
    stage.apply()
    await stage.settle()
    stage.tell_of_releases()
    reading = 'namespace="album",reason="Building",state="Working"'
    assert counted.values("album_releases") == {reading: 1.0}
    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    stage.tell_of_releases()
    began = stage.clock()
    waiting = counted.values("album_waiting_since_timestamp_seconds")
    assert waiting == {f'{BACKEND},reason="AwaitingMerge",state="Working"': began.timestamp()}
    stage.clock.advance(timedelta(hours=2))
    stage.merge()
    stage.clock.advance(timedelta(minutes=1))
    await stage.release()
    stage.tell_of_releases()

    assert counted.values("album_releases") == {}
    assert counted.grown("album_releases_finished_total") == {f'{BACKEND},reason="Released"': 1.0}
    steps = counted.values("album_step_duration_seconds_count")
    assert set(steps.values()) == {1.0}
    assert len(steps) == 5
    merged = f'{BACKEND},result="Succeeded",step="Merged"'
    assert counted.of("album_step_duration_seconds_sum", merged) == 60
    assert counted.of("album_review_wait_seconds_sum") == 7200
    lead = (stage.clock() - COMMITTED_AT).total_seconds()
    assert counted.of("album_release_lead_time_seconds_sum") == pytest.approx(lead, abs=300)
    assert counted.of("album_build_duration_seconds_count", f'{BACKEND},result="Succeeded"') == 1
    assert counted.grown("album_recovery_seconds_count") == {}
    assert counted.grown("album_releases_rework_total") == {}


async def test_a_build_that_fails_is_counted_as_that_and_stays_until_a_release_follows() -> None:
    stage = Stage()
    counted = _Counted(stage)
    stage.apply()
    await stage.settle()
    begin_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    fail_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    stage.tell_of_releases()
    assert counted.of("album_build_duration_seconds_count", f'{BACKEND},result="Failed"') == 1
    failed = f'{BACKEND},result="Failed",step="ImageReady"'
    assert counted.of("album_step_duration_seconds_count", failed) == 1
    reason = 'namespace="album",reason="BuildFailed",state="Stalled"'
    assert counted.values("album_releases") == {reason: 1.0}


async def test_a_rollback_ends_the_time_since_the_failure_and_is_rework() -> None:
    stage = Stage()
    counted = _Counted(stage)
    stage.apply(GOOD)
    await stage.release(GOOD)
    stage.tell_of_releases()
    await _fail(stage, BAD)
    failed = stage.clock()
    stage.clock.advance(timedelta(minutes=10))
    name = _apply(stage, _manifest_in(stage.message(BAD)))
    await stage.release(name)

    assert stage.ready(name) == ("True", "Released")
    took = (stage.clock() - failed).total_seconds()
    assert counted.of("album_recovery_seconds_count") == 1
    assert counted.of("album_recovery_seconds_sum") == pytest.approx(took, abs=300)
    assert counted.of("album_releases_rework_total") == 1
    assert counted.of("album_release_lead_time_seconds_count") == 1
    ends = counted.grown("album_releases_finished_total")
    assert ends == {f'{BACKEND},reason="Released"': 2.0, f'{BACKEND},reason="Degraded"': 1.0}


async def test_after_a_restart_what_is_in_flight_is_read_and_what_was_counted_begins_anew() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    stage.restart()
    counted = _Counted(stage)
    stage.tell_of_releases()
    assert list(counted.values("album_waiting_since_timestamp_seconds").values()) == [
        stage.clock().timestamp()
    ]
    stage.clock.advance(timedelta(hours=1))
    stage.merge()
    await stage.release()
    assert counted.of("album_review_wait_seconds_sum") == 3600
    assert counted.of("album_release_lead_time_seconds_count") == 1


async def test_builds_that_run_and_wait_are_read_by_namespace() -> None:
    stage = Stage(ALBUM_BUILDS_PER_NAMESPACE="1")
    counted = _Counted(stage)
    for name in (GOOD, "frontend-v1.1.0"):
        stage.apply(name)
        await stage.settle(name)
    assert counted.values("album_builds_running") == {'namespace="album"': 1.0}
    assert counted.values("album_builds_queued") == {'namespace="album"': 1.0}
