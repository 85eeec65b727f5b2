"""The title that a pull request had which its release took back."""

import pytest

from album_operator.domain.pull_requests import TAKEN_BACK, title_before


@pytest.mark.parametrize(
    ("title", "before"),
    [
        (f"{TAKEN_BACK}release: backend v1.1.0", "release: backend v1.1.0"),
        ("release: backend v1.1.0", None),
        (None, None),
    ],
)
def test_a_title_is_given_back_where_it_was_changed(title: str | None, before: str | None) -> None:
    assert title_before(title) == before
