"""What an image's labels say of where it is from."""

from dataclasses import fields, replace

import pytest

from album_operator.domain.build_outputs import BuildSecret, SecretKeyRef
from album_operator.domain.build_source import SourceParts
from album_operator.domain.image_labels import (
    BUILD,
    MAKES_THE_IMAGE,
    REVISION,
    SOURCE,
    VERSION,
    Kin,
    commit_in,
    kin_of,
    labels_of,
    recipe_of,
)
from album_operator.domain.release import BuildArg, BuildType, Resources
from album_operator.domain.resolved import ResolvedBuild
from tests.fakes.builders import COMMIT, RESOLVED
from tests.fakes.builders import SOURCE as REPOSITORY

STRANGE = "9" * 40
BUILT = RESOLVED.build

MAKES_IT_ELSEWHERE = {
    *("type", "image", "insecure", "resources", "timeout", "push_secret_name", "failure_log"),
    *("existing_image", "proof", "read_secret_name", "cache"),
    *("fetch_resources", "pod", "tags"),
}
"""Fields of a build that say where and how an image is made, and nothing of what is in it."""


def test_each_field_of_a_build_makes_the_image_or_only_says_where_and_how() -> None:
    known = {field.name for field in fields(ResolvedBuild)}
    assert known == MAKES_IT_ELSEWHERE ^ set(MAKES_THE_IMAGE)


def test_a_build_labels_its_image_with_commit_repository_version_and_recipe() -> None:
    assert labels_of(RESOLVED) == {
        REVISION: COMMIT,
        SOURCE: REPOSITORY,
        VERSION: "v1.1.0",
        BUILD: f"{COMMIT}.{recipe_of(BUILT)}",
    }


def test_a_recipe_is_that_of_what_decides_the_images_content_alone() -> None:
    elsewhere = replace(
        BUILT, type=BuildType.BUILDKIT, insecure=True, resources=Resources({"cpu": "1"})
    )
    assert recipe_of(elsewhere) == recipe_of(BUILT)
    others = [
        replace(BUILT, context_dir="other"),
        replace(BUILT, dockerfile="Dockerfile.other"),
        replace(BUILT, target="other"),
        replace(BUILT, platforms=("linux/arm64",)),
        replace(BUILT, source=SourceParts(lfs=True)),
        replace(BUILT, secrets=(BuildSecret("npm", SecretKeyRef("npm", "token")),)),
        replace(BUILT, secrets=(BuildSecret("npm", SecretKeyRef("npm-of-prod", "token")),)),
        replace(BUILT, args=(*BUILT.args, BuildArg("A", "b"))),
    ]
    assert len({recipe_of(build) for build in (BUILT, *others)}) == 1 + len(others)


@pytest.mark.parametrize(
    ("labels", "kin"),
    [
        (labels_of(RESOLVED), Kin.OURS),
        ({**labels_of(RESOLVED), REVISION: "", SOURCE: "x"}, Kin.OURS),
        ({REVISION: COMMIT}, Kin.OURS),
        ({REVISION: COMMIT, SOURCE: "https://example.org/a/fork"}, Kin.OURS),
        # From a base image that an operator built.
        ({REVISION: COMMIT, BUILD: f"{STRANGE}.0"}, Kin.OURS),
        ({BUILD: f"{COMMIT}.0", REVISION: COMMIT}, Kin.OTHER_BUILD),
        ({BUILD: COMMIT}, Kin.OTHER_BUILD),
        ({REVISION: STRANGE}, Kin.OTHER_COMMIT),
        ({REVISION: STRANGE, SOURCE: f"{REPOSITORY.upper()}.git"}, Kin.OTHER_COMMIT),
        ({BUILD: f"{STRANGE}.0", SOURCE: "https://example.org/x"}, Kin.OTHER_COMMIT),
        ({REVISION: "9" * 64}, Kin.OTHER_COMMIT),
        ({REVISION: STRANGE, SOURCE: "https://example.org/base/image"}, Kin.UNKNOWN),
        ({REVISION: STRANGE, SOURCE: "https://example.org:port/["}, Kin.UNKNOWN),
        ({}, Kin.UNKNOWN),
        ({REVISION: COMMIT[:12]}, Kin.UNKNOWN),
        ({REVISION: COMMIT.upper()}, Kin.UNKNOWN),
        ({REVISION: "main"}, Kin.UNKNOWN),
    ],
)
def test_labels_tell_whose_an_image_is(labels: dict[str, str], kin: Kin) -> None:
    assert kin_of(RESOLVED, labels) is kin


def test_an_image_of_our_commit_is_ours_however_it_was_built_elsewhere() -> None:
    external = replace(RESOLVED, build=replace(BUILT, type=BuildType.EXTERNAL))
    assert kin_of(external, {BUILD: f"{COMMIT}.0"}) is Kin.OURS


def test_our_own_label_tells_the_commit_first() -> None:
    assert commit_in({BUILD: f"{COMMIT}.0", REVISION: STRANGE}) == COMMIT
    assert commit_in({BUILD: "junk.0", REVISION: STRANGE}) == STRANGE
    assert commit_in({REVISION: "v1.1.0"}) is None
