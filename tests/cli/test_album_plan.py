"""`album plan` prints git's diff of what a release would change, and touches nothing."""

import os
import signal
import tempfile
import tomllib
from pathlib import Path

import pytest

from tests.cli.command import (
    CHANGES,
    NOTHING,
    REFUSED,
    ROOT,
    VALUES,
    Ended,
    album,
    commit,
    git,
    start_album,
)

SOURCE = "https://git.example.org/owner/album-app"
FILE = "backend/values.yaml"
TAG = "backend-v1.3.3"


def plan(where: Path | str, *words: str, tag: str = TAG, cwd: Path = Path("/")) -> Ended:
    options = ("--tag", tag, "--source", SOURCE, "--config-repo", str(where))
    return album("plan", *options, *words, cwd=cwd)


def edited_by_hand(repository: Path, revision: str, old: str = "v1.3.2", new: str = TAG) -> bytes:
    """Let git show the same edit, made in a clone."""
    clone = Path(tempfile.mkdtemp(dir=repository.parent))
    git(clone, "clone", "--quiet", str(repository), ".")
    git(clone, "checkout", "--quiet", git(repository, "rev-parse", revision).strip())
    path = clone / FILE
    path.write_bytes(path.read_bytes().replace(old.encode(), new.split("-")[-1].encode()))
    return git(clone, "diff").encode()


def everything_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Give bytes and time of change of all files."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_diff_is_gits_own_and_nothing_else_is_printed(repository: Path) -> None:
    ended = plan(repository)

    assert ended == Ended(CHANGES, edited_by_hand(repository, "HEAD"), "")
    assert ended.out.startswith(b"diff --git a/backend/values.yaml b/backend/values.yaml\nindex ")


def test_a_hunk_has_its_heading(repository: Path) -> None:
    filling = "".join(f"  k{number}: x\n" for number in range(9))
    data = f"other: 1\nimage:\n{filling}  tag: v1.3.2\n".encode()
    commit(repository, "long", {FILE: data})

    assert b"\n@@ -9,4 +9,4 @@ image:\n" in plan(repository).out


def test_a_revision_is_whatever_git_can_name(repository: Path) -> None:
    old = edited_by_hand(repository, "HEAD^", "v1.3.1")
    sha = git(repository, "rev-parse", "HEAD").strip()

    for revision in (f"{sha}^", f"{sha[:8]}~1", "main~1", "first", "first^{}", ":/old"):
        assert plan(repository, "--rev", revision) == Ended(CHANGES, old, "")
    assert plan(repository, "--rev", "@").out == edited_by_hand(repository, "HEAD")


def test_a_bare_repository_works(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")

    assert plan(tmp_path / "bare.git") == Ended(CHANGES, edited_by_hand(repository, "HEAD"), "")


def test_a_relative_path_and_a_file_url_work(repository: Path) -> None:
    wanted = Ended(CHANGES, edited_by_hand(repository, "HEAD"), "")

    assert plan("config", cwd=repository.parent) == wanted
    assert plan(".", cwd=repository) == wanted
    assert plan(f"file://{repository}") == wanted


def test_a_linked_work_tree_works(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "HEAD^")

    assert plan(tmp_path / "linked").out == edited_by_hand(repository, "HEAD^", "v1.3.1")


def test_a_packed_and_a_shallow_repository_work(repository: Path, tmp_path: Path) -> None:
    git(repository, "gc", "--quiet")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")

    wanted = Ended(CHANGES, edited_by_hand(repository, "HEAD"), "")
    assert plan(repository) == wanted
    assert plan(tmp_path / "shallow") == wanted


def test_the_repository_is_left_as_it_was(repository: Path) -> None:
    (repository / FILE).write_text("not committed")
    (repository / ".git" / "index.lock").write_text("")
    before = everything_in(repository)

    assert plan(repository).status == CHANGES
    assert everything_in(repository) == before


def test_what_the_repository_is_set_to_has_no_say(repository: Path, tmp_path: Path) -> None:
    wanted = edited_by_hand(repository, "HEAD")
    mark = tmp_path / "ran"
    for key, value in {
        "diff.external": f"touch {mark}",
        "core.fsmonitor": f"touch {mark}",
        "core.pager": f"touch {mark}",
        "color.ui": "always",
        "diff.noprefix": "true",
        "diff.odd.textconv": f"touch {mark};",
    }.items():
        git(repository, "config", key, value)
    (repository / ".git" / "info" / "attributes").write_text("*.yaml diff=odd -text\n")

    assert plan(repository) == Ended(CHANGES, wanted, "")
    assert not mark.exists()


def test_windows_line_ends_stay(repository: Path) -> None:
    commit(repository, "crlf", {FILE: VALUES.replace("\n", "\r\n").encode()})
    ended = plan(repository)

    assert ended.out == edited_by_hand(repository, "HEAD")
    assert b'\n-  tag: "v1.3.2" # the release\r\n+  tag: "v1.3.3" # the release\r\n' in ended.out


def test_odd_bytes_of_a_file_stay(repository: Path) -> None:
    data = "\ufeff# é 𝄞\nimage: {tag: v1.3.2}".encode()
    commit(repository, "odd", {FILE: data})
    git(repository, "config", "core.quotePath", "true")
    ended = plan(repository)

    assert "+\ufeff# é" not in ended.out.decode()
    assert ended.out.decode().endswith(
        "-image: {tag: v1.3.2}\n\\ No newline at end of file\n"
        '+image: {tag: "v1.3.3"}\n\\ No newline at end of file\n'
    )


def test_where_nothing_would_change_the_exit_code_is_zero(repository: Path) -> None:
    ended = plan(repository, tag="backend-v1.3.2")

    assert (ended.status, ended.out) == (NOTHING, b"")
    assert ended.err == f"Nothing would change: HEAD of {repository} holds v1.3.2 already.\n"


def test_an_older_version_is_superseded_unless_that_is_wished(repository: Path) -> None:
    ended = plan(repository, tag="backend-v1.3.1")

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert ended.err.startswith("Superseded: backend/values.yaml already holds v1.3.2 at image.tag")
    assert plan(repository, "--allow-downgrade", tag="backend-v1.3.1").status == CHANGES


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("image: {}\n", "ValuesKeyNotFound: image.tag cannot be set at backend/values.yaml:1:8:"),
        ("image: {tag: &a v1}\nb: *a\n", "ValuesNotEditable: image.tag cannot be set at backend/"),
        ("image: [\n", "ValuesNotEditable: image.tag cannot be set at backend/values.yaml:"),
        ("a: 1\n---\nimage: {tag: v1}\n", "ValuesNotEditable: image.tag cannot be set at"),
    ],
)
def test_what_cannot_be_edited_is_refused_with_its_place(
    repository: Path, values: str, reason: str
) -> None:
    commit(repository, "bad", {FILE: values.encode()})
    ended = plan(repository)

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert ended.err.startswith(reason)
    assert "annotation" not in ended.err


def test_a_missing_file_and_a_link_are_refused(repository: Path) -> None:
    assert plan(repository, tag="web-v1.0.0").err.startswith(
        f"ValuesFileNotFound: web/values.yaml does not exist on branch HEAD of {repository}."
    )
    (repository / "web").mkdir()
    (repository / "web/values.yaml").symlink_to("../backend/values.yaml")
    commit(repository, "link", {})
    ended = plan(repository, tag="web-v1.0.0")

    assert ended.status == REFUSED
    assert ended.err.startswith("ValuesNotEditable: web/values.yaml on branch HEAD")


@pytest.mark.parametrize("revision", ["nope", "--help", "main..first", "main:backend", "0" * 40])
def test_a_revision_that_is_no_commit_is_refused(repository: Path, revision: str) -> None:
    ended = plan(repository, f"--rev={revision}")

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert ended.err.startswith(f"BaseBranchNotFound: {repository} has no revision {revision}: ")


def test_an_empty_repository_has_nothing_to_plan_on(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")

    assert plan(tmp_path / "empty").err.startswith("BaseBranchNotFound: ")


@pytest.mark.parametrize("where", ["nowhere", ".", "backend"])
def test_what_is_no_repository_is_refused(tmp_path: Path, where: str) -> None:
    (tmp_path / "backend").mkdir()
    ended = plan(where, cwd=tmp_path)

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert ended.err.startswith("RepositoryNotFound: ")
    assert "is no git repository" in ended.err


def test_a_file_a_partial_clone_lacks_is_not_fetched_behind_the_users_back(
    repository: Path, tmp_path: Path
) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    options = ("--quiet", "--no-checkout", "--filter=blob:none")
    git(tmp_path, "clone", *options, f"file://{repository}", "partial")
    ended = plan(tmp_path / "partial")

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert "A partial clone lacks files" in ended.err


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("ssh://git@example.org/x/y", "other transports are not read"),
        ("git@example.org:x/y", "other transports are not read"),
        ("ext::sh -c id", "is no git repository"),
        ("https://ann:s3cret@example.org/x/y", "must not hold a user or token"),
    ],
)
def test_other_transports_and_tokens_in_urls_are_refused(where: str, said: str) -> None:
    ended = plan(where)

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert said in ended.err
    assert "s3cret" not in ended.err


def test_a_server_that_does_not_answer_is_told() -> None:
    ended = plan("http://127.0.0.1:9/owner/name")

    assert ended.status == REFUSED
    assert ended.err.startswith("GitUnavailable: 127.0.0.1:9 cannot be reached: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Say what to release"),
        (["--tag", TAG], "Say what to release"),
        (["--tag", TAG, "--source", "album-app"], "is no URL"),
        (
            ["--tag", TAG, "--source", "https://h:port/a/b"],
            "spec.source.repository: the URL must be of the form",
        ),
        (["--tag", "v1.0.0", "--source", SOURCE], "TagInvalid: --tag v1.0.0"),
        (["--tag", "backend-latest", "--source", SOURCE], "TagInvalid: "),
        (["--tag", TAG, "-f", "x"], "-f says what to release already"),
        (["--nope"], "No such option"),
    ],
)
def test_bad_options_are_refused(tmp_path: Path, words: list[str], said: str) -> None:
    ended = album("plan", *words, cwd=tmp_path)

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert said in ended.err


def test_help_and_version_are_there(tmp_path: Path) -> None:
    assert b"plan" in album("--help", cwd=tmp_path).out
    assert b"album plan --tag backend-v1.3.3" in album("plan", "--help", cwd=tmp_path).out
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert album("--version", cwd=tmp_path).out == f"album, version {version}\n".encode()


def test_a_reader_that_stops_early_is_no_error(repository: Path) -> None:
    (reading, writing) = os.pipe()
    os.close(reading)
    process = start_album(
        "plan", "--tag", TAG, "--source", SOURCE, "--config-repo", str(repository),
        cwd=repository, stdout=writing,
    )  # fmt: skip
    os.close(writing)
    _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (-signal.SIGPIPE, b"")


def test_an_interrupt_is_quiet(tmp_path: Path) -> None:
    fifo = tmp_path / "pipeline.yaml"
    os.mkfifo(fifo)
    process = start_album("plan", "-f", str(fifo), cwd=tmp_path)
    # Opening succeeds once the command reads from it.
    with fifo.open("wb"):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.parametrize("through", ["work tree", "clone", "bare", "server"])
def test_a_branch_in_the_way_is_told_with_the_template_as_the_way_out(
    repository: Path, tmp_path: Path, through: str
) -> None:
    git(repository, "branch", "release")
    where = repository
    if through == "clone":
        git(tmp_path, "clone", "--quiet", str(repository), "clone")
        where = tmp_path / "clone"
    elif through != "work tree":
        git(tmp_path, "clone", "--quiet", "--mirror", str(repository), "bare.git")
        where = tmp_path / "bare.git"
    ended = plan(f"file://{where}" if through == "server" else where, "--rev", "main~0")

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert "BranchTaken" in ended.err
    assert "release is there" in ended.err
    assert "spec.config.pullRequest.branch" in ended.err


def test_a_branch_of_the_clone_alone_is_in_nobodys_way(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repository), "clone")
    git(tmp_path / "clone", "branch", "release")

    assert plan(tmp_path / "clone").status == CHANGES
