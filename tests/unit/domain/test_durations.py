"""Durations as people write them."""

from datetime import timedelta

import pytest

from album_operator.domain.durations import in_short


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=10), "10s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(minutes=30), "30m"),
        (timedelta(hours=2), "2h"),
        (timedelta(hours=1, seconds=1), "1h1s"),
        (timedelta(days=1, minutes=5), "24h5m"),
    ],
)
def test_a_duration_is_shown_as_a_spec_has_it(duration: timedelta, text: str) -> None:
    assert in_short(duration) == text
