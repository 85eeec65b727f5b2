"""A wrong result fails a benchmark; goals are judged by what was measured."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from album_operator.domain.release import Edit
from album_operator.render.values import edit_values
from benchmarks import plain_git
from benchmarks.editing import Editing
from benchmarks.goals import all_goals
from benchmarks.layout import FILES_PER_APP, KEY, Layout, released, scaled
from benchmarks.measures import Sample
from benchmarks.repositories import ensure_repository, move_base, serve_copy
from benchmarks.served import far_away, running_server
from benchmarks.tasks import (
    WrongResultError,
    changed_lines,
    check_commit,
    check_one_value,
    head,
    release_of,
)
from benchmarks.writeback import COLD, FULL, LAZY, SHALLOW, WARM, WriteBack
from testbed.commands import PartError

LAYOUT = Layout(100)
TASK = release_of(LAYOUT, 3, 7)
CHART = f"{LAYOUT.folder(3)}/Chart.yaml"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_repository(tmp_path_factory.mktemp("repositories"), LAYOUT)


@pytest.fixture
def repository(kept: Path, tmp_path: Path) -> Path:
    serve_copy(kept, tmp_path / "served.git")
    return tmp_path / "served.git"


def values_of(repository: Path) -> bytes:
    return plain_git.git(repository, "cat-file", "blob", f"main:{TASK.path}")


def write_branch(repository: Path, files: Mapping[str, bytes]) -> None:
    """Commit files on the base as the release branch."""
    stream = [
        f"commit refs/heads/{TASK.branch}\ncommitter A <a@example.org> 1 +0000\ndata 1\nx\n"
        "from refs/heads/main^0\n".encode()
    ]
    for path, data in files.items():
        stream.append(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
    plain_git.fast_import(repository, stream)


def test_exactly_the_value_is_right(repository: Path) -> None:
    write_branch(repository, {TASK.path: released(values_of(repository), TASK.version)})
    check_one_value(repository, TASK, head(repository))
    assert changed_lines(repository, TASK.branch) == 1


def test_another_value_in_the_same_file_is_wrong(repository: Path) -> None:
    values = scaled(released(values_of(repository), TASK.version))
    write_branch(repository, {TASK.path: values})
    check_commit(repository, TASK, head(repository))
    with pytest.raises(WrongResultError):
        check_one_value(repository, TASK, head(repository))


def test_another_file_is_wrong(repository: Path) -> None:
    values = released(values_of(repository), TASK.version)
    write_branch(repository, {TASK.path: values, CHART: b"name: x\n"})
    with pytest.raises(WrongResultError, match=r"Chart\.yaml"):
        check_commit(repository, TASK, head(repository))


def test_no_change_is_wrong(repository: Path) -> None:
    write_branch(repository, {})
    with pytest.raises(WrongResultError, match="nothing"):
        check_commit(repository, TASK, head(repository))


def test_another_parent_is_wrong(repository: Path) -> None:
    write_branch(repository, {TASK.path: released(values_of(repository), TASK.version)})
    move_base(repository, TASK.path)
    with pytest.raises(WrongResultError, match="parents"):
        check_one_value(repository, TASK, head(repository))


def test_no_branch_is_wrong(repository: Path) -> None:
    with pytest.raises(PartError):
        check_one_value(repository, TASK, head(repository))


def test_a_repository_has_the_files_it_is_said_to_have(repository: Path) -> None:
    files = plain_git.text(repository, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert len(files) == LAYOUT.files
    assert len(plain_git.text(repository, "rev-list", "main").splitlines()) == 50


@pytest.mark.parametrize("files", [1_000, 20_000, 100_000])
def test_no_folder_grows_with_the_repository_but_by_its_cube_root(files: int) -> None:
    layout = Layout(files)
    areas, teams = set(), set()
    for app in range(layout.apps):
        area, team, _ = layout.folder(app).split("/")
        areas.add(area)
        teams.add((area, team))
    assert layout.apps * FILES_PER_APP == files
    assert len(areas) <= layout.fan_out <= 18
    assert max(sum(area == team[0] for team in teams) for area in areas) <= layout.fan_out


def test_the_edit_agrees_with_what_a_release_must_make_of_a_file() -> None:
    values = LAYOUT.files_of(3)[TASK.path]
    edited = edit_values(values, {Edit(TASK.path, KEY): TASK.version})
    assert edited == released(values, TASK.version)


def test_bytes_are_counted_by_client(repository: Path, tmp_path: Path) -> None:
    with running_server(repository.parent) as server:
        url = server.url("one", repository.name)
        plain_git.git(tmp_path, "clone", "--quiet", "--bare", url, "clone.git")
        counted, of_others = server.traffic("one"), server.traffic("two")
    (pack,) = (tmp_path / "clone.git" / "objects" / "pack").glob("*.pack")
    assert 0 < counted.received - pack.stat().st_size < 20_000
    assert counted.requests == 3
    assert counted.sent > 500
    assert of_others.requests == 0


def test_a_server_far_away_says_the_same_some_round_trips_later(
    repository: Path, tmp_path: Path
) -> None:
    with running_server(repository.parent) as server, far_away(server, 40) as far:
        near_by = plain_git.git(tmp_path, "ls-remote", server.url("one", repository.name))
        began = time.monotonic()
        assert plain_git.git(tmp_path, "ls-remote", far.url("one", repository.name)) == near_by
    # One to connect, one for the greeting and one for the refs.
    assert time.monotonic() - began >= 0.12


def measured(files: int, seconds: Mapping[str, float]) -> WriteBack:
    """Give results in which a way takes these seconds and receives a byte for each millisecond."""
    samples = {
        way: (Sample(number, number, round(number * 1000), 1, 1, 1),)
        for way, number in seconds.items()
    }
    return WriteBack(files, samples, 2)


def test_goals_are_met_or_missed_by_what_was_measured() -> None:
    results = [
        measured(1_000, {COLD: 0.1, WARM: 0.1, SHALLOW: 1, FULL: 1, LAZY: 1}),
        measured(20_000, {COLD: 0.1, WARM: 0.1, SHALLOW: 3, FULL: 0.5, LAZY: 1}),
        measured(100_000, {COLD: 0.13, WARM: 0.2, SHALLOW: 9, FULL: 9, LAZY: 1}),
    ]
    outcomes = [goal.outcome for goal in all_goals(results, Editing(1, (1.4,), (1.0,), 2))]
    assert outcomes == ["met", "MISSED", "met", "met", "met", "met", *["MISSED"] * 4]


def test_goals_of_other_sizes_are_not_measured() -> None:
    results = [measured(200, {COLD: 1, WARM: 1, SHALLOW: 1, FULL: 1, LAZY: 1})]
    outcomes = [goal.outcome for goal in all_goals(results, Editing(1, (1.2,), (1.0,), 1))]
    assert outcomes == ["not measured"] * 8 + ["met"] * 2
