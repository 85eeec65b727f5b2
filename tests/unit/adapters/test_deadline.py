"""What is left of the time for a work in parts."""

from datetime import timedelta

from album_operator.adapters.servers.deadline import Deadline


def test_only_the_work_takes_time_and_never_more_than_there_is() -> None:
    now = 1000.0
    deadline = Deadline(timedelta(seconds=10), lambda: now)

    now += 100
    assert deadline.left == 10
    with deadline.running():
        now += 4
        assert deadline.left == 6
    now += 100
    assert deadline.left == 6
    with deadline.running():
        now += 100
        assert deadline.left == 0
    assert deadline.left == 0
