"""Repositories that are made to use up the operator: refused with the reason, within its memory."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from album_operator.domain.reasons import Reason
from tests.contract import hostile_packs as hostile
from tests.contract.git_works import BRANCH, TAG, VALUES, Ended
from tests.contract.http_backend import Backend, running_backend
from tests.contract.memory_of_tree import measure
from tests.contract.plain_git import git

MIB = 1024 * 1024

TOP = Path(__file__).parents[2]

TO_SPARE = 200 * MIB
OPERATOR = 230 * MIB
"""What the operator has with 10,000 releases (manifests/base/deployment.yaml)."""

FILES = {VALUES: b"tag: 1\n", "Dockerfile": b"FROM scratch\n"}
ZEROS = 400 * MIB


def shipped_limit() -> int:
    """Read the memory limit of the Deployment."""
    (deployment,) = yaml.safe_load_all((TOP / "manifests/base/deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return int(container["resources"]["limits"]["memory"].removesuffix("Mi")) * MIB


@dataclass
class Operator:
    """An operator's git, in a process of its own."""

    server: Backend
    cache: Path

    def run(self, *works: list[str], **options: int) -> list[Ended]:
        """Do works at once, within the memory that git may have, and leave nothing half-done."""
        task = {
            "host": self.server.host,
            "cache": str(self.cache),
            "works": works,
            "options": options,
        }
        words = [sys.executable, "-m", "tests.contract.git_works"]
        measured = measure(words, json.dumps(task).encode(), TOP, seconds=120)
        said = json.loads(measured.out)
        peak = max(measured.peak, said["peak"])
        assert peak < shipped_limit() - TO_SPARE - OPERATOR, f"{peak / MIB:.0f} MiB"
        assert list(self.cache.rglob("tmp_*")) == []
        return [Ended(**one) for one in said["ended"]]

    def bytes_kept(self) -> int:
        return sum(path.stat().st_size for path in self.cache.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with running_backend(tmp_path_factory.mktemp("limits") / "served") as made:
        path = made.make("config", FILES)
        git(path, "tag", TAG, "main")
        yield made


@pytest.fixture
def server(served: Backend) -> Iterator[Backend]:
    yield served
    served.pack, served.speaks_version_2 = None, True


@pytest.fixture
def operator(server: Backend, tmp_path: Path) -> Operator:
    return Operator(server, tmp_path / "cache")


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
