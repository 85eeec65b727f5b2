"""Other values than ours where Argo CD compares to: what they end, and whose doing they are."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from album_operator.decisions import overtaken
from album_operator.decisions.overtaken import Overtaken
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, StepName, SupersededBy
from album_operator.domain.release import Edit, EditValue, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigCommit
from album_operator.domain.verdict import Halt
from tests.fakes.builders import (
    APPLICATION_SEEN,
    DIGEST,
    EDIT,
    IMAGE,
    LATER,
    RELEASE,
    RESOLVED,
)

OTHER_DIGEST = f"sha256:{'0' * 64}"
PIN = Edit("backend/values.yaml", "image.digest", EditValue.DIGEST)
REPOSITORY = Edit("backend/values.yaml", "image.repository", EditValue.REPOSITORY)
REFERENCE = Edit("backend/values.yaml", "image", EditValue.REFERENCE)
PROD = replace(EDIT, path="prod/values.yaml")
COMMIT = ConfigCommit(LATER, "Ann Person", "Bump")


def _end(values: Mapping[Edit, str], resolved: Resolved = RESOLVED, **found: object) -> Halt:
    seen = Overtaken(LATER, values, **found)  # type: ignore[arg-type]
    return overtaken.end(APPLICATION_SEEN, seen, resolved)


@pytest.mark.parametrize(
    ("edit", "wanted", "present", "is_other"),
    [
        (EDIT, "v1.1.0", "v1.1.0", False),
        (EDIT, f"v1.1.0@{DIGEST}", "v1.1.0", False),
        (EDIT, f"v1.1.0@{DIGEST}", f"v1.1.0@{DIGEST}", False),
        (EDIT, f"v1.1.0@{DIGEST}", f"v1.1.0@{OTHER_DIGEST}", True),
        (EDIT, "v1.1.0", "v1.2.0", True),
        (EDIT, "v1.1.0", "", True),
        (PIN, DIGEST, DIGEST.removeprefix("sha256:"), False),
        (PIN, DIGEST, OTHER_DIGEST, True),
        (REPOSITORY, "docker.io/acme/shop", "acme/shop", False),
        (REFERENCE, f"{IMAGE}:v1.1.0", f"{IMAGE}:v1.0.0", True),
    ],
)
def test_a_value_is_ours_however_it_may_be_written(
    edit: Edit, wanted: str, present: str, is_other: bool
) -> None:
    found = overtaken.find_others({edit: wanted}, {edit: present})

    assert found == ({edit: present} if is_other else {})


def test_of_a_place_that_cannot_be_read_any_more_nothing_is_said() -> None:
    assert overtaken.find_others({EDIT: "v1.1.0"}, {}) == {}


def test_a_newer_version_supersedes_a_release_and_a_person_is_named() -> None:
    halt = _end({EDIT: "v1.2.0"}, commit=COMMIT)

    assert halt.reason is Reason.SUPERSEDED
    assert halt.superseded_by == SupersededBy("v1.2.0", None, LATER)
    assert "at eeeeeeeeeeee, which Argo CD compares Application argocd/album-app-backend to, " in (
        halt.message
    )
    assert "backend/values.yaml holds v1.2.0 at image.tag, newer than v1.1.0 by SemVer." in (
        halt.message
    )
    assert halt.message.endswith(" That is the doing of commit eeeeeeeeeeee by Ann Person.")
    assert halt.sentence.endswith("create a release with spec.allowDowngrade: true.")


def test_the_release_that_did_it_is_named_with_its_commit_as_far_as_known() -> None:
    newer = Ref("album", "backend-v1.2.0")
    named = _end({EDIT: "v1.2.0"}, commit=COMMIT, release=newer)
    alone = _end({EDIT: "v1.2.0"}, release=newer)

    assert named.superseded_by == SupersededBy("v1.2.0", "album/backend-v1.2.0", LATER)
    assert "AlbumRelease album/backend-v1.2.0 (commit eeeeeeeeeeee by Ann Person)." in named.message
    assert alone.superseded_by == SupersededBy("v1.2.0", "album/backend-v1.2.0")
    assert alone.message.endswith("the doing of AlbumRelease album/backend-v1.2.0.")


def test_where_nobody_knows_who_did_it_nobody_is_named() -> None:
    halt = _end({EDIT: "v1.2.0"})

    assert halt.superseded_by == SupersededBy("v1.2.0")
    assert halt.message.endswith("newer than v1.1.0 by SemVer.")
    nameless = _end({EDIT: "v1.2.0"}, commit=replace(COMMIT, author="x" * 80))
    assert nameless.message.endswith("commit eeeeeeeeeeee by somebody.")


@pytest.mark.parametrize("value", ["v1.0.0", "latest", "", f"v1.1.0@{OTHER_DIGEST}"])
def test_what_is_not_newer_overwrites_a_release(value: str) -> None:
    halt = _end({EDIT: value}, commit=COMMIT)

    assert halt.reason is Reason.OVERWRITTEN
    assert f"holds {value or 'nothing'} at image.tag, in place of v1.1.0." in halt.message
    assert "set the annotation album.dev/retry on the release." in halt.sentence


def test_a_newer_version_of_another_image_is_none_of_ours() -> None:
    values = {REPOSITORY: "ghcr.io/owner/other", EDIT: "v7.0.0"}

    assert _end(values).reason is Reason.OVERWRITTEN
    assert _end({REFERENCE: "nginx:7.0"}).reason is Reason.OVERWRITTEN
    assert _end({REFERENCE: f"{IMAGE}:v7.0.0"}).reason is Reason.SUPERSEDED


def test_of_several_edits_all_that_changed_must_be_newer() -> None:
    assert _end({EDIT: "v1.2.0", PROD: "v1.3.0"}).reason is Reason.SUPERSEDED
    mixed = _end({EDIT: "v1.2.0", PROD: "v1.0.0"})
    assert mixed.reason is Reason.OVERWRITTEN
    assert "prod/values.yaml holds v1.0.0 at image.tag" in mixed.message


def test_a_digest_tells_no_version_but_the_release_that_wrote_it_does() -> None:
    newer = Ref("album", "backend-v1.2.0")

    assert _end({PIN: OTHER_DIGEST}).reason is Reason.OVERWRITTEN
    assert _end({PIN: OTHER_DIGEST}).superseded_by == SupersededBy()
    told = _end({PIN: OTHER_DIGEST}, release=newer, version="v1.2.0", commit=COMMIT)
    assert told.reason is Reason.SUPERSEDED
    assert told.superseded_by == SupersededBy("v1.2.0", "album/backend-v1.2.0", LATER)


IN_FLIGHT = ReleaseSeen("album-app", "backend", "v1.2.0", StepName.DEPLOYED, Outcome.WORKING)


@pytest.mark.parametrize(
    ("other", "is_it"),
    [
        (IN_FLIGHT, True),
        (replace(IN_FLIGHT, step=StepName.SYNC_POLICY_APPLIED), True),
        # Its merge is to come: the value is somebody else's doing.
        (replace(IN_FLIGHT, step=StepName.MERGED), False),
        (replace(IN_FLIGHT, version="v1.3.0"), False),
        # Long ago: what put its version there now is another commit, which says so.
        (replace(IN_FLIGHT, step=None, outcome=Outcome.RELEASED), False),
        (replace(IN_FLIGHT, outcome=Outcome.SUSPENDED), False),
    ],
)
def test_a_release_in_flight_that_has_merged_its_version_is_the_successor(
    other: ReleaseSeen, is_it: bool
) -> None:
    ours = replace(IN_FLIGHT, version="v1.1.0")
    known = {RELEASE.ref.name: ours, "backend-next": other}
    found = overtaken.find_successor({EDIT: "v1.2.0"}, RELEASE, known)

    assert found == (Ref("album", "backend-next") if is_it else None)
    assert overtaken.find_successor({EDIT: "v1.1.0"}, RELEASE, {RELEASE.ref.name: ours}) is None
