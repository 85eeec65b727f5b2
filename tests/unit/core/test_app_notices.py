"""`argocd.notice`: the Applications' pages tell that a release waits, as long as it does."""

import logging
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from tests.fakes.faults import Fault, Faults, Killed
from tests.unit.core.stage import REPOSITORY, Stage

CONTENT = "notice.argocd.argoproj.io/content"
NAME = "backend-v1.1.0"


def _annotations(stage: Stage) -> dict[str, str]:
    found: dict[str, str] = stage.application()["metadata"].get("annotations", {})
    return {key: value for key, value in found.items() if "notice" in key}


async def _waiting(faults: Faults | None = None, **argocd: Any) -> Stage:  # noqa: ANN401
    stage = Stage(faults, argocd={"notice": True, **argocd})
    stage.apply()
    await stage.settle()
    stage.play()
    await stage.settle()
    assert stage.ready()[1] == "AwaitingMerge"
    return stage


@pytest.mark.parametrize("sync", ["Automated", "Operation"])
async def test_an_application_tells_that_a_release_waits_until_it_is_merged(sync: str) -> None:
    stage = await _waiting(sync=sync)
    url = stage.status()["pullRequest"]["url"]
    assert _annotations(stage) == {
        CONTENT: f"backend v1.1.0 waits for review: {url}",
        "notice.argocd.argoproj.io/severity": "info",
        "notice.argocd.argoproj.io/url": url,
        "album.dev/notice": "album/backend-v1.1.0",
    }

    stage.merge()
    await stage.settle()
    assert _annotations(stage) == {}
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_release_without_the_wish_tells_nothing() -> None:
    stage = await _waiting(notice=False)
    assert _annotations(stage) == {}


async def test_what_stays_as_it_is_costs_no_request() -> None:
    stage = await _waiting()
    version = stage.application()["metadata"]["resourceVersion"]
    for _ in range(3):
        await stage.run_pass(polled=True)
    assert stage.application()["metadata"]["resourceVersion"] == version


async def test_a_closed_pull_request_ends_the_notice() -> None:
    stage = await _waiting()
    stage.forge.close_pull_request(REPOSITORY, 1)
    await stage.settle()
    assert stage.ready() == ("False", "PullRequestClosed")
    assert _annotations(stage) == {}


async def test_a_deleted_release_takes_its_notice_along() -> None:
    stage = await _waiting()
    del stage.cluster.objects[f"/apis/album.dev/v1alpha1/namespaces/album/albumreleases/{NAME}"]
    await stage.run_pass()
    assert _annotations(stage) == {}


async def test_after_a_restart_the_notice_is_taken_away_too() -> None:
    stage = await _waiting()
    stage.restart()
    stage.merge()
    await stage.settle()
    assert _annotations(stage) == {}


async def test_a_notice_of_the_applications_owner_stays() -> None:
    stage = Stage(argocd={"notice": True})
    stage.application()["metadata"].setdefault("annotations", {})[CONTENT] = "Maintenance"
    stage.apply()
    await stage.settle()
    stage.play()
    await stage.settle()
    assert _annotations(stage) == {CONTENT: "Maintenance"}
    await stage.release()
    assert _annotations(stage) == {CONTENT: "Maintenance"}


async def test_a_notice_that_cannot_be_written_holds_up_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(argocd={"notice": True})
    merge = stage.cluster.merge

    async def refuse(path: str, body: Any) -> Any:  # noqa: ANN401
        if CONTENT in str(body):
            raise TransientError(Reason.ADMISSION_DENIED, "The guard is an older one.")
        return await merge(path, body)

    monkeypatch.setattr(stage.cluster, "merge", refuse)
    stage.apply()
    with caplog.at_level(logging.WARNING):
        await stage.release()
    assert stage.ready() == ("True", "Released")
    assert "could not be told of in Argo CD: The guard is an older one." in caplog.text


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("at", range(1, 16))
async def test_whatever_happens_at_a_write_no_notice_is_left(at: int, fault: Fault) -> None:
    stage = Stage(Faults(at, fault), argocd={"notice": True})
    stage.apply()
    try:
        await stage.release()
    except Killed:
        stage.restart()
        await stage.release()
    except TransientError:
        await stage.release()
    assert stage.ready() == ("True", "Released")
    assert _annotations(stage) == {}
