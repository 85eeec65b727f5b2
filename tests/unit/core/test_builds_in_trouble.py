"""A release whose build does not run, by what its status shows."""

from datetime import timedelta

from tests.fakes.builders import DIGEST, NAMESPACE, raw_pipeline
from tests.fakes.cluster import fail_build, push_of, raw_pod
from tests.fakes.git_server import TOKEN
from tests.unit.core.stage import Stage


async def _at_build() -> Stage:
    stage = Stage()
    stage.apply()
    await stage.settle()
    return stage


def _refuse_pods(stage: Stage, said: str) -> None:
    job = stage.jobs[0]["metadata"]
    stage.cluster.apply(
        {
            "kind": "Event",
            "metadata": {"namespace": NAMESPACE, "name": "refused"},
            "involvedObject": {"uid": job["uid"]},
            "reason": "FailedCreate",
            "message": f"Error creating: {said}",
            "lastTimestamp": "2026-11-20T12:00:03Z",
        }
    )


async def test_a_quota_is_told_at_the_next_look_and_forgotten_once_there_is_room() -> None:
    stage = await _at_build()
    assert stage.ready() == ("Unknown", "Building")
    _refuse_pods(stage, "exceeded quota: team")
    stage.clock.advance(timedelta(seconds=15))
    after = (await stage.settle()).after

    assert stage.ready() == ("Unknown", "QuotaExceeded")
    assert "gets no Pod from the API server (exceeded quota: team)" in stage.message()
    assert after is not None
    assert after <= timedelta(seconds=15)

    running = {"name": "build", "state": {"running": {}}}
    stage.cluster.apply(raw_pod(stage.jobs[0], phase="Running", containerStatuses=[running]))
    await stage.settle()
    assert stage.ready() == ("Unknown", "Building")


async def test_what_the_control_plane_says_is_freed_of_secrets_and_bounded() -> None:
    stage = await _at_build()
    _refuse_pods(stage, f"forbidden: \x1b[31m{TOKEN}\x1b[0m \x07\x00 {'word ' * 5000}")
    stage.clock.advance(timedelta(seconds=15))
    await stage.settle()

    assert stage.ready() == ("Unknown", "PodRefused")
    assert TOKEN not in stage.message()
    assert "(forbidden: *** " in stage.message()
    assert len(stage.message()) < 1500
    assert stage.message().isprintable()


async def test_a_job_that_fails_without_a_pod_says_so_in_its_own_words() -> None:
    stage = await _at_build()
    condition = {
        "type": "Failed",
        "status": "True",
        "reason": "PodFailurePolicy",
        "message": f"Pod album/x failed with exit code 137 and {TOKEN}",
        "lastTransitionTime": "2026-11-20T12:00:30Z",
    }
    job = stage.jobs[0]
    stage.cluster.apply({**job, "status": {"conditions": [condition]}})
    await stage.settle()

    assert stage.ready() == ("False", "BuildFailed")
    assert "failed with exit code 137 and ***" in stage.message()


async def test_a_log_of_bytes_is_shown_as_text() -> None:
    stage = Stage()
    stage.cluster.apply(raw_pipeline(build={"failureLog": True}))
    stage.apply()
    await stage.settle()
    fail_build(stage.cluster, stage.jobs[0], 1, "\x00\x1b[2J\u202eone\x07\n" * 200 + "the cause")
    await stage.settle()

    message = stage.status()["failure"]["message"]
    assert message.endswith("one\none\nthe cause")
    assert len(message) <= 1024
    assert message.replace("\n", "").isprintable()


async def test_a_sidecar_does_not_hold_up_a_release() -> None:
    stage = await _at_build()
    ended = {"exitCode": 0, "message": DIGEST, "finishedAt": "2026-11-20T12:00:30Z"}
    containers = [
        {"name": "build", "state": {"terminated": ended}},
        {"name": "istio-proxy", "state": {"running": {}}},
    ]
    stage.cluster.apply(raw_pod(stage.jobs[0], phase="Running", containerStatuses=containers))
    push_of(stage.registry, stage.jobs[0])
    await stage.settle()

    assert stage.status()["image"]["digest"] == DIGEST
    assert stage.status()["build"]["finishedAt"].startswith("2026-11-20T12:00:30")
    assert stage.ready() == ("Unknown", "AwaitingMerge")
