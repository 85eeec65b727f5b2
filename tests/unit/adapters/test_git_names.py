"""What may become an argument of git."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.adapters.names import (
    check_commit,
    check_file_path,
    check_ref_name,
    is_commit,
    is_ref_name,
)
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import is_file_path


@pytest.mark.parametrize(
    "name",
    ["main", "release/backend_v1.1.0", "backend-v1.0.0-rc.1", "@scope/app@1.0.0", "a+b", "1.0"],
)
def test_names_of_the_field_pass(name: str) -> None:
    assert check_ref_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "-x", "--upload-pack=x", "-u/bin/sh", "a..b", "a//b", "/a", "a/", "a/.b", "a.lock"),
        *("a.lock/b", "@", "@{-1}", "a@{b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b"),
        *("a\n", "a\0", ".a", "a.", "a./b", "é", "release/${app}_${version}", "$(id)", "`id`"),
    ],
)
def test_names_git_could_misread_are_refused(name: str) -> None:
    assert not is_ref_name(name)
    with pytest.raises(TerminalError):
        check_ref_name(name)


@given(st.text(st.sampled_from("ab1./-_@+{~"), min_size=1, max_size=12).filter(is_ref_name))
def test_every_name_that_passes_is_one_to_git_too(name: str) -> None:
    ended = subprocess.run(
        ["git", "check-ref-format", f"refs/heads/{name}"], check=False, capture_output=True
    )
    assert ended.returncode == 0, name


@pytest.mark.parametrize("path", ["values.yaml", "a/b/c.yaml", "a b.yaml", "é.yaml", ".hidden/x"])
def test_paths_below_the_root_pass(path: str) -> None:
    assert check_file_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *("", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a/.", "-x", "a\nb", "a\0b"),
        *(".git/config", "a/.GIT/x", ":(glob)**", "a\\b", "a*", "a[b]", "a?", "a" * 1025),
    ],
)
def test_paths_out_of_the_root_or_with_a_meaning_are_refused(path: str) -> None:
    assert not is_file_path(path)
    with pytest.raises(TerminalError):
        check_file_path(path)


def test_a_commit_is_forty_hex_digits_and_nothing_else() -> None:
    assert check_commit("0123456789abcdef0123456789abcdef01234567")
    for text in ("0" * 39, "0" * 41, "0" * 40 + "\n", "A" * 40, "HEAD", "", "-" + "0" * 39):
        assert not is_commit(text)
        with pytest.raises(TerminalError):
            check_commit(text)
