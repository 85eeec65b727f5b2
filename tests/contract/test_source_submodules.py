"""Submodules of the source: fetched on wish, refused where a build would miss them in silence."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.http_backend import Backend, running_backend
from tests.contract.plain_git import git
from tests.contract.source_stage import DOCKERFILE, SourceStage, link, modules
from tests.fakes.git_history import File

FETCH = {"ALBUM_SUBMODULES": "true"}
LEAVE = {"ALBUM_SUBMODULES": "false"}


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[SourceStage]:
    with running_backend(tmp_path / "served") as server:
        yield SourceStage(server, tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Backend]:
    with running_backend(tmp_path / "elsewhere") as server:
        yield server


@pytest.fixture
def lib(sources: SourceStage) -> str:
    """Make a repository with one file of its own."""
    return sources.add("lib", {"lib.c": File(b"int x;\n")})


def test_a_submodule_in_the_context_is_refused_until_somebody_says_what_to_do(
    sources: SourceStage, lib: str
) -> None:
    files = {".gitmodules": modules(backend__lib="../lib"), "backend/lib": link(lib)}
    commit = sources.add("app", files)

    assert sources.fetch("app", commit) == 1
    assert "backend/lib in the build context is a submodule" in sources.said
    assert "Set spec.build.source.submodules: true in the pipeline" in sources.said

    assert sources.fetch("app", commit, **FETCH) == 0
    assert (sources.target / "backend/lib/lib.c").read_bytes() == b"int x;\n"
    assert ".git" not in {path.name for path in sources.target.rglob("*")}

    assert sources.fetch("app", commit, **LEAVE) == 0
    assert list((sources.target / "backend/lib").iterdir()) == []

    files[f"{DOCKERFILE}.dockerignore"] = File(b"lib\n")
    commit = sources.add("app", files)
    assert sources.fetch("app", commit) == 0


def test_a_submodule_outside_of_the_context_keeps_nobody_from_building(
    sources: SourceStage,
) -> None:
    files = {".gitmodules": modules(docs="https://127.0.0.2:1/none"), "docs": link("1" * 40)}
    commit = sources.add("app", files)

    assert sources.fetch("app", commit) == 0
    assert sources.fetch("app", commit, **FETCH) == 0


def test_the_context_may_be_a_submodule_or_in_one(sources: SourceStage, lib: str) -> None:
    files = {".gitmodules": modules(parts__lib="../lib"), "parts/lib": link(lib)}
    commit = sources.add("app", files)
    context = {"ALBUM_CONTEXT_DIR": "parts/lib/backend"}

    assert sources.fetch("app", commit, **context) == 1
    assert "parts/lib in the build context is a submodule" in sources.said
    assert sources.fetch("app", commit, **context, **FETCH) == 0
    assert (sources.target / "parts/lib" / DOCKERFILE).exists()


def test_submodules_of_submodules_come_too(sources: SourceStage, lib: str) -> None:
    inner = sources.add("inner", {".gitmodules": modules(deep="../lib.git"), "deep": link(lib)})
    files = {".gitmodules": modules(backend__in=sources.url("inner")), "backend/in": link(inner)}
    commit = sources.add("app", files)

    assert sources.fetch("app", commit, **FETCH) == 0
    assert (sources.target / "backend/in/deep/lib.c").exists()


def test_submodules_without_end_end(sources: SourceStage) -> None:
    inner = sources.add("loop", {})
    for _ in range(10):
        files = {".gitmodules": modules(backend__in="../loop"), "backend/in": link(inner)}
        inner = sources.add("loop", files)

    assert sources.fetch("loop", inner, ALBUM_CONTEXT_DIR=".", **FETCH) == 1
    assert "more than 8 in one another" in sources.said


def test_an_older_commit_of_a_submodule_is_the_one_that_is_fetched(
    sources: SourceStage, lib: str
) -> None:
    files = {".gitmodules": modules(backend__lib="../lib"), "backend/lib": link(lib)}
    commit = sources.add("app", files)
    sources.add("lib", {"lib.c": File(b"int y;\n")})

    for is_served in ("true", "false"):
        path = sources.server.folder / "lib.git"
        for key in ("allowReachableSHA1InWant", "allowAnySHA1InWant", "allowTipSHA1InWant"):
            git(path, "config", f"uploadpack.{key}", is_served)
        sources.server.speaks_version_2 = is_served == "true"
        assert sources.fetch("app", commit, **FETCH) == 0
        assert (sources.target / "backend/lib/lib.c").read_bytes() == b"int x;\n"


@pytest.mark.usefixtures("lib")
def test_a_commit_nobody_pushed_is_told(sources: SourceStage) -> None:
    files = {".gitmodules": modules(backend__lib="../lib"), "backend/lib": link("1" * 40)}
    commit = sources.add("app", files)

    assert sources.fetch("app", commit, **FETCH) == 1
    assert "Submodule backend/lib" in sources.said
    assert "has commit 111111111111 on none of its branches and tags. Push it there" in sources.said


def test_the_token_goes_to_no_other_host(sources: SourceStage, other: Backend) -> None:
    made = SourceStage(other, sources.folder)
    lib = made.add("lib", {"lib.c": File(b"int x;\n")})
    files = {".gitmodules": modules(backend__lib=made.url("lib")), "backend/lib": link(lib)}
    commit = sources.add("app", files)
    sources.server.private.add("app")

    assert sources.fetch("app", commit, **FETCH) == 1
    assert "plain HTTP" in sources.said
    sources.insecure.append(other.host)
    assert sources.fetch("app", commit, **FETCH) == 0
    assert (sources.target / "backend/lib/lib.c").exists()
    assert (sources.server.shown, other.shown) == ({"app"}, set())

    other.private.add("lib")
    assert sources.fetch("app", commit, **FETCH) == 1
    assert f"{made.url('lib')} is not there for everybody" in sources.said
    assert f"the git Secret of the source is for http://{sources.server.host}" in sources.said
    assert "or set spec.build.source.submodules: false" in sources.said
    assert other.shown == set()


def test_a_private_submodule_on_the_same_host_gets_the_token(
    sources: SourceStage, lib: str
) -> None:
    sources.server.private.update({"app", "lib"})
    for url in (sources.url("lib"), "../lib", f"ssh://git@{sources.server.host}/lib"):
        files = {".gitmodules": modules(backend__lib=url), "backend/lib": link(lib)}
        commit = sources.add("app", files)
        assert sources.fetch("app", commit, **FETCH) == 0
        assert sources.server.shown == {"app", "lib"}


def test_a_private_submodule_beside_the_secret_s_prefix_gets_none(
    sources: SourceStage, lib: str
) -> None:
    files = {".gitmodules": modules(backend__lib="../lib"), "backend/lib": link(lib)}
    commit = sources.add("app", files)
    sources.server.private.update({"app", "lib"})

    assert sources.fetch("app", commit, url=sources.url("app"), **FETCH) == 1
    assert sources.server.shown == {"app"}
    assert "is not there for everybody" in sources.said


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "file:///etc",
        "/etc",
        "git://127.0.0.1/lib",
        "https://kubernetes.default.svc/lib",
        "https://169.254.169.254/latest",
        "fd::3",
    ],
)
def test_a_url_that_leads_where_no_pipeline_may_go_is_refused(
    sources: SourceStage, url: str
) -> None:
    files = {".gitmodules": modules(backend__lib=url), "backend/lib": link("1" * 40)}
    commit = sources.add("app", files)

    assert sources.fetch("app", commit, **FETCH) == 1
    assert "ubmodule" in sources.said
    assert sources.files("backend") <= {"Dockerfile"}


def test_a_password_in_a_url_is_neither_used_nor_shown(sources: SourceStage, lib: str) -> None:
    url = f"http://me:s3cret-canary@{sources.server.host}/lib"
    files = {".gitmodules": modules(backend__lib=url), "backend/lib": link(lib)}
    assert sources.fetch("app", sources.add("app", files), **FETCH) == 0
    assert "s3cret" not in sources.said


@pytest.mark.parametrize(
    ("name", "path", "more"),
    [
        ("../../evil", "backend/lib", ""),
        ("lib", "-u./evil", ""),
        ("lib", "backend/lib", "\tupdate = !touch /tmp/evil\n"),
    ],
)
def test_a_file_of_submodules_that_attacks_git_is_refused_by_its_name(
    sources: SourceStage, lib: str, name: str, path: str, more: str
) -> None:
    text = f'[submodule "{name}"]\n\tpath = {path}\n\turl = ../lib\n{more}'
    files = {".gitmodules": File(text.encode()), "backend/lib": link(lib)}

    assert sources.fetch("app", sources.add("app", files), **FETCH) == 1
    assert "has an object git takes for no proper one: gitmodules" in sources.said


def test_a_folder_without_a_url_is_refused_as_what_it_is(sources: SourceStage) -> None:
    commit = sources.add("app", {"backend/lib": link("1" * 40)})
    for variables in ({}, FETCH):
        assert sources.fetch("app", commit, **variables) == 1
        assert ".gitmodules has no URL for it" in sources.said
    assert sources.fetch("app", commit, **LEAVE) == 0


def test_what_git_leaves_alone_stays_empty(sources: SourceStage) -> None:
    text = modules(backend__lib="../none").data + b"\tupdate = none\n"
    files = {".gitmodules": File(text), "backend/lib": link("1" * 40)}
    assert sources.fetch("app", sources.add("app", files), **FETCH) == 0
    assert "backend/lib is a submodule and stays empty" in sources.said


def test_a_submodule_counts_for_the_room_of_the_whole(sources: SourceStage) -> None:
    lib = sources.add("lib", {"large": File(b"x" * 400_000)})
    files = {".gitmodules": modules(backend__lib="../lib"), "backend/lib": link(lib)}
    commit = sources.add("app", files)

    assert sources.fetch("app", commit, ALBUM_SOURCE_BYTES="200000", **FETCH) == 1
    assert "Raise build.resources.limits.ephemeral-storage" in sources.said
