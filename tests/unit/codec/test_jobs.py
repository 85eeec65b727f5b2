"""A Job has ended by one condition that is true."""

from typing import Any

import pytest

from album_operator.codec import FAILED, end_of, is_ending, running_build
from album_operator.domain.build_slots import BuildRunning

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


def test_a_job_is_ending_from_the_word_that_it_will_fail_until_it_has() -> None:
    about = {"type": "FailureTarget", "status": "True"}
    assert is_ending({"status": {"conditions": [about]}})
    assert not is_ending({"status": {"conditions": [about, FAILURE]}})
    assert not is_ending({"status": {"conditions": [{**about, "status": "False"}]}})
    assert not is_ending({})


OWNER: dict[str, Any] = {
    "apiVersion": "album.dev/v1alpha1",
    "kind": "AlbumRelease",
    "name": "backend-v1.1.0",
    "uid": "1",
    "controller": True,
}


def _build(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
    labels = {"album.dev/pipeline": "album-app"}
    metadata = {"name": "job", "labels": labels, "ownerReferences": [OWNER]}
    return {"metadata": {**metadata, **more}}


def test_a_build_that_runs_says_whose_it_is() -> None:
    assert running_build(_build()) == BuildRunning("job", "backend-v1.1.0", "album-app")
    image = {"album.dev/image": "0123abcd"}
    assert running_build(_build(labels=image)) == BuildRunning("job", OWNER["name"], "", "0123abcd")
    assert running_build(_build(labels=None)) == BuildRunning("job", "backend-v1.1.0", "")


def test_a_job_that_has_ended_or_is_of_nobody_is_no_build_that_runs() -> None:
    assert running_build({**_build(), "status": {"conditions": [COMPLETE]}}) is None
    assert running_build(_build(ownerReferences=[])) is None
