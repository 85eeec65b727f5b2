"""Files of Git LFS: fetched on wish, refused where a build would get pointers in silence."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.http_backend import running_backend
from tests.contract.lfs_store import LfsStore, running_store
from tests.contract.source_stage import TOKEN, SourceStage, link, modules
from tests.fakes.git_history import File

FETCH = {"ALBUM_LFS": "true"}
LEAVE = {"ALBUM_LFS": "false"}
ATTRIBUTES = File(b"*.bin filter=lfs diff=lfs merge=lfs -text\n")
DATA = bytes(range(256)) * 1000


@pytest.fixture
def store() -> Iterator[LfsStore]:
    with running_store() as made:
        yield made


@pytest.fixture
def sources(tmp_path: Path, store: LfsStore) -> Iterator[SourceStage]:
    with running_backend(tmp_path / "served") as server:
        yield SourceStage(server, tmp_path, [store.host])


def config(store: LfsStore) -> File:
    """Give a `.lfsconfig` that names the store."""
    return File(f"[lfs]\n\turl = http://{store.host}/api/\n".encode())


def add(
    sources: SourceStage, store: LfsStore, files: dict[str, File], attributes: File = ATTRIBUTES
) -> str:
    named = {".gitattributes": attributes, ".lfsconfig": config(store)}
    return sources.add("app", named | files)


def test_pointers_in_the_context_are_refused_until_somebody_says_what_to_do(
    sources: SourceStage, store: LfsStore
) -> None:
    pointer = store.add(DATA)
    files = {"backend/a.bin": File(pointer), "backend/deep/run.bin": File(pointer, "100755")}
    commit = add(sources, store, files)

    assert sources.fetch("app", commit) == 1
    assert "only pointers to files that Git LFS keeps: backend/a.bin, backend/d" in sources.said
    assert "Set spec.build.source.lfs: true in the pipeline" in sources.said

    assert sources.fetch("app", commit, **FETCH) == 0
    assert (sources.target / "backend/a.bin").read_bytes() == DATA
    assert (sources.target / "backend/deep/run.bin").read_bytes() == DATA
    assert os.access(sources.target / "backend/deep/run.bin", os.X_OK)
    assert [path for path, _ in store.asked] == ["/api/objects/batch"]
    assert len(store.shown) == 1

    assert sources.fetch("app", commit, **LEAVE) == 0
    assert (sources.target / "backend/a.bin").read_bytes() == pointer

    commit = add(sources, store, files | {"backend/.dockerignore": File(b"**/*.bin\n")})
    assert sources.fetch("app", commit) == 0


@pytest.mark.parametrize(
    "files",
    [
        {"docs/a.bin": "pointer"},
        {"backend/testdata/pointer.txt": "pointer"},
        {"backend/a.bin": "version https://git-lfs.github.com/spec/v1\nnothing else\n"},
        {"backend/a.bin": "a whole file that was committed before it was tracked"},
        {"backend/a.bin": ""},
    ],
)
def test_what_the_build_does_not_miss_keeps_nobody_from_building(
    sources: SourceStage, store: LfsStore, files: dict[str, str]
) -> None:
    pointer = store.add(DATA)
    there = {
        path: File(pointer if text == "pointer" else text.encode()) for path, text in files.items()
    }
    commit = add(sources, store, there)

    assert sources.fetch("app", commit) == 0
    assert sources.fetch("app", commit, **FETCH) == 0
    assert store.asked == []


def test_attributes_of_a_folder_and_of_the_whole_count_alike(
    sources: SourceStage, store: LfsStore
) -> None:
    pointer = File(store.add(DATA))
    files = {
        "backend/.gitattributes": File(b"assets/** filter=lfs\nassets/plain.txt -filter\n"),
        "backend/assets/a": pointer,
        "backend/assets/plain.txt": pointer,
        "backend/a line\nbreak.bin": pointer,
    }
    commit = add(sources, store, files)

    assert sources.fetch("app", commit, **FETCH) == 0
    assert (sources.target / "backend/assets/a").read_bytes() == DATA
    assert (sources.target / "backend/a line\nbreak.bin").read_bytes() == DATA
    assert (sources.target / "backend/assets/plain.txt").read_bytes() == pointer.data


def test_the_repository_s_own_server_is_asked_with_the_token(
    sources: SourceStage, store: LfsStore
) -> None:
    store.token = TOKEN
    commit = add(sources, store, {"backend/a.bin": File(store.add(DATA))})

    assert sources.fetch("app", commit, **FETCH) == 1
    assert "It wants a token (HTTP status 401)" in sources.said
    # A Secret for all ports of the host there is not: so the store is the host of the source.
    assert sources.fetch("app", commit, url=f"http://{store.host}", **FETCH) == 1
    assert "is not sent to" in sources.said


def test_a_store_elsewhere_is_shown_what_the_server_says_and_no_token(
    sources: SourceStage, store: LfsStore
) -> None:
    with running_store() as cloud:
        pointer = cloud.add(DATA)
        store.add(DATA)
        commit = add(sources, store, {"backend/a.bin": File(pointer)})
        store.elsewhere = f"http://{cloud.host}/bucket"

        assert sources.fetch("app", commit, **FETCH) == 1
        assert "plain HTTP" in sources.said
        sources.insecure.append(cloud.host)
        assert sources.fetch("app", commit, **FETCH) == 0
        assert (sources.target / "backend/a.bin").read_bytes() == DATA
        assert cloud.shown == [None]


@pytest.mark.parametrize("href", ["file:///etc", "https://169.254.169.254/x", "gopher://x/", "/x"])
def test_a_link_that_leads_where_no_pipeline_may_go_is_refused(
    sources: SourceStage, store: LfsStore, href: str
) -> None:
    commit = add(sources, store, {"backend/a.bin": File(store.add(DATA))})
    store.href = href
    assert sources.fetch("app", commit, **FETCH) == 1
    assert not (sources.target / "backend/a.bin").read_bytes().startswith(DATA[:10])


def test_another_content_is_not_taken_for_the_file(sources: SourceStage, store: LfsStore) -> None:
    pointer = store.add(DATA)
    commit = add(sources, store, {"backend/a.bin": File(pointer)})
    store.spoils = True
    assert sources.fetch("app", commit, **FETCH) == 1
    assert "another content" in sources.said
    assert (sources.target / "backend/a.bin").read_bytes() == pointer


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"", "It does not serve the files (HTTP status 404)"),
        (429, b"", "cannot be used: HTTP status 429"),
        (503, b"", "cannot be used: HTTP status 503"),
        (200, b"<html>login</html>", "what it answered is no list of objects"),
        (200, b'{"objects": []}', "what it answered is no list of objects"),
        (200, b'{"objects": [null]}', "what it answered is no list of objects"),
        (200, b" " * 5_000_000, "the answer has more than"),
    ],
)
def test_a_server_that_answers_otherwise_is_told_in_a_sentence(
    sources: SourceStage, store: LfsStore, status: int, body: bytes, said: str
) -> None:
    commit = add(sources, store, {"backend/a.bin": File(store.add(DATA))})
    store.says.append((status, body))
    assert sources.fetch("app", commit, **FETCH) == 1
    assert said in sources.said
    assert len(sources.said.splitlines()[-1]) < 700


def test_an_object_the_server_lost_is_told(sources: SourceStage, store: LfsStore) -> None:
    pointer = store.add(DATA)
    store.objects.clear()
    commit = add(sources, store, {"backend/a.bin": File(pointer)})
    assert sources.fetch("app", commit, **FETCH) == 1
    assert "for us: 404 Object does not exist. Mend that there, or set spec.build" in sources.said


def test_files_that_do_not_fit_are_refused_before_they_come(
    sources: SourceStage, store: LfsStore
) -> None:
    pointer = store.add(b"x").replace(b"size 1\n", b"size 99999999999\n")
    commit = add(sources, store, {"backend/a.bin": File(pointer)})
    assert sources.fetch("app", commit, **FETCH) == 1
    assert "Raise build.resources.limits.ephemeral-storage" in sources.said
    assert store.asked == []


def test_what_an_extension_made_is_refused(sources: SourceStage, store: LfsStore) -> None:
    ext = b"ext-0-foo sha256:" + b"1" * 64 + b"\noid"
    pointer = store.add(DATA).replace(b"oid", ext, 1)
    commit = add(sources, store, {"backend/a.bin": File(pointer)})
    assert sources.fetch("app", commit, **FETCH) == 1
    assert "Store the files without an extension" in sources.said


def test_files_of_a_submodule_come_too(sources: SourceStage, store: LfsStore) -> None:
    files = {".gitattributes": ATTRIBUTES, ".lfsconfig": config(store)}
    lib = sources.add("lib", files | {"a.bin": File(store.add(DATA))})
    files = {".gitmodules": modules(backend__lib="../lib"), "backend/lib": link(lib)}
    commit = sources.add("app", files)
    assert sources.fetch("app", commit, ALBUM_SUBMODULES="true") == 1
    assert "backend/lib/a.bin" in sources.said
    assert sources.fetch("app", commit, ALBUM_SUBMODULES="true", **FETCH) == 0
    assert (sources.target / "backend/lib/a.bin").read_bytes() == DATA


def test_a_configuration_that_is_none_is_told(sources: SourceStage, store: LfsStore) -> None:
    files = {".lfsconfig": File(b"[lfs\n"), "backend/a.bin": File(store.add(DATA))}
    assert sources.fetch("app", add(sources, store, files), **FETCH) == 1
    assert ".lfsconfig of" in sources.said
    assert "is no configuration of git" in sources.said


def test_no_filter_of_the_repository_runs(sources: SourceStage, store: LfsStore) -> None:
    files = {
        ".lfsconfig": File(b'[filter "lfs"]\n\tsmudge = touch ran\n\trequired = true\n'),
        "backend/text.bin": File(b"as it is\n"),
        "backend/dos.txt": File(b"a\n"),
        "backend/.gitattributes": File(b"text.bin filter=evil\ndos.txt text eol=crlf\n"),
    }
    assert sources.fetch("app", add(sources, store, files)) == 0
    assert (sources.target / "backend/text.bin").read_bytes() == b"as it is\n"
    # As wherever the commit is checked out.
    assert (sources.target / "backend/dos.txt").read_bytes() == b"a\r\n"
