"""Further tags of an image that is there: put by the operator, and never taken from a newer one."""

import json
from typing import Any

import pytest

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.image_labels import REVISION
from album_operator.domain.names import job_name
from album_operator.domain.reasons import Reason
from tests.fakes.builders import DIGEST, IMAGE, raw_pipeline
from tests.fakes.cluster import fail_build, raw_registry_secret, raw_secret
from tests.unit.core.stage import Stage

NAME, TAG = "backend-v1.1.0", "v1.1.0"
OLDER, NEWER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
TAGS = {"tags": ["latest", "edge"]}


def _stage(**build: Any) -> Stage:  # noqa: ANN401
    stage = Stage(build={**TAGS, **build}, is_built=True)
    stage.apply()
    return stage


def _ready(stage: Stage, name: str = NAME) -> dict[str, Any]:
    """Give step ImageReady."""
    steps: list[dict[str, Any]] = stage.status(name)["steps"]
    return next(step for step in steps if step["name"] == "ImageReady")


def _stands(stage: Stage, tag: str) -> str | None:
    return stage.registry.digest_of(IMAGE, tag)


async def test_a_reused_image_gets_the_tags_its_build_would_have_pushed() -> None:
    stage = _stage()
    stage.push("v1.0.0", OLDER, "latest")
    await stage.release()

    assert _stands(stage, "latest") == _stands(stage, "edge") == DIGEST
    assert stage.jobs == []
    assert _ready(stage)["message"].endswith("built from this commit, and is reused.")
    assert stage.registry.asked == [f"{IMAGE}:{tag}" for tag in [TAG, *TAGS["tags"] * 2]]


async def test_what_is_put_is_told_before_it_is_done() -> None:
    stage = _stage()
    told: list[dict[str, Any]] = []
    put = stage.registry.tag

    async def look(*args: Any, **named: Any) -> None:  # noqa: ANN401
        told.append(_ready(stage))
        await put(*args, **named)

    stage.registry.tag = look  # type: ignore[method-assign]
    await stage.release()

    assert [step["reason"] for step in told] == ["Tagging"] * 2
    assert told[0]["message"] == (
        f"Letting further tags latest and edge stand for {IMAGE}:{TAG}@{DIGEST}."
    )


async def test_a_second_environment_takes_no_tag_from_a_newer_version() -> None:
    stage = _stage()
    stage.push("v1.2.0", NEWER, "latest")
    await stage.release()

    assert (_stands(stage, "latest"), _stands(stage, "edge")) == (NEWER, DIGEST)
    assert "Further tag latest is left where it is, at version v1.2.0." in _ready(stage)["message"]


async def test_a_tag_of_something_that_is_no_image_is_left_alone() -> None:
    stage = _stage()
    find = stage.registry.find

    async def no_image(place: Any, name: str) -> Any:  # noqa: ANN401
        if name == "latest":
            raise TerminalError(Reason.IMAGE_SOURCE_UNKNOWN, "It is a chart.")
        return await find(place, name)

    stage.registry.find = no_image  # type: ignore[method-assign]
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert "latest is left where it is, at an image that" in _ready(stage)["message"]
    assert (_stands(stage, "latest"), _stands(stage, "edge")) == (None, DIGEST)


async def test_another_trouble_with_a_further_tag_stops_the_release_with_its_words() -> None:
    stage = _stage()
    find = stage.registry.find

    async def refuse(place: Any, name: str) -> Any:  # noqa: ANN401
        if name == "latest":
            raise TerminalError(Reason.IMAGE_MISMATCH, "It gave something else.", "Ask why")
        return await find(place, name)

    stage.registry.find = refuse  # type: ignore[method-assign]
    await stage.settle()

    assert stage.ready() == ("False", "ImageMismatch")


async def test_an_image_that_may_not_be_released_gets_no_tag_and_its_tags_are_not_asked_for() -> (
    None
):
    stage = _stage()
    stage.registry.push(IMAGE, TAG, {REVISION: "9" * 40})
    await stage.settle()

    assert stage.ready() == ("False", "ImageExistsFromOtherCommit")
    assert _stands(stage, "latest") is None
    assert stage.registry.asked == [f"{IMAGE}:{TAG}"]


@pytest.mark.parametrize("way_out", ["the rule is taken away", "the tag is left out"])
async def test_a_tag_that_the_registry_keeps_stops_the_release_until_either_way_out_is_taken(
    way_out: str,
) -> None:
    stage = _stage()
    stage.push("v1.0.0", OLDER, "latest")
    stage.registry.immutable.add("latest")
    await stage.settle()
    assert stage.ready() == ("False", "PushRefused")

    if way_out == "the tag is left out":
        stage.cluster.apply(raw_pipeline(build={"tags": ["edge"]}))
    else:
        stage.registry.immutable.clear()
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert _stands(stage, "edge") == DIGEST
    assert _stands(stage, "latest") == (OLDER if way_out == "the tag is left out" else DIGEST)


async def test_a_credential_that_only_the_builder_has_puts_nothing_and_the_message_says_so() -> (
    None
):
    stage = _stage(readSecretRef={"name": "reader"})
    stage.cluster.apply(raw_registry_secret("reader", "ghcr.io"))
    helpers = {".dockerconfigjson": json.dumps({"credHelpers": {"ghcr.io": "gcr"}})}
    stage.cluster.apply({**raw_secret("album-registry", **helpers), "kind": "Secret"})
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert _stands(stage, "latest") is None
    why = "(Secret album-registry tells the operator none), it was not given further tags"
    assert why in _ready(stage)["message"]


async def test_it_is_the_push_secret_that_is_shown_and_not_the_one_to_read_with() -> None:
    stage = _stage(readSecretRef={"name": "reader"})
    stage.cluster.apply(raw_registry_secret("reader", "ghcr.io"))
    shown: list[str] = []
    put = stage.registry.tag

    async def look(place: Any, *args: Any, **named: Any) -> None:  # noqa: ANN401
        shown.append(place.credential.secret)
        await put(place, *args, **named)

    stage.registry.tag = look  # type: ignore[method-assign]
    await stage.release()

    assert shown == ["album-registry"] * 2


async def test_a_build_that_died_between_its_tags_is_mended_by_a_retry() -> None:
    stage = Stage(build=TAGS)
    stage.apply()
    await stage.settle()
    stage.push("v1.1.0", DIGEST, TAG, "latest")
    fail_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    assert stage.ready() == ("False", "BuildFailed")

    stage.annotate(retry="1")
    await stage.release()
    assert _stands(stage, "edge") == DIGEST
    assert [job["metadata"]["name"] for job in stage.jobs] == [job_name(NAME, 1)]


async def test_a_retry_that_keeps_its_image_moves_no_tag_back() -> None:
    stage = _stage()
    await stage.release()
    stage.push("v1.2.0", NEWER, "latest")
    stage.annotate(retry="1")
    await stage.release()

    assert _stands(stage, "latest") == NEWER


@pytest.mark.parametrize("trouble", ["unavailable", "moved meanwhile"])
async def test_what_comes_in_between_is_looked_at_again(trouble: str) -> None:
    stage = _stage()
    put = stage.registry.tag
    tries = 0

    async def meet(*args: Any, **named: Any) -> None:  # noqa: ANN401
        nonlocal tries
        tries += 1
        if tries == 1 and trouble == "unavailable":
            raise TransientError(Reason.REGISTRY_UNAVAILABLE, "It answers with 503.")
        if tries == 1:
            stage.push("v1.2.0", NEWER, "latest")
        await put(*args, **named)

    stage.registry.tag = meet  # type: ignore[method-assign]
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert _stands(stage, "edge") == DIGEST
    assert _stands(stage, "latest") == (DIGEST if trouble == "unavailable" else NEWER)
