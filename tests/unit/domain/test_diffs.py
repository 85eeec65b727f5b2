"""A diff that is too long ends between two lines and says so."""

import time

from album_operator.domain.diffs import cut_diff
from tests.fakes.builders import DIFF


def test_a_short_diff_stays_whole() -> None:
    assert cut_diff(DIFF, 4096) == DIFF
    assert cut_diff("x" * 4096, 4096) == "x" * 4096
    assert cut_diff("", 4096) == ""


def test_a_long_diff_is_cut_between_lines() -> None:
    diff = cut_diff("".join(f"+é{number}\r\n" for number in range(2000)), 4096)
    assert 4000 < len(diff.encode()) <= 4096
    assert diff.endswith("\r\n… the rest of the diff is left out\n")


def test_a_long_diff_of_one_line_leaves_the_head() -> None:
    assert cut_diff(f"@@ -1 +1 @@\n-a\n+{'b' * 5000}\n c", 4096).splitlines() == [
        "@@ -1 +1 @@",
        "-a",
        "… the rest of the diff is left out",
    ]


def test_a_diff_fills_its_limit() -> None:
    assert len(cut_diff("+a\n" * 5000, 8192).encode()) in range(8188, 8193)


def test_of_a_diff_of_any_length_only_its_beginning_is_looked_at() -> None:
    def seconds(lines: int) -> float:
        diff = "-a\n" * lines
        began = time.process_time()
        for _ in range(20):
            cut_diff(diff, 4096)
        return time.process_time() - began

    # Without its encoding, which is a copy of memory.
    assert min(seconds(400_000) for _ in range(3)) < 30 * min(seconds(4000) for _ in range(3))
