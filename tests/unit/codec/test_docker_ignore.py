"""What `.dockerignore` leaves out, as the builders read it."""

import pytest

from album_operator.codec.docker_ignore import DockerIgnore


@pytest.mark.parametrize(
    ("text", "path", "is_out"),
    [
        ("", "a", False),
        ("a", "a", True),
        ("a", "b/a", False),
        ("**/a", "b/a", True),
        ("**/a", "a", True),
        ("/a", "a", True),
        ("./a/", "a/b/c", True),
        ("a/../b", "b", True),
        ("# a\n\n  b  \r\nc", "a", False),
        ("# a\n\n  b  \r\nc", "b", True),
        ("\ufeffa", "a", True),
        ("*.bin", "a.bin", True),
        ("*.bin", "deep/a.bin", False),
        ("*/*.bin", "deep/a.bin", True),
        ("**/*.bin", "very/deep/a.bin", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[ab].c", "b.c", True),
        ("[^ab].c", "b.c", False),
        ("a[", "a[", True),
        ("[z-a]", "z", False),
        ("a.c", "abc", False),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        ("lib/**", "lib/a/b", True),
        ("*\n!src", "src/a", False),
        ("*\n!src", "lib/a", True),
        ("*\n!src\nsrc/a", "src/a", True),
        ("!src\n*", "src/a", True),
    ],
)
def test_the_last_pattern_that_matches_a_path_or_a_folder_of_it_decides(
    text: str, path: str, is_out: bool
) -> None:
    assert DockerIgnore(text).leaves_out(path) is is_out


@pytest.mark.parametrize(
    ("text", "folder", "is_out"),
    [
        ("lib", "lib", True),
        ("lib/*", "lib", True),
        ("lib/**", "lib", True),
        ("lib/docs", "lib", False),
        ("", "lib", False),
        ("*\n!src", "lib", True),
        ("*\n!lib/keep", "lib", False),
        ("*\n!**/*.h", "lib", False),
        ("lib\n!lib", "lib", False),
        ("vendor\n!vendor/ours", "vendor/theirs", True),
    ],
)
def test_a_folder_is_left_out_where_nothing_in_it_can_be_kept(
    text: str, folder: str, is_out: bool
) -> None:
    assert DockerIgnore(text).leaves_out_all(folder) is is_out
