"""Repositories that are made to use up the operator: refused with the reason, within its memory."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from tests.contract import hostile_packs as hostile
from tests.contract.git_works import BRANCH, TAG, VALUES, Ended
from tests.contract.http_backend import Backend, commit, running_backend
from tests.contract.memory_of_tree import MIB, TO_SPARE, bytes_below, measure, shipped_limit
from tests.contract.plain_git import git

TOP = Path(__file__).parents[2]

OPERATOR = 230 * MIB
"""What the operator has with 10,000 releases (manifests/base/deployment.yaml)."""

FILES = {VALUES: b"tag: 1\n", "Dockerfile": b"FROM scratch\n"}
ZEROS = 400 * MIB


@dataclass
class Operator:
    """An operator's git, in a process of its own.

    Attributes:
        disk: holds its volumes.
        most_on_disk: bytes that were there at once in the last run.
    """

    server: Backend
    disk: Path
    most_on_disk: int = 0

    def run(self, *works: list[str], **options: int) -> list[Ended]:
        """Do works at once, within the memory that git may have, and leave nothing half-done."""
        task = {
            "host": self.server.host,
            "cache": str(self.disk / "cache"),
            "works": works,
            "options": options,
        }
        words = [sys.executable, "-m", "tests.contract.git_works"]
        temporary = self.disk / "tmp"
        temporary.mkdir(exist_ok=True)
        out, peak = measure(words, json.dumps(task).encode(), TOP, temporary, self.disk)
        said = json.loads(out)
        self.most_on_disk = peak.disk
        most = max(peak.memory, said["peak"])
        assert most < shipped_limit() - TO_SPARE - OPERATOR, f"{most / MIB:.0f} MiB"
        assert list(self.disk.rglob("tmp_*")) == list(temporary.iterdir()) == []
        return [Ended(**one) for one in said["ended"]]

    def bytes_kept(self) -> int:
        return bytes_below(self.disk)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with running_backend(tmp_path_factory.mktemp("limits") / "served") as made:
        path = made.make("config", FILES)
        git(path, "tag", TAG, "main")
        yield made


@pytest.fixture
def server(served: Backend) -> Iterator[Backend]:
    yield served
    served.pack, served.speaks_version_2, served.stalls_at = None, True, None
    served.goes_on.clear()


@pytest.fixture
def operator(server: Backend, tmp_path: Path) -> Operator:
    (tmp_path / "disk").mkdir()
    return Operator(server, tmp_path / "disk")


def make(server: Backend, name: str) -> tuple[str, Path]:
    """Make a repository that gives out each object also by the oldest protocol."""
    path = server.make(name, FILES)
    git(path, "config", "uploadpack.allowAnySHA1InWant", "true")
    # The server looks for no deltas: its time is none of ours.
    git(path, "config", "pack.window", "0")
    return name, path


def put(repository: Path, kind: str, data: bytes) -> str:
    """Store an object, without asking whether it is a good one."""
    words = ("hash-object", "-t", kind, "-w", "--stdin", "--literally")
    return git(repository, *words, data=data, seconds=60)


def set_branch(repository: Path, branch: str, made: bytes) -> str:
    """Put a branch at a new commit."""
    oid = put(repository, "commit", made)
    git(repository, "update-ref", f"refs/heads/{branch}", oid)
    return oid


@pytest.fixture(scope="module")
def zeros(served: Backend) -> str:
    """Make a repository whose values file is 400 MiB of zeros, which travel as 2 MiB."""
    name, path = make(served, "zeros")
    packed = hostile.pack(hostile.stretched(hostile.BLOB, b"", b"\0", ZEROS))
    words = ("-c", "core.bigFileThreshold=1m", "index-pack", "--stdin")
    git(path, *words, data=packed, seconds=120)
    listed = git(path, "cat-file", "--batch-all-objects", "--batch-check")
    (blob,) = (line.split()[0] for line in listed.splitlines() if line.endswith(f" {ZEROS}"))
    tree = git(path, "mktree", data=f"100644 blob {blob}\t{VALUES}\n".encode())
    set_branch(path, "main", hostile.commit_object(tree, b"zeros"))
    return name


@pytest.mark.parametrize("is_new", [True, False])
def test_a_file_that_unpacks_to_400_mib_is_no_file_to_edit(
    operator: Operator, zeros: str, *, is_new: bool
) -> None:
    operator.server.speaks_version_2 = is_new
    (ended,) = operator.run(["look", zeros])
    assert ended.kind == "TerminalError"
    assert ended.reason == Reason.VALUES_NOT_EDITABLE
    assert ended.message is not None
    assert "more than 4194304 bytes" in ended.message


PACKS = {
    "a file of 500 MiB": lambda: hostile.pack(
        hostile.stretched(hostile.BLOB, b"", b"\0", 500 * MIB)
    ),
    "a delta that makes a file of 500 MiB": lambda: hostile.pack(*hostile.delta_bomb(500 * MIB)),
    "a commit of 50 MiB": lambda: hostile.pack(hostile.long_commit(50 * MIB)),
    "a million empty files": lambda: hostile.pack(*[hostile.entry(hostile.BLOB, b"")] * 1_000_000),
}


@pytest.mark.parametrize("what", PACKS)
def test_a_pack_that_is_large_when_it_is_unpacked_is_refused_before_that(
    operator: Operator, what: str
) -> None:
    operator.server.pack = PACKS[what]()
    for ended in operator.run(["look", "config"], ["source", "config"]):
        assert ended.kind == "TooLargeError"
        assert ended.reason == Reason.REPOSITORY_TOO_LARGE
    assert operator.bytes_kept() == 0


@pytest.mark.parametrize(
    ("what", "objects"),
    [
        ("a delta", hostile.delta_bomb(500 * MIB)),
        ("objects that it has not", [hostile.entry(hostile.BLOB, b"a")]),
    ],
)
def test_git_itself_cannot_take_more_memory_than_it_may(
    operator: Operator, what: str, objects: list[bytes]
) -> None:
    del what
    operator.server.speaks_version_2 = False
    operator.server.pack = hostile.pack(*objects, count=20_000_000)
    (ended,) = operator.run(["look", "config"])
    assert ended.reason == Reason.REPOSITORY_TOO_LARGE
    assert "ALBUM_GIT_MEMORY_BYTES" in (ended.message or "")
    assert operator.bytes_kept() == 0


BOTH_PROTOCOLS = pytest.mark.parametrize("is_new", [True, False])
"""Over a connection of ours, and by git's commands."""


@BOTH_PROTOCOLS
def test_a_folder_of_100_000_files_is_no_trouble(operator: Operator, *, is_new: bool) -> None:
    operator.server.speaks_version_2 = is_new
    name, path = make(operator.server, f"wide-{is_new}")
    file = bytes.fromhex(git(path, "rev-parse", f"main:{VALUES}"))
    wide = hostile.wide_tree(100_000) + b"100644 values.yaml\0" + file
    tree = put(path, "tree", wide)
    base = set_branch(path, "main", hostile.commit_object(tree, b"wide"))
    set_branch(path, BRANCH, hostile.commit_object(hostile.EMPTY_TREE, b"narrow", base))
    assert operator.run(["look", name]) == [Ended()]


@BOTH_PROTOCOLS
def test_a_larger_folder_is_refused(operator: Operator, *, is_new: bool) -> None:
    operator.server.speaks_version_2 = is_new
    name, path = make(operator.server, f"wider-{is_new}")
    tree = put(path, "tree", hostile.wide_tree(300_000))
    git(path, "tag", TAG, set_branch(path, "main", hostile.commit_object(tree, b"wider")))
    for ended in operator.run(["look", name], ["source", name]):
        assert ended.reason == Reason.REPOSITORY_TOO_LARGE
        assert "Keep fewer files in one folder" in (ended.message or "")
    assert operator.bytes_kept() == 0


@BOTH_PROTOCOLS
def test_commits_and_tags_of_50_mib_are_refused(operator: Operator, *, is_new: bool) -> None:
    operator.server.speaks_version_2 = is_new
    name, path = make(operator.server, f"long-{is_new}")
    base = git(path, "rev-parse", "main")
    message = b"a" * 50 * MIB
    long = hostile.commit_object(git(path, "rev-parse", "main^{tree}"), message, base)
    commit_id = set_branch(path, BRANCH, long)
    tag = put(path, "tag", hostile.tag_object(TAG, commit_id, message))
    git(path, "update-ref", f"refs/tags/{TAG}", tag)
    git(path, "tag", "before", base)
    works = [["look", name], ["source", name], ["log", name, "before", commit_id]]
    for ended in operator.run(*works):
        assert ended.reason == Reason.REPOSITORY_TOO_LARGE
    git(path, "update-ref", "refs/heads/main", commit_id)
    (ended,) = operator.run(["descend", name, commit_id, base])
    assert ended.reason == Reason.REPOSITORY_TOO_LARGE


def have_refs(repository: Path, count: int) -> str:
    """Give a repository as many branches and tags that begin as those that are looked for."""
    base = git(repository, "rev-parse", "main")
    names = [f"refs/{kind}" for kind in ("heads/main", f"tags/{TAG}")]
    names += [f"{name}-{nth:06}" for name in names for nth in range(count // 2)]
    lines = (f"{base} {name}\n" for name in sorted(names))
    (repository / "packed-refs").write_text("".join(lines))
    return base


def test_looking_for_one_of_200_000_refs_is_no_trouble(operator: Operator) -> None:
    name, path = make(operator.server, "refs")
    have_refs(path, 200_000)
    assert operator.run(["look", name], ["source", name]) == [Ended(), Ended()]


def test_an_old_server_that_always_tells_200_000_refs_is_refused(operator: Operator) -> None:
    operator.server.speaks_version_2 = False
    name, path = make(operator.server, "old-refs")
    have_refs(path, 200_000)
    for ended in operator.run(["look", name], ["source", name]):
        assert ended.reason == Reason.REPOSITORY_TOO_LARGE


def test_a_push_that_takes_more_memory_than_git_may_have_says_how_it_gets_more(
    operator: Operator,
) -> None:
    name, path = make(operator.server, "push")
    have_refs(path, 80_000)
    (ended,) = operator.run(["push", name], memory=24 * MIB)
    assert ended.reason == Reason.REPOSITORY_TOO_LARGE, ended
    assert "Raise ALBUM_GIT_MEMORY_BYTES" in (ended.message or "")
    assert operator.run(["push", name], memory=48 * MIB) == [Ended()]


def noise(size: int, seed: int) -> bytes:
    """Give bytes that cannot be compressed, the same ones each time."""
    return hashlib.shake_256(b"%d" % seed).digest(size)


@pytest.fixture(scope="module")
def heavy(served: Backend) -> str:
    """Make a repository of 40 MiB whose server filters nothing."""
    name, path = make(served, "heavy")
    git(path, "config", "core.compression", "0")
    files = {f"assets/{nth}": noise(4 * MIB, nth) for nth in range(10)}
    files |= {f"docs/{nth}": b"%d" % nth for nth in range(200)}
    commit(path, "main", files)
    git(path, "config", "uploadpack.allowFilter", "false")
    git(path, "tag", TAG, "main")
    return name


WAYS = {
    "look": ["look"],
    "push": ["push"],
    "source": ["source"],
    "history": ["descend", "b" * 40, "a" * 40],
    "log": ["log", TAG, "main"],
}


@BOTH_PROTOCOLS
@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_does_not_filter_brings_no_more_than_a_fetch_may(
    operator: Operator, heavy: str, way: str, *, is_new: bool
) -> None:
    operator.server.speaks_version_2 = is_new
    head = git(operator.server.folder / f"{heavy}.git", "rev-parse", "main")
    word, *arguments = [head if argument == "main" else argument for argument in WAYS[way]]
    work = [word, heavy, *arguments]
    (ended,) = operator.run(work, fetch=16 * MIB)
    assert ended.reason == Reason.REPOSITORY_TOO_LARGE, ended
    assert "Raise ALBUM_FETCH_BYTES" in (ended.message or "")
    assert operator.bytes_kept() == 0
    assert operator.most_on_disk < 24 * MIB


def test_what_the_message_names_lets_a_larger_fetch_through(operator: Operator, heavy: str) -> None:
    works = [["push", heavy], ["source", heavy]]
    assert operator.run(*works, fetch=64 * MIB) == [Ended(), Ended()]


def test_a_fetch_brings_no_more_than_the_cache_may_hold(operator: Operator, heavy: str) -> None:
    (ended,) = operator.run(["look", heavy], cache_bytes=1 * MIB)
    assert ended.reason == Reason.REPOSITORY_TOO_LARGE
    assert "Raise ALBUM_CACHE_BYTES" in (ended.message or "")
    assert operator.bytes_kept() == 0
    assert operator.run(["look", heavy], cache_bytes=48 * MIB) == [Ended()]


def test_large_fetches_at_once_leave_room_and_keep_no_small_one_waiting(
    operator: Operator, heavy: str
) -> None:
    folder = operator.server.folder
    copies = [f"{heavy}-{nth}" for nth in range(6)]
    for name in copies:
        shutil.copytree(folder / f"{heavy}.git", folder / f"{name}.git", copy_function=os.link)
    looks = [["look", name] for name in copies]
    most = {"fetch": 44 * MIB, "cache_bytes": 48 * MIB}
    *large, small = operator.run(*looks, ["look", "config"], **most)
    assert small == Ended()
    assert operator.most_on_disk < 48 * MIB + 2 * 44 * MIB + 16 * MIB
    refused = [ended for ended in large if ended != Ended()]
    assert {ended.reason for ended in refused} <= {Reason.GIT_UNAVAILABLE}
    assert all("no room for more at once" in (ended.message or "") for ended in refused)
    # Those that were refused are fetched later.
    while looks := [look for look, ended in zip(looks, large, strict=True) if ended != Ended()]:
        large = operator.run(*looks, **most)


def test_all_of_it_at_once_stays_within_the_shipped_memory(
    operator: Operator, zeros: str, heavy: str
) -> None:
    for way in (True, False):
        operator.server.speaks_version_2 = way
        works = [[word, name] for name in (zeros, heavy) for word in ("look", "push", "source")]
        operator.run(*works, *works)


def run_fetch(server: Backend, name: str, target: Path, most: int) -> tuple[int, str]:
    """Run the init container of a build for the tip of branch `main`."""
    credential = target.with_name("credential")
    credential.mkdir(exist_ok=True)
    for key, value in (("url", f"http://{server.host}"), ("token", "some-token")):
        (credential / key).write_text(value)
    variables = {
        "ALBUM_REPOSITORY": server.place(name).url,
        "ALBUM_COMMIT": git(server.folder / f"{name}.git", "rev-parse", "main"),
        "ALBUM_TAG": TAG,
        "ALBUM_TARGET": str(target),
        "ALBUM_CREDENTIAL": str(credential),
        "ALBUM_INSECURE_HOSTS": server.host,
        "ALBUM_SOURCE_BYTES": str(most),
    }
    words = [sys.executable, "-m", "album_operator.fetch_source"]
    ended = subprocess.run(
        words, env=os.environ | variables, capture_output=True, timeout=120, check=False, text=True
    )
    return ended.returncode, ended.stderr


def test_a_source_that_is_larger_than_the_build_s_disk_is_refused_before_it_is_written(
    server: Backend, heavy: str, zeros: str, tmp_path: Path
) -> None:
    target = tmp_path / "source"
    for name, most, enough in ((heavy, 16 * MIB, 96 * MIB), (zeros, 300 * MIB, 500 * MIB)):
        status, said = run_fetch(server, name, target, most)
        assert status == 1
        assert "Raise build.resources.limits.ephemeral-storage" in said
        assert bytes_below(target) == 0
        assert run_fetch(server, name, target, enough) == (0, "")


def test_a_tree_of_the_same_file_a_billion_times_is_refused(
    server: Backend, tmp_path: Path
) -> None:
    name, path = make(server, "bomb")
    entry = f"100644 blob {git(path, 'rev-parse', f'main:{VALUES}')}"
    for _ in range(9):
        tree = git(path, "mktree", data="".join(f"{entry}\t{nth}\n" for nth in range(10)).encode())
        entry = f"040000 tree {tree}"
    set_branch(path, "main", hostile.commit_object(tree, b"bomb"))
    status, said = run_fetch(server, name, tmp_path / "source", 1024 * MIB)
    assert status == 1
    assert "Raise build.resources.limits.ephemeral-storage" in said
    assert bytes_below(tmp_path / "source") == 0


async def test_a_fetch_that_is_broken_off_leaves_nothing_on_disk(
    server: Backend, heavy: str, tmp_path: Path
) -> None:
    # As argoproj/argo-cd#18831: 26 GiB of packs whose fetches were killed by their time limit.
    server.speaks_version_2 = False
    server.stalls_at = f"/{heavy}/git-upload-pack"
    config = GitConfigRepository(
        {server.host}, cache_folder=tmp_path, time_limit=timedelta(seconds=5)
    )
    try:
        with pytest.raises(TransientError, match="took longer"):
            await config.look(server.place(heavy), "main", [VALUES], None)
        assert server.has_stalled.is_set()
        assert list(tmp_path.rglob("tmp_*")) == []
        assert bytes_below(tmp_path) < MIB
    finally:
        server.goes_on.set()
        config.close()
