"""What the port `ConfigRepository` promises about diffs: git's own, and nothing is written."""

import pytest

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.places import GitPlace
from tests.contract.stages import Stage
from tests.fakes.git_history import Commit, File

VALUES = "backend/values.yaml"
OLD = b"# head\nservice:\n  a: 1\n  b: 2\n  c: 3\n  d: 4\n  tag: v1\n  e: 5\n"
NEW = OLD.replace(b"v1", b'"v2"')


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    return stage.make_repository(name)


def commit(stage: Stage, place: GitPlace, files: dict[str, File]) -> str:
    sha = stage.store(place, Commit((), files))
    stage.set_branch(place, "main", sha)
    return sha


async def test_a_diff_is_gits_with_hunk_headings(stage: Stage, place: GitPlace) -> None:
    sha = commit(stage, place, {VALUES: File(OLD)})
    assert await stage.config.diff(place, sha, {VALUES: NEW}) == (
        "diff --git a/backend/values.yaml b/backend/values.yaml\n"
        f"index {File(OLD).oid[:7]}..{File(NEW).oid[:7]} 100644\n"
        "--- a/backend/values.yaml\n"
        "+++ b/backend/values.yaml\n"
        "@@ -4,5 +4,5 @@ service:\n"
        "   b: 2\n"
        "   c: 3\n"
        "   d: 4\n"
        "-  tag: v1\n"
        '+  tag: "v2"\n'
        "   e: 5\n"
    )


async def test_a_diff_after_a_look_is_the_same(stage: Stage, place: GitPlace) -> None:
    sha = commit(stage, place, {VALUES: File(OLD)})
    unseen = await stage.config.diff(place, sha, {VALUES: NEW})
    await stage.config.look(place, "main", [VALUES], None)
    assert await stage.config.diff(place, sha, {VALUES: NEW}) == unseen


async def test_several_files_come_in_the_order_of_their_paths(
    stage: Stage, place: GitPlace
) -> None:
    sha = commit(stage, place, {"b.yaml": File(OLD, "100755"), VALUES: File(OLD), "c": File(OLD)})
    diff = await stage.config.diff(place, sha, {"c": OLD, "b.yaml": NEW, VALUES: NEW})
    assert [line for line in diff.splitlines() if line.startswith(("diff", "index"))] == [
        "diff --git a/b.yaml b/b.yaml",
        f"index {File(OLD).oid[:7]}..{File(NEW).oid[:7]} 100755",
        f"diff --git a/{VALUES} b/{VALUES}",
        f"index {File(OLD).oid[:7]}..{File(NEW).oid[:7]} 100644",
    ]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (b"a: 1\r\n", b"a: 2\r\n", "-a: 1\r\n+a: 2\r\n"),
        (b"a", b"b", "-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"),
        (b"\xef\xbb\xbfa\rb\n", b"\xef\xbb\xbfa\rc\n", "-\ufeffa\rb\n+\ufeffa\rc\n"),
        (b"\xff: 1\n", b"\xff: 2\n", "-\ufffd: 1\n+\ufffd: 2\n"),
        (b"a\0", b"b\0", "Binary files a/f b/f differ".replace("a/f b/f", "a/f and b/f")),
    ],
    ids=["crlf", "no line end", "bom and lone cr", "no utf-8", "binary"],
)
async def test_odd_bytes_do_not_break_it(
    stage: Stage, place: GitPlace, old: bytes, new: bytes, shown: str
) -> None:
    sha = commit(stage, place, {"f": File(old)})
    assert shown in await stage.config.diff(place, sha, {"f": new})


async def test_attributes_of_the_repository_change_nothing(stage: Stage, place: GitPlace) -> None:
    attributes = File(b"* -diff\n*.yaml binary\n")
    sha = commit(stage, place, {".gitattributes": attributes, VALUES: File(OLD)})
    assert "@@ -4,5 +4,5 @@ service:" in await stage.config.diff(place, sha, {VALUES: NEW})


async def test_equal_files_have_no_diff(stage: Stage, place: GitPlace) -> None:
    sha = commit(stage, place, {VALUES: File(OLD)})
    assert await stage.config.diff(place, sha, {VALUES: OLD}) == ""
    assert await stage.config.diff(place, sha, {}) == ""


async def test_a_diff_leaves_no_trace_on_the_server(stage: Stage, place: GitPlace) -> None:
    sha = commit(stage, place, {VALUES: File(OLD)})
    await stage.config.diff(place, sha, {VALUES: NEW})
    assert stage.head(place, "main") == sha
    assert stage.count_pull_requests(place) == 0


async def test_names_that_could_harm_git_are_refused(stage: Stage, place: GitPlace) -> None:
    sha = commit(stage, place, {VALUES: File(OLD)})
    with pytest.raises(TerminalError):
        await stage.config.diff(place, "--upload-pack=x", {VALUES: NEW})
    with pytest.raises(TerminalError):
        await stage.config.diff(place, sha, {"../x": NEW})


async def test_a_server_that_does_not_answer_is_a_trouble_that_may_pass(stage: Stage) -> None:
    with pytest.raises(TransientError):
        await stage.config.diff(stage.dead_place(), "a" * 40, {VALUES: NEW})
