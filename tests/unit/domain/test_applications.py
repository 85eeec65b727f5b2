"""What is told of an Application's operation."""

import pytest

from album_operator.domain.applications import OperationSeen


@pytest.mark.parametrize(
    ("message", "said"),
    [("", "."), (" ", "."), ("waiting for hook", ": waiting for hook."), ("done.", ": done.")],
)
def test_a_sync_that_says_nothing_yet_ends_the_sentence(message: str, said: str) -> None:
    assert OperationSeen("Running", (), message).said == said
