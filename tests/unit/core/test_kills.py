"""Dying, and losing answers, at every single write: the end is the undisturbed one."""

import pytest

from album_operator.domain.errors import TransientError
from tests.fakes.builders import BRANCH
from tests.fakes.faults import Fault, Faults, Killed
from tests.unit.core.stage import Stage
from tests.unit.core.ways import EXPECTED, UNDISTURBED, WAYS, end_of

each_write = pytest.mark.parametrize(
    ("way", "at"),
    [
        pytest.param(way, number, id=f"{way}-{number}-{write.replace(' ', '-')}")
        for way, (_, writes) in UNDISTURBED.items()
        for number, write in enumerate(writes, 1)
    ],
)


async def _survive(stage: Stage) -> None:
    """Run a release to its end; a death starts the operator anew, an error the next pass."""
    try:
        await stage.release()
    except Killed:
        stage.restart()
        await stage.release()
    except TransientError:  # the API server's own: the daemon tries again
        await stage.release()


@pytest.mark.parametrize(
    ("way", "branch", "pull_requests"),
    [
        ("PullRequest", BRANCH, 1),
        ("Commit", "main", 0),
        ("External", BRANCH, 1),
        ("Reused", BRANCH, 1),
        ("Checked", BRANCH, 1),
        ("Platforms", BRANCH, 1),
        ("Auto", BRANCH, 1),
    ],
)
def test_an_undisturbed_release_makes_one_of_each(
    way: str, branch: str, pull_requests: int
) -> None:
    expected, writes = UNDISTURBED[way]
    jobs = {"External": 0, "Reused": 0, "Platforms": 2}
    assert len(expected["jobs"]) == jobs.get(way, 1)
    assert expected["image"]["origin"] == (way if way in {"External", "Reused"} else "Built")
    assert writes.count("tag image") == (2 if way in {"Reused", "Platforms"} else 0)
    assert writes.count("put index") == (1 if way == "Platforms" else 0)
    assert [pushed for pushed, _ in expected["pushes"]] == [branch]
    assert expected["pull requests"] == pull_requests
    assert expected["config"]["commit"] == expected["pushes"][0][1]
    assert expected["previous policy"] == "null"
    assert expected["conditions"]["Ready"] == "True"
    assert writes.count("patch applications") == 1


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@each_write
async def test_a_release_ends_the_same_whatever_happens_at_one_write(
    way: str, at: int, fault: Fault
) -> None:
    stage = Stage(Faults(at, fault), **WAYS[way])
    stage.apply()
    await _survive(stage)

    assert end_of(stage) == EXPECTED[way]
    assert stage.forge.posts <= 2
    assert stage.faults.writes.count("create jobs") <= len(EXPECTED[way]["jobs"]) + 1


@each_write
async def test_a_release_ends_the_same_though_killed_at_two_writes_in_a_row(
    way: str, at: int
) -> None:
    stage = Stage(Faults(at, Fault.DIE_AFTER), **WAYS[way])
    stage.apply()
    with pytest.raises(Killed):
        await stage.release()
    stage.restart()
    stage.faults.at, stage.faults.fault = len(stage.faults.writes) + 1, Fault.DIE_BEFORE
    await _survive(stage)

    assert end_of(stage) == EXPECTED[way]


@pytest.mark.parametrize("way", WAYS)
async def test_killed_after_every_write_a_release_still_ends(way: str) -> None:
    stage = Stage(Faults(1, Fault.DIE_AFTER), **WAYS[way])
    stage.apply()
    deaths = 0
    for _ in range(60):
        try:
            await stage.release()
            break
        except Killed:
            deaths += 1
            stage.play()
            stage.restart()
            stage.faults.at = len(stage.faults.writes) + 1

    assert deaths > 8
    assert end_of(stage) == EXPECTED[way]
