"""What a plan says."""

from dataclasses import replace

import pytest

from album_operator.decisions.plan import decide
from album_operator.domain.argocd import Sync
from album_operator.domain.diffs import UNKNOWN_DIGEST, UNKNOWN_DIGEST_NOTE
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin
from album_operator.domain.release import BuildType, ProofBy
from album_operator.domain.resolved import ResolvedBuild
from tests.fakes.builders import (
    APPLICATION,
    BRANCH,
    CONFIG,
    CONFIG_SEEN,
    DIFF,
    DIGEST,
    IMAGE,
    IMAGE_RECORD,
    PLAN,
    RECORD,
    RESOLVED,
)

PATCHES = {APPLICATION: "{}"}


def test_a_plan_holds_all_a_release_would_do() -> None:
    verdict = decide(RECORD, RESOLVED, CONFIG_SEEN, DIFF, PATCHES)

    assert verdict.record == replace(RECORD, plan=PLAN)
    assert verdict.reason is Reason.PLANNED
    assert verdict.message == (
        f"Nothing was done. Applied, the release would build {IMAGE}:v1.1.0, propose {BRANCH} to "
        f"branch main of {CONFIG}, and patch argocd/album-app-backend. Set spec.mode to Apply to "
        "do it."
    )


def test_a_plan_says_that_it_does_not_know_the_digest() -> None:
    verdict = decide(RECORD, RESOLVED, CONFIG_SEEN, f"+digest: {UNKNOWN_DIGEST}\n", PATCHES)

    assert verdict.message.endswith("to do it. " + UNKNOWN_DIGEST_NOTE)


def test_a_plan_without_a_change_says_so() -> None:
    verdict = decide(RECORD, RESOLVED, CONFIG_SEEN, "", PATCHES)

    assert verdict.record.plan == replace(PLAN, diff="")
    assert f"propose nothing, as branch main of {CONFIG} holds v1.1.0 already" in verdict.message


def test_a_plan_says_what_else_changes() -> None:
    note = "image.tag of values.yaml is shared, so a and b change together."
    verdict = decide(RECORD, RESOLVED, CONFIG_SEEN, UNKNOWN_DIGEST, PATCHES, (note,))

    assert verdict.message.endswith(f"to do it. {note} {UNKNOWN_DIGEST_NOTE}")


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (ImageOrigin.REUSED, "which is there already, propose"),
        (ImageOrigin.EXTERNAL, "which is there already, propose"),
        (ImageOrigin.ADOPTED, "which is there already, as it is (existingImage: Adopt), propose"),
    ],
)
def test_a_plan_says_that_an_image_is_there(origin: ImageOrigin, said: str) -> None:
    there = replace(IMAGE_RECORD, origin=origin)
    verdict = decide(RECORD, RESOLVED, CONFIG_SEEN, DIFF, PATCHES, there=there)

    assert f"the release would use {IMAGE}:v1.1.0@{DIGEST}, {said} {BRANCH}" in verdict.message


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (
            replace(RESOLVED.build, type=BuildType.EXTERNAL),
            f"wait for {IMAGE}:v1.1.0, which is built elsewhere and not there yet, propose",
        ),
        (
            replace(RESOLVED.build, proof=ProofBy.BUILDER),
            f"build {IMAGE}:v1.1.0, over what may be there already (proof: Builder asks no "
            "registry), propose",
        ),
    ],
)
def test_a_plan_says_what_else_becomes_of_the_image(build: ResolvedBuild, said: str) -> None:
    verdict = decide(RECORD, replace(RESOLVED, build=build), CONFIG_SEEN, DIFF, PATCHES)

    assert f"the release would {said}" in verdict.message


@pytest.mark.parametrize(
    ("sync", "told"),
    [
        (Sync.OPERATION, "and have Argo CD sync argocd/album-app-backend once. Set"),
        (Sync.OBSERVE, "and watch argocd/album-app-backend, which others sync. Set"),
    ],
)
def test_a_plan_says_who_would_sync(sync: Sync, told: str) -> None:
    resolved = replace(RESOLVED, argocd=replace(RESOLVED.argocd, sync=sync))

    assert told in decide(RECORD, resolved, CONFIG_SEEN, DIFF, {}).message
