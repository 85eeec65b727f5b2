"""What the API server refuses a release is waited out, shown, and healed with nobody's help."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from album_operator.adapters.cluster.refusals import (
    Refusal,
    error_of,
    forbidden,
    right_for,
)
from album_operator.domain.errors import OutsideError
from tests.fakes.builders import APPLICATION, raw_application
from tests.fakes.cluster import finish_build
from tests.unit.adapters.api_server import status_of
from tests.unit.core.stage import Stage

MAY_NOT = 'is forbidden: User "system:serviceaccount:album-system:album-operator" cannot do it'


def _refusal(code: int, message: str) -> Refusal:
    path = "/api/v1/namespaces/album/secrets/album-git"
    return Refusal(path, code, status_of(code, message) if message else {})


def _forbidden(refusal: Refusal) -> OutsideError:
    right = right_for("GET", refusal.path, watch=False)
    assert right is not None
    return forbidden(refusal, right)


TROUBLES: list[tuple[OutsideError, str, str]] = [
    (error_of(_refusal(401, "Unauthorized")), "ClusterUnavailable", "Unauthorized"),
    (error_of(_refusal(403, MAY_NOT)), "ClusterUnavailable", MAY_NOT),
    (error_of(_refusal(404, "")), "ClusterUnavailable", "HTTP status 404"),
    (_forbidden(_refusal(403, MAY_NOT)), "Forbidden", "manifests/namespace"),
    (error_of(_refusal(403, "webhook denied the request: no")), "AdmissionDenied", "no"),
]


async def _at_the_checks(stage: Stage) -> None:
    del stage


async def _at_the_build(stage: Stage) -> None:
    stage.cluster.refused["jobs"] = stage.cluster.refused.pop("secrets")


async def _at_the_applications(stage: Stage) -> None:
    error = stage.cluster.refused.pop("secrets")
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    stage.merge()
    stage.clock.advance(timedelta(seconds=60))
    stage.cluster.refused["applications"] = error


@pytest.mark.parametrize("place", [_at_the_checks, _at_the_build, _at_the_applications])
@pytest.mark.parametrize(("error", "reason", "said"), TROUBLES)
async def test_a_refusal_stalls_nothing_and_is_over_when_it_is_over(
    place: Callable[[Stage], object], error: OutsideError, reason: str, said: str
) -> None:
    stage = Stage()
    stage.apply()
    stage.cluster.refused["secrets"] = error
    await place(stage)  # type: ignore[misc]
    waits = []
    for _ in range(3):
        due = await stage.settle()
        assert due.after is not None
        waits.append(due.after)
        stage.clock.advance(due.after)

    assert waits[0] < waits[1] < waits[2]
    assert stage.ready() == ("Unknown", reason)
    assert "Stalled" not in stage.conditions()
    assert said in stage.message()
    assert "album.dev/retry" not in stage.message()

    stage.cluster.refused.clear()
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_an_application_nobody_can_read_is_told_and_waited_for() -> None:
    stage = Stage()
    stage.apply()
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend"
    stage.cluster.edit(path, {"status": {"reconciledAt": "0000-01-01T00:00:00Z"}})
    due = await stage.run_pass()

    assert due.after is not None
    assert stage.ready() == ("Unknown", "ApplicationUnreadable")
    assert f"Application {APPLICATION} cannot be read: " in stage.message()
    assert "`reconciledAt: 0000-01-01T00:00:00Z` is no time" in stage.message()
    stage.cluster.edit(path, {"status": {"reconciledAt": "2026-11-20T12:00:00Z"}})
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_an_application_deleted_while_it_is_patched_is_looked_at_again() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    stage.merge()
    stage.clock.advance(timedelta(seconds=60))
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend"
    merge = stage.cluster.merge

    async def delete_first(place: str, body: dict[str, object]) -> dict[str, object]:
        if place == path:
            stage.cluster.objects.pop(path, None)
        return await merge(place, body)

    stage.cluster.merge = delete_first  # type: ignore[assignment,method-assign]
    await stage.settle()

    assert stage.ready() == ("False", "ApplicationNotFound")
    stage.cluster.merge = merge  # type: ignore[method-assign]
    stage.cluster.apply(raw_application("backend"))
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
