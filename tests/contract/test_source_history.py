"""`.git` in the build context: what a Dockerfile's git sees, and what nobody may find there."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.http_backend import running_backend
from tests.contract.lfs_store import running_store
from tests.contract.plain_git import git
from tests.contract.source_stage import DOCKERFILE, TAG, TOKEN, SourceStage, link, modules
from tests.fakes.git_history import File

HISTORY = {"ALBUM_HISTORY": "true"}
ROOT = {"ALBUM_CONTEXT_DIR": ".", "ALBUM_DOCKERFILE": DOCKERFILE}


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[SourceStage]:
    with running_backend(tmp_path / "served") as server:
        yield SourceStage(server, tmp_path)


@pytest.fixture
def commit(sources: SourceStage) -> str:
    """Make an annotated tag, then two commits, and a later one that no build is of."""
    sources.add("app", {"backend/a": File(b"1")}, annotated=True)
    path = sources.server.folder / "app.git"
    git(path, "tag", "backend-v1.0.0", "main")
    sources.add("app", {"backend/a": File(b"2")})
    made = sources.add("app", {"backend/a": File(b"3")}, annotated=True)
    sources.add("app", {"backend/a": File(b"4")})
    git(path, "tag", "--force", "later", "main")
    git(path, "tag", "--force", TAG, made)
    return made


def seen(folder: Path, *words: str) -> str:
    """Give what git says in a build, whose user the files belong to."""
    return git(folder / ".git", *words, variables={"GIT_WORK_TREE": str(folder)})


def test_without_the_wish_there_is_no_git(sources: SourceStage, commit: str) -> None:
    assert sources.fetch("app", commit) == 0
    assert sources.files() == {DOCKERFILE, "backend/a"}


def test_a_build_of_all_can_describe_its_commit_and_what_it_changes(
    sources: SourceStage, commit: str
) -> None:
    assert sources.fetch("app", commit, **HISTORY, **ROOT) == 0

    folder = sources.target
    assert seen(folder, "rev-parse", "HEAD") == commit
    assert seen(folder, "describe", "--tags", "--dirty") == TAG
    assert seen(folder, "describe", "--tags", "--exclude", TAG) == (
        f"backend-v1.0.0-2-g{commit[:7]}"
    )
    assert seen(folder, "rev-list", "--count", "HEAD") == "3"
    assert seen(folder, "tag") == f"backend-v1.0.0\n{TAG}"
    assert seen(folder, "status", "--porcelain") == ""
    assert seen(folder, "remote", "get-url", "origin") == sources.url("app")
    assert seen(folder, "fsck") == ""
    (folder / "backend/a").write_text("other")
    assert seen(folder, "describe", "--tags", "--dirty") == f"{TAG}-dirty"


def test_a_build_of_a_folder_can_describe_its_commit_and_is_not_told_to_be_changed(
    sources: SourceStage, commit: str
) -> None:
    assert sources.fetch("app", commit, **HISTORY) == 0
    folder = sources.target / "backend"
    assert seen(folder, "describe", "--tags", "--dirty") == TAG
    assert seen(folder, "status", "--porcelain") == ""
    assert not (sources.target / ".git").exists()


def test_neither_credential_nor_program_is_in_it(sources: SourceStage, commit: str) -> None:
    assert sources.fetch("app", commit, **HISTORY) == 0
    folder = sources.target / "backend/.git"
    names = {path.name for path in folder.iterdir()}
    assert names <= {"HEAD", "config", "index", "objects", "refs", "packed-refs", "shallow"}
    for path in folder.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()
    assert "git-upload" not in (folder / "config").read_text()


def test_a_tag_that_moved_meanwhile_stands_for_what_is_built(
    sources: SourceStage, commit: str
) -> None:
    path = sources.server.folder / "app.git"
    for to in ("main", "main~2"):
        git(path, "tag", "--force", TAG, to)
        assert sources.fetch("app", commit, **HISTORY) == 0
        assert seen(sources.target / "backend", "rev-parse", f"{TAG}^{{commit}}") == commit


def test_a_server_that_serves_no_commit_by_its_id_serves_the_tag(
    sources: SourceStage, commit: str
) -> None:
    sources.server.speaks_version_2 = False
    assert sources.fetch("app", commit, **HISTORY) == 0
    folder = sources.target / "backend"
    assert seen(folder, "describe", "--tags") == TAG
    assert seen(folder, "rev-list", "--count", "HEAD") == "3"


def test_a_context_without_git_is_refused(sources: SourceStage) -> None:
    made = sources.add("app", {"backend/.dockerignore": File(b".git\n")})
    assert sources.fetch("app", made, **HISTORY) == 1
    assert "a last line `!.git` does it" in sources.said
    made = sources.add("app", {"backend/.dockerignore": File(b".git\n!.git\n")})
    assert sources.fetch("app", made, **HISTORY) == 0


def test_a_context_in_a_submodule_has_no_history(sources: SourceStage) -> None:
    lib = sources.add("lib", {})
    files = {".gitmodules": modules(lib="../lib"), "lib": link(lib)}
    made = sources.add("app", files)
    variables = {"ALBUM_CONTEXT_DIR": "lib", "ALBUM_SUBMODULES": "true"}
    assert sources.fetch("app", made, **HISTORY, **variables) == 1
    assert "in the source repository itself" in sources.said


def test_files_of_lfs_and_submodules_are_no_change(sources: SourceStage) -> None:
    lib = sources.add("lib", {"lib.c": File(b"int x;\n")})
    with running_store() as store:
        sources.insecure.append(store.host)
        files = {
            ".gitattributes": File(b"*.bin filter=lfs -text\n"),
            ".gitmodules": modules(lib="../lib"),
            ".lfsconfig": File(f"[lfs]\n\turl = http://{store.host}\n".encode()),
            "a.bin": File(store.add(b"content")),
            "lib": link(lib),
        }
        made = sources.add("app", files)
        wishes = {"ALBUM_LFS": "true", "ALBUM_SUBMODULES": "true"}
        assert sources.fetch("app", made, **HISTORY, **ROOT, **wishes) == 0
    assert (sources.target / "a.bin").read_bytes() == b"content"
    assert seen(sources.target, "describe", "--tags", "--dirty") == TAG


def test_a_history_that_does_not_fit_is_refused(sources: SourceStage) -> None:
    blocks = (hashlib.sha512(b"%d" % number).digest() for number in range(6400))
    noise = b"".join(blocks)
    sources.add("app", {"backend/large": File(noise)})
    made = sources.add("app", {})
    assert sources.fetch("app", made, ALBUM_SOURCE_BYTES="300000") == 0
    assert sources.fetch("app", made, ALBUM_SOURCE_BYTES="300000", **HISTORY) == 1
    assert "Raise build.resources.limits.ephemeral-storage" in sources.said


def test_what_dockerignore_leaves_out_is_no_change(sources: SourceStage) -> None:
    ignored = File(b"docs\n")
    files = {"docs/a": File(b"1"), "a": File(b"1"), f"{DOCKERFILE}.dockerignore": ignored}
    made = sources.add("app", files)
    assert sources.fetch("app", made, **HISTORY, **ROOT) == 0
    for name in ("docs/a", "a"):
        assert seen(sources.target, "describe", "--tags", "--dirty") == TAG
        (sources.target / name).unlink()
    assert seen(sources.target, "describe", "--tags", "--dirty") == f"{TAG}-dirty"
