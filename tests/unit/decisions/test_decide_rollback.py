"""Which version a failed one is rolled back to, and what a rollback may bring back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import rollback
from album_operator.decisions.rollback import Brought, Known
from album_operator.domain.image_labels import BUILD, REVISION
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, Outcome, StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import ProofBy, Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt
from tests.fakes.builders import (
    COMMIT,
    DIGEST,
    IMAGE_RECORD,
    NAMESPACE,
    NOW,
    RELEASE,
    RESOLVED,
    record_before,
)

BACK = replace(RELEASE, ref=Ref(NAMESPACE, "back"), tag=None, rollback_of="backend-v1.2.0")
THERE = ImageSeen(DIGEST, {REVISION: COMMIT})


def _known(version: str, minutes: int = 0, **how: object) -> Known:
    """Give a release that was Released, so many minutes after the others."""
    release = replace(RELEASE, ref=Ref(NAMESPACE, f"backend-{version}"), uid=version)
    record = record_before(StepName.DEPLOYED)
    at = NOW + timedelta(minutes=minutes)
    steps = tuple(replace(step, finished_at=at) for step in record.steps)
    resolved = replace(RESOLVED, version=version)
    record = replace(record, steps=steps, resolved=resolved, outcome=Outcome.RELEASED)
    return release, replace(record, **how)  # type: ignore[arg-type]


def _failed(version: str) -> tuple[Release, Resolved]:
    release = replace(RELEASE, ref=Ref(NAMESPACE, f"backend-{version}"))
    return release, replace(RESOLVED, version=version)


def _target(others: Sequence[Known], version: str = "v1.2.0") -> str | None:
    target = rollback.find_target(*_failed(version), others)
    return target.version if target is not None else None


def test_the_version_that_was_released_last_comes_back() -> None:
    first, second = _known("v1.0.0", 1), _known("v1.1.0", 2)
    assert _target([first, second]) == "v1.1.0"
    # By time, not by number: somebody went back to v1.0.0 before.
    assert _target([_known("v1.0.0", 3), second]) == "v1.0.0"


@pytest.mark.parametrize(
    "other",
    [
        _known("v1.2.0"),
        _known("v1.3.0"),
        _known("v1.1.0", outcome=Outcome.STALLED),
        _known("v1.1.0", outcome=Outcome.WORKING),
        _known("v1.1.0", resolved=None),
        _known("v1.1.0", image=None),
        _known("v1.1.0", steps=record_before(StepName.DEPLOYED).steps),
        _known("v1.1.0", resolved=replace(RESOLVED, app="frontend")),
        _known("v1.1.0", resolved=replace(RESOLVED, pipeline=replace(RESOLVED.pipeline, name="p"))),
    ],
)
def test_nothing_else_comes_back(other: Known) -> None:
    assert _target([other]) is None
    assert _target([other, _known("v1.0.0")]) == "v1.0.0"


def test_a_release_is_never_its_own_target() -> None:
    own = (RELEASE, _known("v1.1.0")[1])
    assert rollback.find_target(RELEASE, replace(RESOLVED, version="v1.2.0"), [own]) is None


def test_the_name_of_a_rollback_is_the_same_for_one_attempt_and_for_no_other() -> None:
    name = rollback.name_of(RELEASE, 1)

    assert name == rollback.name_of(replace(RELEASE, generation=7, resource_version="9"), 1)
    assert name.startswith("backend-v1.1.0-rollback-")
    others = {rollback.name_of(RELEASE, 2), rollback.name_of(replace(RELEASE, uid="other"), 1)}
    assert name not in others
    assert len(others) == 2
    long = replace(RELEASE, ref=Ref(NAMESPACE, f"{'a' * 199}.{'b' * 53}"))
    assert len(rollback.name_of(long, 1)) <= 253
    assert ".-" not in rollback.name_of(long, 1)


def test_the_release_that_brings_a_version_back_is_like_any_other() -> None:
    wish = rollback.wish(RELEASE, 1, "v1.0.0", "backend")

    assert (wish.pipeline, wish.app, wish.version, wish.tag) == (
        "album-app",
        "backend",
        "v1.0.0",
        None,
    )
    assert (wish.ref.namespace, wish.rollback_of, wish.allow_downgrade) == (
        NAMESPACE,
        RELEASE.ref.name,
        True,
    )


def _judge(
    others: Sequence[Known], there: ImageSeen | None = THERE, resolved: Resolved = RESOLVED
) -> Brought | Halt:
    return rollback.judge(BACK, resolved, others, there)


def _refused(
    others: Sequence[Known], there: ImageSeen | None = THERE, resolved: Resolved = RESOLVED
) -> Halt:
    halt = _judge(others, there, resolved)
    assert isinstance(halt, Halt)
    assert halt.reason is Reason.ROLLBACK_REFUSED
    assert halt.remedy
    return halt


def test_the_very_image_that_ran_is_taken() -> None:
    taken = Brought(replace(IMAGE_RECORD, origin=ImageOrigin.REUSED), COMMIT)
    assert _judge([_known("v1.1.0")]) == taken
    # The one that is taken back need not be there, nor have got far.
    failed = _known("v1.2.0", outcome=Outcome.STALLED, resolved=None)
    assert _judge([_known("v1.1.0"), failed]) == taken


def test_an_image_that_ran_is_taken_though_another_would_be_built_by_now() -> None:
    of_other_build = ImageSeen(DIGEST, {REVISION: COMMIT, BUILD: f"{COMMIT}.{'0' * 16}"})

    judged = _judge([_known("v1.1.0")], of_other_build)
    assert judged == Brought(replace(IMAGE_RECORD, origin=ImageOrigin.REUSED), COMMIT)


def test_an_image_that_says_it_is_of_another_commit_is_refused_as_for_any_release() -> None:
    judged = _judge([_known("v1.1.0")], ImageSeen(DIGEST, {REVISION: "0" * 40}))

    assert isinstance(judged, Halt)
    assert judged.reason is Reason.IMAGE_EXISTS_FROM_OTHER_COMMIT


@pytest.mark.parametrize("others", [[], [_known("v1.0.0")]])
def test_what_was_never_released_cannot_come_back(others: Sequence[Known]) -> None:
    halt = _refused(others)

    assert "shows that v1.1.0 of backend was ever Released" in halt.message
    assert halt.sentence.endswith("without rollbackOf (allowDowngrade: true if it is older).")


def test_a_rollback_of_a_rollback_is_refused() -> None:
    failed = _known("v1.2.0")
    undone = (replace(failed[0], rollback_of="backend-v1.3.0"), failed[1])

    halt = _refused([_known("v1.1.0"), undone])
    assert "AlbumRelease backend-v1.2.0 is a rollback itself" in halt.message


def test_a_version_does_not_take_itself_back() -> None:
    itself = _known("v1.1.0")
    halt = rollback.judge(replace(BACK, rollback_of=itself[0].ref.name), RESOLVED, [itself], THERE)

    assert isinstance(halt, Halt)
    assert "is of v1.1.0 too" in halt.message


def test_an_image_that_is_gone_is_not_built_anew() -> None:
    halt = _refused([_known("v1.1.0")], None)

    assert "is not in its registry any more: a rollback builds nothing" in halt.message
    assert f"{DIGEST}, which AlbumRelease backend-v1.1.0 ran, is to come back." in halt.message
    assert halt.sentence.endswith("then set the annotation album.dev/retry.")


def test_another_image_under_the_tag_is_not_taken() -> None:
    other = f"sha256:{'0' * 64}"
    halt = _refused([_known("v1.1.0")], ImageSeen(other, {REVISION: COMMIT}))

    assert f"is {other} by now, and not {DIGEST}" in halt.message


def test_without_a_registry_that_is_asked_nothing_is_proved() -> None:
    resolved = replace(RESOLVED, build=replace(RESOLVED.build, proof=ProofBy.BUILDER))

    assert "proof: Builder" in _refused([_known("v1.1.0")], None, resolved).message
