"""A Job has ended by one condition that is true."""

from typing import Any

import pytest

from album_operator.codec import FAILED, end_of

COMPLETE = {"type": "Complete", "status": "True"}
FAILURE = {"type": FAILED, "status": "True"}


@pytest.mark.parametrize(
    "status",
    [
        {},
        None,
        {"conditions": None},
        {"conditions": [{"type": "Complete", "status": "False"}]},
        {"conditions": [{"type": "FailureTarget", "status": "True"}]},
        {"conditions": [{"type": "Suspended", "status": "True"}]},
        {"active": 0, "succeeded": 1},
    ],
    ids=str,
)
def test_a_job_runs_until_a_condition_says_it_ended(status: dict[str, Any] | None) -> None:
    assert end_of({"status": status}) is None
    assert end_of({}) is None


@pytest.mark.parametrize("condition", [COMPLETE, FAILURE])
def test_a_job_that_ended_says_how(condition: dict[str, str]) -> None:
    other = {"type": "FailureTarget", "status": "True"}
    assert end_of({"status": {"conditions": [other, condition]}}) == condition
