"""With `policy.rollback: Revert` a version that failed is taken back by a release of its own."""

from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.passes import Memory
from album_operator.waking.wakeups import Wakeups
from tests.fakes.builders import DIGEST, IMAGE, NAMESPACE, VALUES
from tests.fakes.cluster import finish_build
from tests.fakes.faults import Fault, Killed
from tests.unit.core.stage import Stage

GOOD, BAD, NEWER = "backend-v1.1.0", "backend-v1.2.0", "backend-v1.3.0"
OLD, NEW = DIGEST, f"sha256:{'2' * 64}"
API = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}"
PIPELINE = f"{API}/albumpipelines/album-app"
APPLICATION = "album-app-backend"


async def _stage(**how: Any) -> Stage:  # noqa: ANN401 - handed on
    """Give a stage on which v1.1.0 was Released and failures are taken back."""
    stage = Stage(**how)
    policy: dict[str, Any] = {"rollback": "Revert"}
    argocd = {"timeout": "60s", "settle": "10s"}
    stage.cluster.edit(PIPELINE, {"spec": {"policy": policy, "argocd": argocd}})
    stage.source.tags[NEWER] = stage.source.tags[GOOD]
    stage.apply(GOOD)
    await stage.release(GOOD)
    stage.tell_of_releases()
    return stage


def _rollbacks(stage: Stage) -> list[str]:
    return [
        raw["metadata"]["name"]
        for raw in stage.cluster.all_of("AlbumRelease")
        if "rollbackOf" in raw["spec"]
    ]


def _main(stage: Stage) -> str:
    commit = stage.config.commits[stage.config.branches["main"]]
    return commit.files[VALUES].data.decode()


async def _turn(stage: Stage, names: list[str], *, merges: bool = True) -> None:
    """Let each release have its passes, and others do their part; v1.2.0 never does well."""
    dues = []
    for name in [*names, *_rollbacks(stage)]:
        due = await stage.run_pass(name)
        dues += [due.after] if due.after is not None else []
        stage.tell_of_releases()
    for job in stage.jobs:
        if "status" not in job:
            finish_build(stage.cluster, job, NEW, NEW)
    if merges:
        stage.merge()
    stage.argocd.run()
    stage.argocd.finish_rollouts()
    if 'tag: "v1.2.0"' in _main(stage):
        stage.argocd.set_health(APPLICATION, "Degraded")
    if dues:
        stage.clock.advance(min(dues))


async def _until(stage: Stage, reason: str, name: str = BAD, *others: str) -> None:
    for _ in range(120):
        if stage.status(name).get("conditions") and stage.ready(name)[1] == reason:
            return
        await _turn(stage, [name, *others])
    raise AssertionError(f"{name} does not come to {reason}: {stage.message(name)}")


async def _until_finished(stage: Stage) -> None:
    for _ in range(60):
        await _turn(stage, [BAD])
        if stage.conditions(BAD).get("Finished") == "True":
            return
    raise AssertionError(f"{BAD} does not end: {stage.message(BAD)}")


async def _fail(stage: Stage) -> str:
    """Let v1.2.0 fail, up to the creation of its rollback, whose name is given."""
    stage.apply(BAD)
    for _ in range(60):
        await _turn(stage, [BAD], merges=not _rollbacks(stage))
        if _rollbacks(stage):
            [name] = _rollbacks(stage)
            return name
    raise AssertionError(f"no rollback comes: {stage.message(BAD)}")


async def test_a_failed_version_is_taken_back_by_a_release_like_any_other() -> None:
    stage = await _stage()
    name = await _fail(stage)
    jobs = len(stage.jobs)
    assert stage.ready(BAD) == ("False", "Degraded")
    assert stage.conditions(BAD).get("Stalled") is None
    assert stage.conditions(BAD).get("Finished") is None
    for _ in range(3):
        await _turn(stage, [BAD], merges=False)
    assert f"AlbumRelease {name}, which brings v1.1.0 back, is AwaitingMerge" in stage.message(BAD)
    assert stage.status(BAD)["failure"]["reason"] == "Degraded"
    rollback = stage.status(BAD)["rollback"]
    assert (rollback["release"], rollback["version"]) == (name, "v1.1.0")

    await _until(stage, "RolledBack")
    assert stage.ready(BAD) == ("False", "RolledBack")
    assert stage.conditions(BAD)["Finished"] == "True"
    assert "v1.1.0 runs again by AlbumRelease" in stage.message(BAD)
    assert stage.ready(name) == ("True", "Released")
    assert stage.status(name)["image"]["digest"] == OLD
    assert len(stage.jobs) == jobs
    assert 'tag: "v1.1.0"' in _main(stage)


async def test_a_sync_that_failed_is_taken_back_too() -> None:
    stage = await _stage()
    stage.apply(BAD)
    for _ in range(60):
        bad = 'tag: "v1.2.0"' in _main(stage)
        stage.argocd.fails = "one or more objects failed to apply" if bad else None
        await _turn(stage, [BAD], merges=not _rollbacks(stage) or not bad)
        if _rollbacks(stage):
            break

    assert stage.ready(BAD)[1] == "SyncFailed"
    assert len(_rollbacks(stage)) == 1


async def test_merge_auto_merges_the_rollback_too() -> None:
    stage = await _stage(pull_request={"merge": "Auto"})
    stage.apply(BAD)
    for _ in range(120):
        await _turn(stage, [BAD], merges=False)
        if stage.ready(BAD)[1] == "RolledBack":
            break

    assert stage.ready(BAD) == ("False", "RolledBack")


async def test_a_rolled_back_app_is_held_until_a_person_lifts_it() -> None:
    stage = await _stage()
    name = await _fail(stage)
    stage.apply(NEWER)
    await stage.settle(NEWER)
    assert stage.ready(NEWER) == ("Unknown", "Held")
    assert f"is held since AlbumRelease {name} took back {BAD}" in stage.message(NEWER)
    await _until(stage, "RolledBack")
    stage.restart()
    # What was taken back may go: the hold stays.
    del stage.cluster.objects[f"{API}/albumreleases/{BAD}"]
    await stage.settle(NEWER)
    assert stage.ready(NEWER) == ("Unknown", "Held")

    [command] = [line for line in stage.message(NEWER).split(": ") if line.startswith("kubectl")]
    key, value = command.rstrip(".").split()[-1].split("=")
    assert command.startswith("kubectl annotate albumpipeline -n album album-app --overwrite ")
    stage.cluster.edit(PIPELINE, {"metadata": {"annotations": {key: value}}})
    await stage.release(NEWER)
    assert stage.ready(NEWER) == ("True", "Released")


@pytest.mark.parametrize("value", ["yes", "2099-01-01T00:00:00Z", "2026-11-20T12:00:00"])
async def test_a_hold_is_not_lifted_by_what_is_no_time_that_has_come(value: str) -> None:
    stage = await _stage()
    await _fail(stage)
    annotations = {"lift-hold.album.dev/backend": value}
    stage.cluster.edit(PIPELINE, {"metadata": {"annotations": annotations}})
    stage.apply(NEWER)
    await stage.settle(NEWER)

    assert stage.ready(NEWER) == ("Unknown", "Held")
    assert "no such time, or one that is still to come" in stage.message(NEWER)


async def test_a_hold_of_one_app_is_none_of_another() -> None:
    stage = await _stage()
    await _fail(stage)
    stage.apply("frontend-v1.1.0")
    await stage.settle("frontend-v1.1.0")

    assert stage.ready("frontend-v1.1.0")[1] == "Building"


async def test_an_outcome_that_flaps_is_decided_once() -> None:
    stage = await _stage()
    await _fail(stage)
    stage.argocd.set_health(APPLICATION, "Healthy")
    for _ in range(5):
        await stage.run_pass(BAD)
    assert stage.ready(BAD) == ("False", "Degraded")
    await _until(stage, "RolledBack")
    assert len(_rollbacks(stage)) == 1


async def test_a_rollback_that_fails_itself_ends_both_and_the_app_stays_held() -> None:
    stage = await _stage()
    name = await _fail(stage)
    for _ in range(80):
        await _turn(stage, [BAD])
        stage.argocd.set_health(APPLICATION, "Degraded")
        if stage.conditions(BAD).get("Finished") == "True":
            break

    assert stage.ready(name) == ("False", "Degraded")
    assert stage.ready(BAD) == ("False", "Degraded")
    assert f"AlbumRelease {name}, its rollback, ended as Degraded" in stage.message(BAD)
    assert _rollbacks(stage) == [name]
    stage.apply(NEWER)
    await stage.settle(NEWER)
    assert stage.ready(NEWER) == ("Unknown", "Held")


async def test_a_rollback_that_a_person_deletes_is_not_made_again() -> None:
    stage = await _stage()
    name = await _fail(stage)
    await stage.settle(BAD)
    del stage.cluster.objects[f"{API}/albumreleases/{name}"]
    await stage.settle(BAD)

    assert stage.ready(BAD) == ("False", "Degraded")
    assert "was deleted" in stage.message(BAD)
    assert _rollbacks(stage) == []


async def test_what_has_the_name_of_a_rollback_and_is_none_is_left_alone() -> None:
    stage = await _stage()
    name = await _fail(stage)
    stage.cluster.edit(f"{API}/albumreleases/{name}", {"spec": {"version": "v9.9.9"}})
    await stage.settle(BAD)

    assert stage.ready(BAD) == ("False", "Degraded")
    assert f"AlbumRelease {name} is there and brings nothing back" in stage.message(BAD)


async def test_of_two_that_fail_at_once_the_newer_one_counts() -> None:
    stage = await _stage()
    for name in (BAD, NEWER):
        stage.apply(name)
    for _ in range(80):
        await _turn(stage, [BAD, NEWER])
        if "v1.3.0" in _main(stage):
            stage.argocd.set_health(APPLICATION, "Degraded")
        if _rollbacks(stage):
            break

    [rollback] = [
        raw["spec"] for raw in stage.cluster.all_of("AlbumRelease") if "rollbackOf" in raw["spec"]
    ]
    assert rollback["rollbackOf"] == {"name": NEWER}
    assert rollback["version"] == "v1.1.0"
    assert stage.ready(BAD)[1] in {"Superseded", "Degraded"}


async def test_what_was_changed_since_is_not_taken_back() -> None:
    stage = await _stage()
    stage.apply(BAD)
    await _until(stage, "Degraded")
    files = {VALUES: _main(stage).replace("v1.2.0", "v1.2.1")}
    stage.config.write("main", files)
    for _ in range(40):
        due = await stage.run_pass(BAD)
        if due.after is None:
            break
        stage.clock.advance(due.after)

    assert stage.ready(BAD) == ("False", "Degraded")
    assert "holds v1.2.1 at image.tag by now, which counts" in stage.message(BAD)
    assert _rollbacks(stage) == []


async def test_a_version_that_cannot_be_had_again_is_told_and_nothing_begun() -> None:
    stage = await _stage()
    stage.registry.delete(IMAGE, "v1.1.0")
    stage.apply(BAD)
    await _until_finished(stage)

    assert stage.ready(BAD) == ("False", "Degraded")
    assert "It is not rolled back to v1.1.0: " in stage.message(BAD)
    assert "is not in its registry any more" in stage.message(BAD)
    assert _rollbacks(stage) == []


async def test_a_pipeline_that_has_lost_the_app_is_told() -> None:
    stage = await _stage()
    stage.apply(BAD)
    await _until(stage, "Degraded")
    stage.cluster.edit(PIPELINE, {"spec": {"apps": [{"name": "frontend"}]}})
    await _until_finished(stage)

    assert "AlbumPipeline album-app has no app `backend`" in stage.message(BAD)
    assert _rollbacks(stage) == []


async def test_without_the_right_to_make_releases_a_failure_is_reported() -> None:
    stage = await _stage()
    stage.cluster.denied = {"create albumreleases"}
    stage.apply(BAD)
    await _until_finished(stage)

    assert stage.ready(BAD) == ("False", "Degraded")
    assert "may not create albumreleases in namespace album" in stage.message(BAD)
    assert "kubectl apply -f -" in stage.message(BAD)
    assert _rollbacks(stage) == []


async def test_trouble_of_the_api_server_puts_the_rollback_off() -> None:
    stage = await _stage()
    stage.apply(BAD)
    await _until(stage, "Degraded")
    stage.registry.trouble = TransientError(Reason.REGISTRY_UNAVAILABLE, "No answer.")
    for _ in range(20):
        await _turn(stage, [BAD])
    assert _rollbacks(stage) == []
    assert stage.ready(BAD)[1] == "RegistryUnavailable"
    stage.registry.trouble = None
    await _until(stage, "RolledBack")


async def _end(stage: Stage) -> None:
    """Go from the failure to the end, each death followed by a start of the operator."""
    if not any(raw["metadata"]["name"] == BAD for raw in stage.cluster.all_of("AlbumRelease")):
        stage.apply(BAD)
    for _ in range(200):
        try:
            await _turn(stage, [BAD])
        except Killed:
            stage.restart()
        except TransientError:
            continue
        known = stage.status(BAD).get("conditions")
        if known and stage.conditions(BAD).get("Finished") == "True":
            return
    raise AssertionError(f"it does not end: {stage.message(BAD)}")


AROUND = range(-2, 4)
"""The writes around the creation; those of the rollback itself are any release's."""


@pytest.mark.parametrize("at", AROUND)
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
async def test_whatever_happens_around_its_creation_exactly_one_rollback_is_made(
    fault: Fault, at: int
) -> None:
    undisturbed = await _stage()
    name = await _fail(undisturbed)
    created = undisturbed.faults.writes.index("create albumreleases") + 1
    stage = await _stage()
    stage.faults.at, stage.faults.fault = created + at, fault
    await _end(stage)

    assert stage.ready(BAD) == ("False", "RolledBack")
    # The other stage's release has the same uid.
    assert _rollbacks(stage) == [name]
    assert [branch for branch, _ in stage.config.pushes[1:]] == [
        "release/backend_v1.2.0",
        "release/backend_v1.1.0",
    ]
    assert 'tag: "v1.1.0"' in _main(stage)


async def test_two_operators_make_one_rollback() -> None:
    stage = await _stage()
    other = stage.operator(Wakeups())
    stage.apply(BAD)
    memory = Memory()
    for _ in range(60):
        await _turn(stage, [BAD], merges=not _rollbacks(stage))
        await other.run_pass(Ref(NAMESPACE, BAD), memory, 0.0)
        if _rollbacks(stage):
            break
    await _until(stage, "RolledBack")

    assert len(_rollbacks(stage)) == 1
