"""The cache of a config repository: what it saves, and that nothing wrong with it shows."""

import asyncio
import fcntl
import hashlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from album_operator.adapters.git.cache import CacheError
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.places import Change, GitPlace
from album_operator.domain.reasons import Reason
from tests.contract.http_backend import COMMITTED, Backend, commit, running_backend
from tests.contract.plain_git import git

VALUES = "apps/team/backend/values.yaml"
OTHER = "apps/other/frontend/values.yaml"
BEFORE, AFTER = b'tag: "v1.0.0"\n', b'tag: "v1.1.0"\n'
OURS = "release/backend_v1.1.0"
FILES = {VALUES: BEFORE, OTHER: BEFORE, "apps/team/backend/Chart.yaml": b"name: backend\n"}
DATE = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SINCE = datetime.fromtimestamp(COMMITTED, UTC)

GREETING, REFS, OBJECTS = "GET", "POST", "POST"
"""Requests of a look; a connection is greeted once."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Backend]:
    with running_backend(tmp_path / "served") as made:
        yield made


@dataclass
class Operators:
    """Operators that run one after another and have the same volume."""

    server: Backend
    folder: Path
    running: GitConfigRepository | None = None

    def start(self, cache_bytes: int = 2**30) -> GitConfigRepository:
        """Start the next one."""
        self.stop()
        self.running = GitConfigRepository(
            {self.server.host}, cache_folder=self.folder, cache_bytes=cache_bytes
        )
        return self.running

    def stop(self) -> None:
        """End the one that runs."""
        if self.running is not None:
            self.running.close()
            self.running = None

    def caches(self) -> list[Path]:
        """Give all caches, the one unused for the longest time first."""
        found = (self.folder / "git").glob(f"{'[0-9a-f]' * 24}-*")
        return sorted(found, key=lambda path: path.stat().st_mtime)


@pytest.fixture
def operators(server: Backend, tmp_path: Path) -> Iterator[Operators]:
    made = Operators(server, tmp_path / "cache")
    yield made
    made.stop()


def change(base: str, files: dict[str, bytes] | None = None, branch: str = OURS) -> Change:
    return Change(base, branch, files or {VALUES: AFTER}, "ours", "Ann", "a@example.org", DATE)


def noise(size: int, seed: object = 1) -> bytes:
    """Give bytes that cannot be compressed, the same ones each time."""
    return hashlib.shake_256(repr(seed).encode()).digest(size)


def verbs(server: Backend) -> list[str]:
    return [request.split()[0] for request in server.traffic.requests]


async def look(config: GitConfigRepository, place: GitPlace) -> bytes:
    """Look at the base as it is, and give the values."""
    seen = await config.look(place, None, [VALUES], OURS)
    return seen.files[VALUES]


async def test_an_unchanged_base_is_fetched_once_even_if_the_operator_is_started_anew(
    server: Backend, operators: Operators
) -> None:
    server.make("config", FILES)
    place = server.place("config")
    config = operators.start()
    await look(config, place)
    server.reset()
    assert await look(config, place) == BEFORE
    assert verbs(server) == [REFS]
    config = operators.start()
    server.reset()
    assert await look(config, place) == BEFORE
    assert verbs(server) == [GREETING, REFS]


async def test_of_a_base_that_moved_only_what_changed_on_the_path_is_fetched(
    server: Backend, operators: Operators
) -> None:
    repository = server.make("config", FILES)
    config, place = operators.start(), server.place("config")
    await look(config, place)
    commit(repository, "main", {OTHER: AFTER})
    server.reset()
    assert await look(config, place) == BEFORE
    # The commit with its root, and the folder `apps`; the rest is as it was.
    assert verbs(server) == [REFS, OBJECTS, OBJECTS]
    objects = git(operators.caches()[-1], "cat-file", "--batch-check", "--batch-all-objects")
    assert git(repository, "rev-parse", f"HEAD:{OTHER}") not in objects


async def test_neither_bytes_nor_requests_grow_with_the_repository(
    server: Backend, operators: Operators
) -> None:
    config = operators.start()
    counts = []
    for size in (20, 2000):
        files = {f"apps/team-{nth % 20}/app-{nth}/f.yaml": b"%d" % nth for nth in range(size)}
        repository = server.make(f"config-{size}", FILES | files)
        place = server.place(f"config-{size}")
        server.reset()
        await look(config, place)
        await config.push(place, change(git(repository, "rev-parse", "main")))
        counts.append((len(server.traffic.requests), server.traffic.sent, server.traffic.received))
    small, large = counts
    assert large[0] == small[0]
    assert large[1] + large[2] < 1.3 * (small[1] + small[2])


async def test_a_push_from_a_base_that_moved_on_sends_no_more_than_the_change(
    server: Backend, operators: Operators
) -> None:
    many = {f"apps/noise/{nth}.yaml": noise(4000, nth) for nth in range(100)}
    repository = server.make("config", FILES | many)
    config, place = operators.start(), server.place("config")
    await look(config, place)
    base = git(repository, "rev-parse", "main")
    commit(repository, "main", {OTHER: AFTER})
    server.reset()
    pushed = await config.push(place, change(base))
    assert git(repository, "rev-parse", OURS, f"{OURS}^") == f"{pushed}\n{base}"
    assert server.traffic.sent + server.traffic.received < 10_000
    git(repository, "fsck", "--full", "--strict")


def overwrite(cache: Path, pattern: str, change: Callable[[bytes], bytes]) -> None:
    """Change all files of a pattern, which git made read-only."""
    paths = list(cache.glob(pattern))
    assert paths
    for path in paths:
        path.chmod(0o600)
        path.write_bytes(change(path.read_bytes()))


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def garbage(data: bytes) -> bytes:
    return noise(len(data))


def unlink(cache: Path, pattern: str) -> None:
    for path in cache.glob(pattern):
        path.unlink()


PACKS, INDEXES = "objects/pack/*.pack", "objects/pack/*.idx"
EVIL = b"[core]\n\tsshCommand = touch /tmp/owned\n\tbare = true\n"

DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated packs": lambda cache: overwrite(cache, PACKS, half),
    "garbage for packs": lambda cache: overwrite(cache, PACKS, garbage),
    "truncated indexes": lambda cache: overwrite(cache, INDEXES, half),
    "garbage for indexes": lambda cache: overwrite(cache, INDEXES, garbage),
    "lost packs": lambda cache: unlink(cache, PACKS),
    "lost indexes": lambda cache: unlink(cache, INDEXES),
    "a lost pack": lambda cache: next(cache.glob(PACKS)).unlink(),
    "no promisor files": lambda cache: unlink(cache, "objects/pack/*.promisor"),
    "no objects": lambda cache: shutil.rmtree(cache / "objects"),
    "empty loose objects": lambda cache: overwrite(cache, "objects/??/*", lambda _: b""),
    "a lock of a killed fetch": lambda cache: (cache / "shallow.lock").touch(),
    "a lock of a ref": lambda cache: (cache / "refs" / "x.lock").touch(),
    "garbage for a list of shallow commits": lambda cache: (cache / "shallow").write_text("x\n"),
    "no HEAD": lambda cache: (cache / "HEAD").unlink(),
    "a configuration that runs a program": lambda cache: (cache / "config").write_bytes(EVIL),
    "a fetch that was broken off": lambda cache: (cache / "objects/pack/tmp_pack_x").touch(),
    "a repository that was not made to its end": lambda cache: cache.rename(
        cache.with_name(f"new-{cache.name}")
    ),
    "nothing left": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("is_started_anew", [False, True])
async def test_a_damaged_cache_is_made_again_in_the_same_call(
    server: Backend,
    operators: Operators,
    caplog: pytest.LogCaptureFixture,
    damage: str,
    *,
    is_started_anew: bool,
) -> None:
    repository = server.make("config", FILES)
    config, place = operators.start(), server.place("config")
    base = git(repository, "rev-parse", "main")
    await look(config, place)
    await config.push(place, change(base, branch="release/earlier"))
    (cache,) = operators.caches()
    DAMAGES[damage](cache)
    if is_started_anew:
        config = operators.start()
    commit(repository, "main", {VALUES: b"moved"})
    assert await look(config, place) == b"moved"
    pushed = await config.push(place, change(base))
    assert git(repository, "rev-parse", f"{OURS}^") == base
    seen = await config.look(place, None, [VALUES, OTHER], OURS)
    assert seen.branch is not None
    assert seen.branch.commit == pushed
    assert seen.branch.changed_paths == {VALUES}
    warnings = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) <= 1
    assert len(operators.caches()) == 1
    assert not Path("/tmp/owned").exists()  # noqa: S108


async def test_a_push_from_a_damaged_cache_is_done_with_a_new_one(
    server: Backend, operators: Operators
) -> None:
    repository = server.make("config", FILES)
    config, place = operators.start(), server.place("config")
    await look(config, place)
    overwrite(operators.caches()[0], PACKS, half)
    await config.push(place, change(git(repository, "rev-parse", "main")))
    assert git(repository, "cat-file", "blob", f"{OURS}:{VALUES}") == AFTER.decode().strip()


async def test_what_is_asked_of_the_history_again_fetches_only_what_is_new(
    server: Backend, operators: Operators, caplog: pytest.LogCaptureFixture
) -> None:
    repository = server.make("config", FILES)
    commits = [commit(repository, "main", {OTHER: b"%d" % nth}) for nth in range(100)]
    config, place = operators.start(), server.place("config")
    assert await config.is_descendant(place, commits[-1], commits[0], "main", SINCE)
    commits.append(commit(repository, "main", {OTHER: AFTER}))
    server.reset()
    assert await config.is_descendant(place, commits[-1], commits[0], "main", SINCE)
    assert server.traffic.sent < 2000
    (cache,) = operators.caches()
    (cache / "shallow.lock").touch()
    config = operators.start()
    assert await config.is_descendant(place, commits[-1], commits[1], "main", SINCE)
    assert await look(config, place) == BEFORE
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == 1


async def test_a_history_is_searched_as_far_back_as_a_release_and_no_further(
    server: Backend, operators: Operators
) -> None:
    repository = server.make("config", FILES)
    day = 24 * 3600
    start = int(SINCE.timestamp())
    commits = [
        commit(repository, "main", {OTHER: b"%d" % nth}, start + nth * day) for nth in range(300)
    ]
    config, place = operators.start(), server.place("config")
    released, since = commits[200], SINCE + timedelta(days=200)
    assert await config.is_descendant(place, commits[-1], released, "main", since)
    assert not await config.is_descendant(place, commits[100], released, "main", since)
    (cache,) = operators.caches()
    assert len(git(cache, "rev-list", "--all").split()) < 110
    # The time was wrong, as of a commit that was on the branch long before the release.
    assert await config.is_descendant(place, commits[-1], commits[50], "main", since)


async def test_a_branch_name_below_that_of_an_earlier_branch_is_no_trouble(
    server: Backend, operators: Operators
) -> None:
    repository = server.make("config", FILES)
    first = git(repository, "rev-parse", "main")
    second = commit(repository, "main", {OTHER: AFTER})
    config, place = operators.start(), server.place("config")
    git(repository, "branch", "env", "main")
    assert await config.is_descendant(place, second, first, "env", SINCE)
    git(repository, "branch", "-D", "env")
    third = commit(repository, "main", {OTHER: BEFORE})
    git(repository, "branch", "env/prod", "main")
    assert await config.is_descendant(place, third, first, "env/prod", SINCE)


async def test_the_cache_unused_for_the_longest_time_goes_first(
    server: Backend, operators: Operators
) -> None:
    data = noise(200_000)
    for name in ("a", "b", "c"):
        server.make(name, FILES | {VALUES: data})
    config = operators.start(cache_bytes=700_000)
    for nth, name in enumerate(("a", "b", "a", "c")):
        # Each asks for something else: the same answer would come from memory.
        await config.look(server.place(name), None, [VALUES, f"no/{nth}"], None)
    assert len(operators.caches()) == 3
    config = operators.start(cache_bytes=500_000)
    assert len(operators.caches()) == 2
    server.reset()
    await look(config, server.place("a"))
    await look(config, server.place("c"))
    assert verbs(server) == [GREETING, REFS] * 2
    await look(operators.start(cache_bytes=100_000), server.place("b"))
    assert operators.caches() == []


async def test_a_cache_that_nobody_used_for_a_week_goes(
    server: Backend, operators: Operators
) -> None:
    for name in ("old", "new"):
        server.make(name, FILES)
        await look(operators.start(), server.place(name))
    operators.stop()
    old, new = operators.caches()
    week = new.stat().st_mtime - 8 * 24 * 3600
    os.utime(old, (week, week))
    operators.start()
    assert operators.caches() == [new]


def unmount(folder: Path) -> None:
    """Unmount the disk, also one that is in use, and remove its folder."""
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def disk() -> Iterator[Path]:
    """Mount a disk of 4 MiB.

    Not under pytest's folders: a killed run leaves its disk mounted, and pytest, which fails where
    it cannot remove an old folder, would fail in all later runs. The next run that wants a disk
    removes those of dead runs.
    """
    disks = Path(tempfile.gettempdir())
    for left in disks.glob("album-test-disk-*"):
        if not Path("/proc", left.name.rpartition("-")[2]).exists():
            unmount(left)
    folder = disks / f"album-test-disk-{os.getpid()}"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)], check=True)
    yield folder
    unmount(folder)


async def test_a_full_disk_frees_the_caches_first(
    server: Backend, disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = GitConfigRepository({server.host}, cache_folder=disk)
    for name in ("a", "b"):
        data = noise(2_500_000, name)
        server.make(name, FILES | {VALUES: data})
        assert await look(config, server.place(name)) == data
    assert "The disk is full" in caplog.text
    config.close()


async def test_a_disk_that_stays_full_is_a_passing_trouble_and_says_so(
    server: Backend, disk: Path
) -> None:
    server.make("config", FILES | {VALUES: noise(3_900_000)})
    server.make("small", FILES)
    config = GitConfigRepository({server.host}, cache_folder=disk)
    filler = disk / "of-somebody-else"
    filler.write_bytes(bytes(1_000_000))
    with pytest.raises(TransientError) as caught:
        await look(config, server.place("config"))
    assert caught.value.reason is Reason.GIT_UNAVAILABLE
    assert "disk is full" in caught.value.sentence
    assert await look(config, server.place("small")) == BEFORE
    filler.unlink()
    assert len(await look(config, server.place("config"))) == 3_900_000
    config.close()


@pytest.mark.parametrize(
    ("setting", "value", "warnings"),
    [
        ("uploadpack.allowFilter", "false", 1),
        ("uploadpackfilter.allow", "false", 1),
        ("uploadpackfilter.tree.maxDepth", "0", 0),
    ],
)
async def test_a_server_that_filters_less_is_asked_for_more_and_that_is_said_once(
    server: Backend,
    operators: Operators,
    caplog: pytest.LogCaptureFixture,
    setting: str,
    value: str,
    warnings: int,
) -> None:
    many = {f"apps/noise/{nth}.yaml": noise(4000, nth) for nth in range(100)}
    repository = server.make("config", FILES | many)
    git(repository, "config", setting, value)
    config, place = operators.start(), server.place("config")
    assert await look(config, place) == BEFORE
    pushed = await config.push(place, change(git(repository, "rev-parse", "main")))
    assert git(repository, "rev-parse", OURS) == pushed
    commit(repository, "main", {VALUES: b"moved"})
    server.reset()
    assert await look(config, place) == b"moved"
    assert server.traffic.sent < 10_000
    seen = await config.look(place, None, [VALUES, OTHER], OURS)
    assert seen.branch is not None
    assert seen.branch.changed_paths == {VALUES}
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == warnings


async def test_a_file_of_50_mb_is_refused_before_it_has_come(
    server: Backend, operators: Operators
) -> None:
    repository = server.make("config", FILES)
    commit(repository, "main", {VALUES: noise(50_000_000)})
    config, place = operators.start(), server.place("config")
    server.reset()
    with pytest.raises(TerminalError) as caught:
        await look(config, place)
    assert caught.value.reason is Reason.VALUES_NOT_EDITABLE
    assert server.traffic.sent < 20_000_000
    (cache,) = operators.caches()
    assert sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) < 10_000_000
    seen = await config.look(place, None, [OTHER], None)
    assert seen.files == {OTHER: BEFORE}


async def test_a_branch_that_differs_widely_is_told_by_folders(
    server: Backend, operators: Operators
) -> None:
    repository = server.make("config", FILES)
    commit(repository, OURS, FILES)
    commit(repository, OURS, {f"many/{nth}/x": b"%d" % nth for nth in range(400)} | {"y": b"1"})
    seen = await operators.start().look(server.place("config"), None, [VALUES], OURS)
    assert seen.branch is not None
    assert "y" in seen.branch.changed_paths
    assert "many/7/" in seen.branch.changed_paths
    assert seen.branch.changed_paths - {VALUES}


CHILD = """
import asyncio, sys
from pathlib import Path
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.domain.places import Credential, GitPlace

host, folder, path = sys.argv[1:]
place = GitPlace(f"http://{host}/config", Credential("s", f"http://{host}", "x", "some-token"))
config = GitConfigRepository({host}, cache_folder=Path(folder))
asyncio.run(config.look(place, None, [path], None))
"""


async def test_an_operator_that_is_killed_in_the_middle_of_a_fetch_leaves_no_harm(
    server: Backend, operators: Operators
) -> None:
    server.make("config", FILES)
    server.stalls_at = "/git-upload-pack"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, server.host, str(operators.folder), VALUES],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": os.environ["PATH"]},
    )
    assert await asyncio.to_thread(server.has_stalled.wait, 60)
    child.send_signal(signal.SIGKILL)
    child.wait(60)
    server.stalls_at = None
    # Git itself still waits for the server, and has the cache's locks.
    assert await look(operators.start(), server.place("config")) == BEFORE
    server.goes_on.set()
    assert len(operators.caches()) == 1
    operators.stop()
    assert [path.name for path in (operators.folder / "git" / "work").iterdir()] == []


async def test_a_look_does_not_wait_for_a_push_of_another_release(
    server: Backend, operators: Operators
) -> None:
    repository = server.make("config", FILES)
    config, place = operators.start(), server.place("config")
    await look(config, place)
    server.stalls_at = "/git-receive-pack"
    push = asyncio.ensure_future(config.push(place, change(git(repository, "rev-parse", "main"))))
    assert await asyncio.to_thread(server.has_stalled.wait, 60)
    commit(repository, "main", {VALUES: b"moved"})
    assert await look(config, place) == b"moved"
    assert not push.done()
    server.goes_on.set()
    assert await push == git(repository, "rev-parse", OURS)


async def test_a_look_that_is_cancelled_keeps_its_cache_until_git_has_ended(
    server: Backend, operators: Operators, caplog: pytest.LogCaptureFixture
) -> None:
    server.make("config", FILES)
    config, place = operators.start(), server.place("config")
    server.stalls_at = "/git-upload-pack"
    cancelled = asyncio.ensure_future(look(config, place))
    assert await asyncio.to_thread(server.has_stalled.wait, 60)
    cancelled.cancel()
    server.stalls_at = None
    second = asyncio.ensure_future(look(config, place))
    server.goes_on.set()
    assert await second == BEFORE
    assert caplog.records == []


async def test_ten_releases_at_once_make_one_cache_and_ten_branches(
    server: Backend, operators: Operators
) -> None:
    paths = [f"apps/app-{nth}/values.yaml" for nth in range(10)]
    repository = server.make("config", dict.fromkeys(paths, BEFORE))
    config, place = operators.start(), server.place("config")

    async def release(path: str) -> None:
        branch = f"release/{path.split('/')[1]}"
        seen = await config.look(place, None, [path], branch)
        assert seen.base_commit is not None
        await config.push(place, change(seen.base_commit, {path: AFTER}, branch))
        commit(repository, "main", {"elsewhere": branch.encode()})

    await asyncio.gather(*map(release, paths))
    for path in paths:
        branch = f"release/{path.split('/')[1]}"
        assert git(repository, "diff", "--name-only", f"{branch}^", branch) == path
    assert len(operators.caches()) == 1


def test_two_operators_do_not_share_a_folder(tmp_path: Path) -> None:
    first = GitConfigRepository((), cache_folder=tmp_path)
    with pytest.raises(CacheError, match="another operator"):
        GitConfigRepository((), cache_folder=tmp_path)
    first.close()
    GitConfigRepository((), cache_folder=tmp_path).close()


def test_a_folder_that_is_not_ours_alone_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "git").symlink_to(tmp_path)
    with pytest.raises(CacheError, match="Name a folder of the operator's own"):
        GitConfigRepository((), cache_folder=tmp_path)


def test_the_folder_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "git").mkdir(mode=0o777)
    config = GitConfigRepository((), cache_folder=tmp_path)
    assert (tmp_path / "git").stat().st_mode & 0o077 == 0
    with (tmp_path / "git" / "lock").open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    config.close()
