"""Further tags of an image that is there: put, moved, left, and what is said of it."""

from dataclasses import replace

import pytest

from album_operator.decisions import build
from album_operator.decisions.build_look import Look
from album_operator.decisions.further_tags import Standing
from album_operator.domain.image_labels import BUILD, SOURCE, VERSION, labels_of
from album_operator.domain.reasons import Reason
from album_operator.domain.record import StepName
from album_operator.domain.registry import ImageSeen
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, BuildAction, Done, PutTags, Verdict
from album_operator.domain.versions import Versioning
from tests.fakes.builders import DIGEST, NOW, RELEASE, RESOLVED, record_before

OTHER = f"sha256:{'e' * 64}"
RECORD = record_before(StepName.IMAGE_READY)
TAGGED = ImageSeen(DIGEST, labels_of(RESOLVED))


def _of_version(version: str, **labels: str) -> ImageSeen:
    """Give an image that an operator built of the same source."""
    return ImageSeen(OTHER, {**labels_of(RESOLVED), VERSION: version, **labels})


def _decide(
    tags: dict[str, ImageSeen | None], *, may_push: bool = True, resolved: Resolved = RESOLVED
) -> Verdict[BuildAction]:
    look = Look(tagged=TAGGED, standing=Standing(tags, may_push))
    return build.decide(RELEASE, RECORD, resolved, look, NOW, buildkit=None)


def _done(tags: dict[str, ImageSeen | None], *, may_push: bool = True) -> Done:
    verdict = _decide(tags, may_push=may_push)
    assert isinstance(verdict, Done)
    assert verdict.record.image is not None
    return verdict


@pytest.mark.parametrize("version", ["v1.0.0", "v1.1.0", "v1.1.0-rc.1"])
def test_a_tag_of_no_newer_version_is_moved_from_where_it_was_seen(version: str) -> None:
    verdict = _decide({"latest": _of_version(version)})

    assert isinstance(verdict, Act)
    assert verdict.action == PutTags(DIGEST, {"latest": OTHER})
    assert verdict.reason is Reason.TAGGING
    assert verdict.message.startswith("Letting further tag latest stand for ")


def test_tags_that_stand_for_nothing_are_put_in_one_with_those_that_move() -> None:
    tags = {"latest": _of_version("v1.0.0"), "edge": None, "stable": TAGGED}
    verdict = _decide(tags)

    assert isinstance(verdict, Act)
    assert verdict.action == PutTags(DIGEST, {"latest": OTHER, "edge": None})
    assert "further tags latest and edge stand" in verdict.message


def test_where_all_stand_for_the_image_nothing_is_written_nor_said() -> None:
    assert _done({"latest": TAGGED}).message.endswith("and is reused.")
    assert _done({}).message.endswith("and is reused.")


def test_a_tag_of_a_newer_version_stays_so_an_older_one_released_again_moves_it_not_back() -> None:
    message = _done({"latest": _of_version("v1.2.0")}).message
    assert message.endswith("reused. Further tag latest is left where it is, at version v1.2.0.")


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (ImageSeen(OTHER, {}), "an image that does not tell its version"),
        (ImageSeen(OTHER, {VERSION: "v1.0.0"}), "an image that does not tell its version"),
        (_of_version("unknown"), "version unknown"),
        (_of_version(""), "an image that does not tell its version"),
        (_of_version("v1.0.0", **{SOURCE: "https://example.org/base/image"}), "version v1.0.0"),
    ],
    ids=["no label", "a base image's version", "no version", "an empty one", "another source"],
)
def test_a_tag_whose_image_tells_no_version_of_this_source_stays(
    seen: ImageSeen, what: str
) -> None:
    assert _done({"latest": seen}).message.endswith(f"is left where it is, at {what}.")
    assert BUILD in labels_of(RESOLVED)


def test_versions_are_compared_by_the_form_that_the_release_has() -> None:
    source = replace(RESOLVED.source, versioning=Versioning.NUMERIC)
    resolved = replace(RESOLVED, source=source, version="2024.11.10")
    tagged = replace(TAGGED, labels=labels_of(resolved))
    standing = Standing({"latest": _of_version("2024.11.9")}, may_push=True)
    look = Look(tagged=tagged, standing=standing)
    verdict = build.decide(RELEASE, RECORD, resolved, look, NOW, buildkit=None)

    assert isinstance(verdict, Act)


@pytest.mark.parametrize(
    ("secret", "why"),
    [("registry", "Secret registry tells the operator none"), ("", "there is no push Secret")],
)
def test_without_a_credential_nothing_is_put_and_the_message_says_why(
    secret: str, why: str
) -> None:
    resolved = replace(RESOLVED, build=replace(RESOLVED.build, push_secret_name=secret))
    tags = {"edge": None, "latest": _of_version("v1.0.0"), "stable": TAGGED}
    verdict = _decide(tags, may_push=False, resolved=resolved)

    assert isinstance(verdict, Done)
    assert verdict.message.endswith(
        f"For want of a credential to push with ({why}), it was not given further tags edge and "
        "latest."
    )
