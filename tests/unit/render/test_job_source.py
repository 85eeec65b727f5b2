"""What the container that fetches is told of what is wanted beside the commit's own files."""

from dataclasses import replace

import pytest

from album_operator.domain.build_source import SourceParts
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.render.job import EngineSettings, render_job

ENGINE = EngineSettings("operator", "kaniko", "buildkit")
NAMES = ("ALBUM_SUBMODULES", "ALBUM_LFS", "ALBUM_HISTORY")


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (None, {}),
        (SourceParts(), {}),
        (
            SourceParts(submodules=True, lfs=False),
            dict(zip(NAMES, ("true", "false"), strict=False)),
        ),
        (SourceParts(history=True), {"ALBUM_HISTORY": "true"}),
    ],
)
def test_the_container_is_told_what_somebody_has_said_and_no_more(
    release: Release, resolved: Resolved, parts: SourceParts | None, told: dict[str, str]
) -> None:
    build = replace(resolved.build, source=parts)
    job = render_job(release, replace(resolved, build=build), 1, ENGINE)
    [fetch] = job["spec"]["template"]["spec"]["initContainers"]

    there = {one["name"]: one.get("value") for one in fetch["env"] if one["name"] in NAMES}
    assert there == told
