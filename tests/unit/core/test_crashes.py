"""A release that is Degraded tells what crashes, where the operator may see that."""

import asyncio
import re
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.steps import crashes
from tests.fakes.builders import IMAGE, NAMESPACE
from tests.fakes.cluster import finish_build, is_secret_text
from tests.fakes.git_server import TOKEN
from tests.unit.core.stage import Stage

GOOD, BAD = "backend-v1.1.0", "backend-v1.2.0"
NEW = f"sha256:{'2' * 64}"
PIPELINE = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/album-app"
SAID = "Pod backend-6d4cf56db6-x2x7q, container backend: CrashLoopBackOff, exit code 1"


def _pod(said: str = "no database at db:5432", **container: str) -> dict[str, Any]:
    ended = {"exitCode": 1, "reason": "Error", "message": said}
    return {
        "kind": "Pod",
        "metadata": {
            "namespace": "album-app",
            "name": "backend-6d4cf56db6-x2x7q",
            "creationTimestamp": "2026-11-20T12:00:00Z",
        },
        "spec": {
            "containers": [
                {
                    "name": "backend",
                    "image": f"{IMAGE}:v1.2.0",
                    "terminationMessagePolicy": "File",
                    **container,
                }
            ]
        },
        "status": {
            "containerStatuses": [
                {
                    "name": "backend",
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": ended},
                    "ready": False,
                }
            ]
        },
    }


async def _stage(**policy: str) -> Stage:
    """Give a stage on which v1.1.0 was Released."""
    stage = Stage()
    argocd = {"timeout": "60s", "settle": "10s"}
    stage.cluster.edit(PIPELINE, {"spec": {"policy": policy, "argocd": argocd}})
    stage.apply(GOOD)
    await stage.release(GOOD)
    stage.tell_of_releases()
    return stage


async def _fail(stage: Stage) -> str:
    """Let v1.2.0 be Degraded until its time is over, and give the message."""
    stage.apply(BAD)
    await stage.settle(BAD)
    finish_build(stage.cluster, stage.jobs[-1], NEW, NEW)
    await stage.settle(BAD)
    stage.merge()
    await stage.settle(BAD)
    stage.argocd.run()
    for _ in range(60):
        stage.argocd.set_health("album-app-backend", "Degraded")
        due = await stage.run_pass(BAD)
        if stage.status(BAD).get("failure"):
            assert stage.ready(BAD)[1] == "Degraded"
            return stage.message(BAD)
        assert due.after is not None
        stage.clock.advance(due.after)
    raise AssertionError(f"{BAD} does not fail: {stage.message(BAD)}")


async def test_a_failure_tells_what_crashes_and_still_the_whole_command() -> None:
    stage = await _stage()
    stage.cluster.apply(_pod())
    message = await _fail(stage)

    assert f"is Degraded. {SAID}: no database at db:5432. v1.1.0 was Released" in message
    assert re.search(r"Bring v1\.1\.0 back \(echo '\{.*\}' \| kubectl apply -f -\), or", message)
    assert message.endswith(", then set the annotation album.dev/retry.")


async def test_the_longest_words_leave_the_command_whole() -> None:
    stage = await _stage()
    stage.cluster.apply(_pod("a word " * 500))
    health = {"status": "Degraded", "message": "a long word " * 40}
    application = stage.application()["metadata"]
    path = f"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{application['name']}"

    def set_health(*_: object) -> None:
        stage.cluster.edit(path, {"status": {"health": health}})

    stage.argocd.set_health = set_health  # type: ignore[assignment,method-assign]
    message = await _fail(stage)

    assert SAID in message
    assert "a word …" in message or "a …" in message
    assert re.search(r"Bring v1\.1\.0 back \(echo '\{.*\}' \| kubectl apply -f -\), or", message)
    assert len(message) <= 640


async def test_what_takes_the_version_back_tells_it_too() -> None:
    stage = await _stage(rollback="Revert")
    stage.cluster.apply(_pod())
    await _fail(stage)

    assert f"{SAID}: no database at db:5432." in stage.status(BAD)["failure"]["message"]
    await stage.settle(BAD)
    assert f"{SAID}: no database at db:5432." in stage.message(BAD)


async def test_where_a_right_lacks_it_is_named_and_nothing_else_fails() -> None:
    stage = await _stage()
    stage.cluster.apply(_pod())
    stage.cluster.denied.add("list pods")
    message = await _fail(stage)

    assert "The operator may not list pods in namespace album-app, which would tell" in message
    assert "backend-6d4cf56db6" not in message
    assert "| kubectl apply -f -" in message


async def test_the_end_of_a_log_is_not_shown() -> None:
    stage = await _stage()
    stage.cluster.apply(_pod(terminationMessagePolicy="FallbackToLogsOnError"))
    message = await _fail(stage)

    assert f"{SAID}. v1.1.0 was Released" in message
    assert "no database" not in message


async def test_secrets_that_a_crash_says_are_starred() -> None:
    stage = await _stage()
    stage.cluster.apply(_pod(f"cannot log in with {TOKEN}"))
    message = await _fail(stage)

    assert "cannot log in with ***" in message
    assert not is_secret_text(str(stage.status(BAD)))


async def test_its_words_are_left_out_where_secrets_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def learn(*_: object) -> bool:
        return False

    stage = await _stage()
    stage.cluster.apply(_pod())
    monkeypatch.setattr("album_operator.steps.access.Access.learn", learn)
    message = await _fail(stage)

    assert f"{SAID}. " in message
    assert "no database" not in message


@pytest.mark.parametrize("kind", ["pods", "selfsubjectaccessreviews"])
async def test_a_look_that_fails_hides_no_failure(kind: str) -> None:
    stage = await _stage()
    stage.cluster.apply(_pod())
    error, asked = TransientError(Reason.CLUSTER_UNAVAILABLE, "The API server is away."), []
    name = "get" if kind == "pods" else "create"
    real = getattr(stage.cluster, name)

    async def fail(path: str, *args: Any, **how: Any) -> Any:  # noqa: ANN401 - handed on
        if path.endswith(kind) and "namespaces/album/" not in path:
            asked.append(path)
            raise error
        return await real(path, *args, **how)

    setattr(stage.cluster, name, fail)
    message = await _fail(stage)

    assert len(asked) == 1
    assert "is Degraded. v1.1.0 was Released before" in message


async def test_a_look_that_takes_long_delays_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crashes, "SECONDS", 0.01)

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    stage = await _stage()
    monkeypatch.setattr("album_operator.adapters.cluster.crashes.ClusterCrashes.find", hang)
    message = await _fail(stage)

    assert "is Degraded. v1.1.0 was Released before" in message


@pytest.mark.parametrize(
    "destination",
    [
        {"server": "https://other.example.org", "namespace": "album-app"},
        {"name": "other", "namespace": "album-app"},
        {"name": "in-cluster"},
    ],
)
async def test_pods_of_another_cluster_or_namespace_are_not_looked_for(
    destination: dict[str, str],
) -> None:
    stage = await _stage()
    stage.cluster.apply(_pod())
    stage.application()["spec"]["destination"] = destination
    message = await _fail(stage)

    assert "is Degraded. v1.1.0 was Released before" in message


async def test_a_cluster_that_is_called_by_its_name_is_ours_too() -> None:
    stage = await _stage()
    stage.cluster.apply(_pod())
    stage.application()["spec"]["destination"] = {"name": "in-cluster", "namespace": "album-app"}

    assert SAID in await _fail(stage)
