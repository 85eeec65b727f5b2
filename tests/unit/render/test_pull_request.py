"""What reviewers read, and what must not be able to hide from them."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from album_operator.domain.release import Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.render.pull_request import commit_message, draft, unified_diff

DIGEST = "sha256:" + "ab" * 32
DIFF = '--- a/v\n+++ b/v\n@@ -1 +1 @@\n-tag: "v1.0.0"\n+tag: "v1.1.0"\n'


def test_the_commit_message_is_as_recorded(release: Release, resolved: Resolved) -> None:
    assert commit_message(release, resolved, DIGEST) == (
        "release: backend v1.1.0\n"
        "\n"
        f"Image: registry.example.org/owner/album-app-backend:v1.1.0@{DIGEST}\n"
        "Tag: backend-v1.1.0\n"
        "AlbumRelease: album/backend-v1.1.0\n"
        "\n"
        "Argocd-reference-commit-repourl: https://git.example.org/owner/album-app\n"
        "Argocd-reference-commit-sha: c0ffee0000000000000000000000000000000000\n"
    )


def test_git_reads_the_trailers(release: Release, resolved: Resolved) -> None:
    git = shutil.which("git")
    assert git is not None
    done = subprocess.run(
        [git, "interpret-trailers", "--parse"],
        input=commit_message(release, resolved, DIGEST),
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "Argocd-reference-commit-repourl: https://git.example.org/owner/album-app",
        "Argocd-reference-commit-sha: c0ffee0000000000000000000000000000000000",
    ]


def test_a_text_of_a_user_cannot_become_a_trailer(release: Release, resolved: Resolved) -> None:
    source = replace(resolved.source, tag="v1\n\nSigned-off-by: somebody\n")
    message = commit_message(release, replace(resolved, source=source), DIGEST)
    assert "\nSigned-off-by" not in message


def test_without_a_digest_the_reference_is_the_tag(release: Release, resolved: Resolved) -> None:
    message = commit_message(release, resolved, "")
    assert "Image: registry.example.org/owner/album-app-backend:v1.1.0\n" in message


def test_the_pull_request_is_as_recorded(release: Release, resolved: Resolved) -> None:
    made = draft(release, resolved, DIGEST, DIFF)
    assert (made.head, made.base) == ("release/backend_v1.1.0", "main")
    assert made.title == "release: backend v1.1.0"
    assert made.body == (
        "owner/album-app backend release v1.1.0. Please note that this is an automated PR.\n"
        "\n"
        f"- Image: `registry.example.org/owner/album-app-backend:v1.1.0@{DIGEST}`\n"
        "- Source commit: `c0ffee0000000000000000000000000000000000 of "
        "https://git.example.org/owner/album-app`\n"
        "- Tag: `backend-v1.1.0`\n"
        "- AlbumRelease: `album/backend-v1.1.0`\n"
        "\n"
        "The whole change:\n"
        "\n"
        f"```diff\n{DIFF}```\n"
    )


@pytest.mark.parametrize(
    "diff", ["```\n# not a heading", "+````\n", "", "<script>\n", "a\r```\r\n", "`" * 40]
)
def test_the_diff_cannot_end_its_fence(release: Release, resolved: Resolved, diff: str) -> None:
    body = draft(release, resolved, DIGEST, diff).body
    *_, opening, rest = body.partition("The whole change:\n\n")[2].partition("diff\n")
    fence = body.rpartition("\n")[0].rpartition("\n")[2]
    assert opening == "diff\n"
    assert set(fence) == {"`"}
    assert len(fence) >= 3
    assert rest.endswith(f"\n{fence}\n") or rest == f"{fence}\n"
    assert fence not in diff
    assert body.count(fence) == 2


def test_names_cannot_leave_their_place(release: Release, resolved: Resolved) -> None:
    source = replace(resolved.source, tag="`x` <img src=x>\n# heading", repository="h://h/[a](b)")
    release = replace(release, ref=Ref("album", "a``b`"))
    body = draft(release, replace(resolved, source=source, app="<b>*x*"), DIGEST, DIFF).body
    assert body.startswith(r"\[a\]\(b\) \<b\>\*x\* release v1.1.0. Please")
    assert "- Tag: `` `x` <img src=x> # heading ``\n" in body
    assert "- AlbumRelease: ``` album/a``b` ```\n" in body


def test_a_diff_is_that_of_git() -> None:
    before = b'# head\na: 1\nb: 2\nc: 3\nimage:\n  tag: "v1.0.0"\nd: 4\ne: 5\nf: 6\ng: 7\n'
    assert unified_diff("backend/values.yaml", before, before.replace(b"v1.0.0", b"v1.1.0")) == (
        "--- a/backend/values.yaml\n"
        "+++ b/backend/values.yaml\n"
        "@@ -3,7 +3,7 @@\n"
        " b: 2\n"
        " c: 3\n"
        " image:\n"
        '-  tag: "v1.0.0"\n'
        '+  tag: "v1.1.0"\n'
        " d: 4\n"
        " e: 5\n"
        " f: 6\n"
    )


LINES = st.lists(
    st.sampled_from(["a", "b", "c: 1\r", "-- x", "++ y", "é\u2028\x85", "d\re", ""]), max_size=12
)


@settings(max_examples=30)
@given(LINES, LINES, st.booleans(), st.booleans())
def test_git_applies_any_diff_to_the_old_file_and_gets_the_new_one(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[str],
    after: list[str],
    old_ends: bool,
    new_ends: bool,
) -> None:
    old = ("\n".join(before) + ("\n" if before and old_ends else "")).encode()
    new = ("\n".join(after) + ("\n" if after and new_ends else "")).encode()
    diff = unified_diff("f", old, new)
    assert (diff == "") == (old == new)
    if not (diff and old and new):
        return
    folder: Path = tmp_path_factory.mktemp("apply")
    (folder / "f").write_bytes(old)
    git = shutil.which("git")
    assert git is not None
    subprocess.run(
        [git, "apply", "--whitespace=nowarn", "--unidiff-zero", "-"],
        input=diff.encode(),
        cwd=folder,
        env={"GIT_DIR": str(folder / "none"), "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)},
        check=True,
        capture_output=True,
    )
    assert (folder / "f").read_bytes() == new


def test_a_missing_line_end_is_said() -> None:
    assert unified_diff("f", b"tag: a", b"tag: b").splitlines()[3:] == [
        "-tag: a",
        "\\ No newline at end of file",
        "+tag: b",
        "\\ No newline at end of file",
    ]


def test_carriage_returns_stay() -> None:
    assert "-a: 1\r\n+a: 2\r\n" in unified_diff("f", b"a: 1\r\n", b"a: 2\r\n")


def test_equal_files_have_no_diff() -> None:
    assert unified_diff("f", b"a\n", b"a\n") == ""


def test_a_long_diff_is_cut_between_lines() -> None:
    diff = unified_diff("f", b"", "".join(f"é{number}\n" for number in range(2000)).encode())
    assert 4000 < len(diff.encode()) <= 4096
    assert diff.endswith("\n… the rest of the diff is left out\n")


def test_a_long_diff_of_one_line_leaves_the_head() -> None:
    assert unified_diff("f", b"a\n", b"b" * 5000).splitlines()[2:] == [
        "@@ -1 +1 @@",
        "-a",
        "… the rest of the diff is left out",
    ]


def test_one_line_of_a_large_file_is_found() -> None:
    before = "".join(f"key{number}:\n  tag: v1\n" for number in range(20_000)).encode()
    assert unified_diff("f", before, before.replace(b"key9999:", b"key:")).count("\n-") == 1
