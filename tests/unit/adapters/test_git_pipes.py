"""What a process says is read to its end, and kept as far as it is wanted."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from album_operator.adapters.git.pipes import Ends, Exchange
from album_operator.adapters.git.streams import TooLongError


@contextmanager
def exchange(program: str, data: bytes = b"", limit: int = 1000) -> Iterator[Exchange]:
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    made = Exchange(process, data, limit)
    try:
        yield made
    finally:
        process.kill()
        made.give_up()


def ignore(process: int) -> None:
    del process


def test_beginning_and_end_of_what_it_complains_of_are_kept() -> None:
    program = "import sys; sys.stderr.write('first' + 'x' * 10**7 + 'last'); print('done')"
    with exchange(program) as made:
        out, err = made.run(60, ignore)
    assert out == b"done\n"
    assert (err[:5], err[-4:]) == ("first", "last")
    assert len(err) <= 64 * 1024


def test_a_short_text_is_kept_whole_in_pieces_of_any_length() -> None:
    ends = Ends(10)
    for piece in (b"a", b"bcdefg", b"hij"):
        ends.add(piece)
    assert ends.text == "abcdefghij"
    ends.add(b"k")
    assert ends.text == "abcdeghijk"


def test_an_answer_that_is_too_long_is_not_read_to_its_end() -> None:
    with (
        exchange("while True: print('x' * 1000)") as made,
        pytest.raises(TooLongError),
    ):
        made.run(60, ignore)


def test_a_process_that_reads_nothing_is_no_trouble() -> None:
    with exchange("print('done')", data=bytes(10**7)) as made:
        assert made.run(60, ignore) == (b"done\n", "")


def test_all_that_it_is_given_is_written() -> None:
    program = "import sys; print(len(sys.stdin.buffer.read()))"
    with exchange(program, data=bytes(10**7)) as made:
        assert made.run(60, ignore) == (b"10000000\n", "")


def test_a_process_that_takes_too_long_is_given_up_though_it_says_nothing_more() -> None:
    program = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    began = time.monotonic()
    with exchange(program) as made, pytest.raises(subprocess.TimeoutExpired):
        made.run(0.5, ignore)
    assert time.monotonic() - began < 30


def test_whoever_watches_can_end_it() -> None:
    def refuse(process: int) -> None:
        raise LookupError(process)

    with exchange("import time; time.sleep(60)") as made, pytest.raises(LookupError):
        made.run(60, refuse)
