"""Only the source is built: beside it lies the credential to push with."""

from dataclasses import replace

import pytest

from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import BuildType
from album_operator.render.job import EngineSettings, render_job
from tests.fakes.builders import RELEASE, RESOLVED

ENGINE = EngineSettings("operator", "kaniko", "buildkit")


@pytest.mark.parametrize("engine", list(BuildType))
@pytest.mark.parametrize(
    ("context_dir", "dockerfile", "field"),
    [
        ("../../var/run/secrets/album/registry", "Dockerfile", "contextDir"),
        ("backend/../../..", "Dockerfile", "contextDir"),
        ("/var/run/secrets/album/registry", "Dockerfile", "contextDir"),
        ("..", "Dockerfile", "contextDir"),
        ("backend", "../../../kaniko/.docker/config.json", "dockerfile"),
        ("backend", "/etc/passwd", "dockerfile"),
    ],
)
def test_a_job_that_would_build_anything_else_is_not_rendered(
    engine: BuildType, context_dir: str, dockerfile: str, field: str
) -> None:
    build = replace(RESOLVED.build, type=engine, context_dir=context_dir, dockerfile=dockerfile)

    with pytest.raises(TerminalError, match=f"build.{field} leads out of the source") as refused:
        render_job(RELEASE, replace(RESOLVED, build=build), 1, ENGINE)

    assert refused.value.reason is Reason.STATUS_INVALID
    assert "annotation album.dev/retry" in refused.value.sentence


@pytest.mark.parametrize(("wanted", "policy"), [(False, "File"), (True, "FallbackToLogsOnError")])
def test_the_end_of_a_log_is_kept_only_where_the_pipeline_says_so(
    wanted: bool, policy: str
) -> None:
    build = replace(RESOLVED.build, failure_log=wanted)

    pod = render_job(RELEASE, replace(RESOLVED, build=build), 1, ENGINE)["spec"]["template"]["spec"]

    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["terminationMessagePolicy"] == policy


@pytest.mark.parametrize("context_dir", [".", "..backend", "a..b", "backend/web"])
def test_any_folder_of_the_source_can_be_built(context_dir: str) -> None:
    build = replace(RESOLVED.build, context_dir=context_dir)

    job = render_job(RELEASE, replace(RESOLVED, build=build), 1, ENGINE)

    (fetch,) = job["spec"]["template"]["spec"]["initContainers"]
    env = {item["name"]: item["value"] for item in fetch["env"]}
    assert (env["ALBUM_CONTEXT_DIR"], env["ALBUM_DOCKERFILE"]) == (context_dir, "Dockerfile")
