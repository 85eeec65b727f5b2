"""Who is told of the statuses that were written."""

from itertools import pairwise

import pytest

from album_operator.domain.record import StepName, StepState
from album_operator.domain.status_change import StatusChange
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import Stage


async def test_each_written_status_is_told_of_with_what_was_there_before() -> None:
    stage, told = Stage(), list[StatusChange]()
    stage.world.observers.append(told.append)
    stage.apply()
    await stage.settle()
    (job,) = stage.cluster.all_of("Job")
    finish_build(stage.cluster, job)
    await stage.settle()
    assert told[0].release.ref.name == "backend-v1.1.0"
    for earlier, later in pairwise(told):
        assert earlier.after == later.before
    built = [change for change in told if _is_built(change)]
    assert len(built) == 1


def _is_built(change: StatusChange) -> bool:
    states = (record.step(StepName.IMAGE_READY).state for record in (change.before, change.after))
    before, after = (state is StepState.SUCCEEDED for state in states)
    return after and not before


async def test_an_observer_with_a_bug_is_in_no_releases_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: StatusChange) -> None:
        raise ValueError("a bug")

    stage, told = Stage(), list[StatusChange]()
    stage.world.observers.extend((fail, told.append))
    stage.apply()
    await stage.settle()
    assert stage.ready() == ("Unknown", "Building")
    assert told
    assert "AlbumRelease album/backend-v1.1.0: a change could not be told of" in caplog.text
