"""What each Job builds: all of an image, or with kaniko that of one platform."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.domain.build_cache import ResolvedCache
from album_operator.domain.build_parts import WHOLE, job_of, node_of, parts_of, platform_of
from album_operator.domain.image_labels import labels_of
from album_operator.domain.names import job_name
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved
from tests.fakes.builders import IMAGE, RESOLVED

AMD, ARM = "linux/amd64", "linux/arm/v7"


def _with(*platforms: str, image: str = f"{IMAGE}:v1.1.0", **build: object) -> Resolved:
    own = replace(RESOLVED.build, platforms=platforms, image=image, **build)  # type: ignore[arg-type]
    return replace(RESOLVED, build=own)


@pytest.mark.parametrize("platforms", [(), (AMD,)])
def test_one_job_builds_what_has_one_platform(platforms: tuple[str, ...]) -> None:
    whole = _with(*platforms)

    assert parts_of(whole) == {WHOLE: whole}
    assert platform_of(whole.build) == WHOLE
    assert job_of("web-v1", whole, 2) == job_name("web-v1", 2)


def test_buildkit_builds_all_platforms_in_one_job() -> None:
    whole = _with(AMD, ARM, type=BuildType.BUILDKIT)

    assert parts_of(whole) == {WHOLE: whole}


def test_kaniko_builds_each_platform_apart_and_labels_it_as_the_whole() -> None:
    cache = ResolvedCache(f"{IMAGE}-cache", timedelta(days=1))
    whole = _with(AMD, ARM, tags=("latest",), cache=cache)
    parts = parts_of(whole)

    assert {name: platform_of(part.build) for name, part in parts.items()} == {AMD: AMD, ARM: ARM}
    arm = parts[ARM].build
    assert (arm.image, arm.tags, arm.platforms) == (f"{IMAGE}:v1.1.0-arm-v7", (), (ARM,))
    assert arm.cache is not None
    assert arm.cache.repository == f"{IMAGE}-cache-arm-v7"
    assert all(labels_of(part) == labels_of(whole) for part in parts.values())
    assert labels_of(whole) != labels_of(_with(AMD))


def test_the_tag_of_a_part_fits_and_keeps_its_platform() -> None:
    tags = [f"{'v1.0.0-' + 'x' * 120}{end}" for end in "ab"]
    parts = [parts_of(_with(AMD, ARM, image=f"r.example.org:5000/a:{tag}")) for tag in tags]
    images = [part.build.image.rpartition(":")[2] for each in parts for part in each.values()]

    assert len(set(images)) == 4
    assert all(len(tag) <= 128 and tag.endswith(("-amd64", "-arm-v7")) for tag in images)


@pytest.mark.parametrize("release", ["web-v1.1.0", "w" * 253])
@pytest.mark.parametrize("attempt", [1, 2**31 - 1])
def test_the_jobs_of_all_platforms_have_names_of_their_own_that_fit(
    release: str, attempt: int
) -> None:
    odd = ("linux/abcdefghijklmnopqrstuv", "linux/abcdefghijklmnopqrstuw")
    parts = parts_of(_with(AMD, ARM, "linux/arm64", *odd))
    names = {job_of(release, part, attempt) for part in parts.values()}

    assert len(names) == 5
    assert all(len(name) <= 63 - len("-x7x7x") for name in names)
    assert names.isdisjoint({job_name(release, attempt)})


@pytest.mark.parametrize(
    ("platforms", "engine", "architecture"),
    [
        ((), BuildType.KANIKO, None),
        (("linux/arm64",), BuildType.KANIKO, "arm64"),
        (("linux/arm/v7",), BuildType.KANIKO, "arm"),
        (("linux/arm64",), BuildType.BUILDKIT, None),
    ],
)
def test_kaniko_needs_a_node_of_its_platform(
    platforms: tuple[str, ...], engine: BuildType, architecture: str | None
) -> None:
    assert node_of(_with(*platforms, type=engine).build) == architecture
