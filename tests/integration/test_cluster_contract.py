"""The API server in memory answers as the real one does, asked through the same adapters."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes.aio import client, config

from album_operator.adapters.cluster import builds
from album_operator.adapters.cluster import cluster as cluster_module
from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.adapters.cluster.crashes import ClusterCrashes
from album_operator.adapters.cluster.refusals import ConflictError, NotFoundError
from album_operator.adapters.cluster.releases import ClusterReleases
from album_operator.domain import progress
from album_operator.domain.builds import PodTrouble
from album_operator.domain.errors import StaleError
from album_operator.domain.record import StepName
from album_operator.domain.release import Ref
from album_operator.render.job import EngineSettings, render_job
from tests.fakes.builders import NOW, RELEASE, RESOLVED, raw_release
from tests.fakes.cluster import FakeCluster, raw_secret
from tests.integration.apiserver import ApiServer

NAMESPACE = "album"
RELEASES = path_of("/apis/album.dev/v1alpha1", "albumreleases", NAMESPACE)
ENGINE = EngineSettings("album-operator:0.1.0", "kaniko:v1", "buildkit:v1")
JOBS = path_of("/apis/batch/v1", "jobs", NAMESPACE)
EVENTS = path_of("/api/v1", "events", NAMESPACE)
SECRETS = path_of("/api/v1", "secrets", NAMESPACE)
PODS = path_of("/api/v1", "pods", NAMESPACE)


@pytest.fixture(params=["in memory", "real"])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    if request.param == "in memory":
        yield FakeCluster()
        return
    server: ApiServer = request.getfixturevalue("crds_installed")
    server.create_namespace(NAMESPACE)
    for path in (RELEASES, SECRETS, JOBS, PODS):
        # Jobs would wait for a controller that orphans their Pods.
        server.request("DELETE", f"{path}?propagationPolicy=Background")
    settings = client.Configuration()
    await config.load_kube_config(str(server.kubeconfig), client_configuration=settings)
    real = Cluster(client.ApiClient(settings))
    yield real
    await real.close()


@pytest.fixture
def path() -> str:
    return f"{RELEASES}/backend-v1.1.0"


def _release() -> dict[str, Any]:
    raw = raw_release()
    raw["metadata"] = {"namespace": NAMESPACE, "name": "backend-v1.1.0"}
    return raw


def _releases(cluster: Cluster) -> ClusterReleases:
    return ClusterReleases(cluster, lambda: NOW)


async def test_what_does_not_exist_is_not_found(cluster: Cluster, path: str) -> None:
    with pytest.raises(NotFoundError):
        await cluster.get(path)
    with pytest.raises(NotFoundError):
        await cluster.merge(path, {"metadata": {"labels": {"a": "b"}}})
    assert await _releases(cluster).find_release(Ref(NAMESPACE, "backend-v1.1.0")) is None


async def test_what_exists_already_is_a_conflict(cluster: Cluster) -> None:
    await cluster.create(RELEASES, _release())
    with pytest.raises(ConflictError):
        await cluster.create(RELEASES, _release())


async def test_a_new_release_has_the_status_of_one_not_begun(cluster: Cluster, path: str) -> None:
    created = await cluster.create(RELEASES, _release())

    assert created["status"] == {"observedGeneration": -1}
    assert created["metadata"]["generation"] == 1
    assert (await cluster.get(path))["metadata"]["uid"] == created["metadata"]["uid"]


async def test_a_patch_of_what_changed_meanwhile_is_a_conflict(cluster: Cluster, path: str) -> None:
    created = await cluster.create(RELEASES, _release())
    await cluster.merge(path, {"metadata": {"labels": {"by": "somebody"}}})
    stale = {"resourceVersion": created["metadata"]["resourceVersion"], "labels": {"by": "us"}}
    with pytest.raises(ConflictError):
        await cluster.merge(path, {"metadata": stale})

    assert (await cluster.get(path))["metadata"]["labels"] == {"by": "somebody"}


async def test_a_merge_patch_adds_replaces_and_removes(cluster: Cluster) -> None:
    await cluster.create(SECRETS, raw_secret("s", a="1", b="2"))
    place = f"{SECRETS}/s"
    patched = await cluster.merge(place, {"data": {"a": None, "b": "Mw==", "c": "NA=="}})

    assert patched["data"] == {"b": "Mw==", "c": "NA=="}
    assert await cluster.get(place) == patched


async def test_only_the_very_object_that_was_seen_is_deleted(cluster: Cluster, path: str) -> None:
    created = await cluster.create(RELEASES, _release())
    changed = await cluster.merge(path, {"metadata": {"labels": {"by": "somebody"}}})
    before, now = (
        {key: raw["metadata"][key] for key in ("uid", "resourceVersion")}
        for raw in (created, changed)
    )
    for seen in (before, {**now, "uid": "uid-of-another"}):
        with pytest.raises(ConflictError):
            await cluster.delete(path, seen)
    await cluster.delete(path, now)

    with pytest.raises(NotFoundError):
        await cluster.delete(path, now)
    ref = Ref(NAMESPACE, "backend-v1.1.0")
    await _releases(cluster).delete(ref, now["uid"], now["resourceVersion"])


async def test_a_patch_that_is_only_tried_is_answered_and_not_kept(
    cluster: Cluster, path: str
) -> None:
    created = await cluster.create(RELEASES, _release())
    tried = await cluster.try_merge(path, {"metadata": {"labels": {"a": "b"}}})

    assert tried["metadata"]["labels"] == {"a": "b"}
    assert await cluster.get(path) == created
    with pytest.raises(NotFoundError):
        await cluster.try_merge(f"{path}-x", {"metadata": {"labels": {"a": "b"}}})


async def test_a_patch_that_changes_nothing_keeps_the_resource_version(
    cluster: Cluster, path: str
) -> None:
    created = await cluster.create(RELEASES, _release())
    spec = {"spec": created["spec"]}
    # The first patch may still change `managedFields`: a create is an operation of its own there.
    once = await cluster.merge(path, spec)

    assert await cluster.merge(path, spec) == once


async def test_only_a_change_of_the_spec_is_a_new_generation(cluster: Cluster, path: str) -> None:
    await cluster.create(RELEASES, _release())
    labelled = await cluster.merge(path, {"metadata": {"labels": {"a": "b"}}})
    assert labelled["metadata"]["generation"] == 1
    suspended = await cluster.merge(path, {"spec": {"suspend": True}})
    assert suspended["metadata"]["generation"] == 2


async def test_status_and_the_rest_are_written_apart(cluster: Cluster, path: str) -> None:
    await cluster.create(RELEASES, _release())
    both = {"metadata": {"labels": {"a": "b"}}, "status": {"attempt": 7}}
    by_status = await cluster.merge(f"{path}/status", both)
    assert by_status["status"]["attempt"] == 7
    assert "labels" not in by_status["metadata"]
    assert by_status["metadata"]["generation"] == 1
    both["status"] = {"attempt": 8}
    by_object = await cluster.merge(path, both)
    assert by_object["status"]["attempt"] == 7
    assert by_object["metadata"]["labels"] == {"a": "b"}


async def test_a_record_is_written_and_read_back(cluster: Cluster) -> None:
    await cluster.create(RELEASES, _release())
    releases = _releases(cluster)
    found = await releases.find_release(Ref(NAMESPACE, "backend-v1.1.0"))
    assert found is not None
    release, before = found
    after = progress.begin(before, StepName.IMAGE_READY, datetime(2026, 11, 20, 12, 0, 1, 7, UTC))
    written = await releases.write_record(release, before, after)

    assert written is not None
    assert written[1] == after
    assert await releases.find_release(release.ref) == written
    assert written[0].is_observed


async def test_a_record_written_over_a_newer_object_is_not_written(cluster: Cluster) -> None:
    await cluster.create(RELEASES, _release())
    releases = _releases(cluster)
    found = await releases.find_release(Ref(NAMESPACE, "backend-v1.1.0"))
    assert found is not None
    release, before = found
    marked = await releases.mark(release, {"album.dev/app": "backend"})
    after = progress.begin(before, StepName.IMAGE_READY, NOW)

    assert marked is not None
    assert marked.marks == {"album.dev/app": "backend"}
    assert await releases.write_record(release, before, after) is None
    assert await releases.mark(release, {"album.dev/app": "x"}) is None
    assert await releases.find_release(release.ref) == (marked, before)


async def test_a_finalizer_put_on_meanwhile_is_no_reason_to_look_again(
    cluster: Cluster, path: str
) -> None:
    await cluster.create(RELEASES, _release())
    releases = _releases(cluster)
    found = await releases.find_release(Ref(NAMESPACE, "backend-v1.1.0"))
    assert found is not None
    finalizers = ["album.dev/in-flight"]
    await cluster.merge(path, {"metadata": {"finalizers": finalizers}})
    after = progress.begin(found[1], StepName.IMAGE_READY, NOW)
    written = await releases.write_record(*found, after)
    assert written is not None
    assert written[1] == after
    await cluster.merge(path, {"metadata": {"finalizers": []}})
    marked = await releases.mark(written[0], {"album.dev/app": "backend"})
    assert marked is not None
    assert marked.marks == {"album.dev/app": "backend"}
    await cluster.merge(path, {"spec": {"suspend": True}})
    assert await releases.mark(marked, {"album.dev/app": "x"}) is None


async def test_what_is_gone_from_a_record_is_gone_from_the_status(cluster: Cluster) -> None:
    await cluster.create(RELEASES, _release())
    releases = _releases(cluster)
    found = await releases.find_release(Ref(NAMESPACE, "backend-v1.1.0"))
    assert found is not None
    release, before = found
    retried = replace(before, last_handled_retry="1", message="At work.")
    first = await releases.write_record(release, before, retried)
    assert first is not None
    second = await releases.write_record(
        *first, replace(first[1], last_handled_retry=None, message="")
    )
    assert second is not None

    assert second[1].last_handled_retry is None
    assert "lastHandledRetry" not in second[0].status


async def test_an_event_is_taken(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    await cluster.create(RELEASES, _release())
    releases = _releases(cluster)
    found = await releases.find_release(Ref(NAMESPACE, "backend-v1.1.0"))
    assert found is not None
    for _ in range(2):
        await releases.post_event(found[0], "Normal", "Building", "A sentence." * 200)

    assert "is lost" not in caplog.text


async def test_events_are_in_the_order_in_which_they_were_posted_also_within_a_second(
    cluster: Cluster,
) -> None:
    created = await cluster.create(RELEASES, _release())
    seconds = iter([0, 0, 0, 0, 0.5, 1, 1, 11, 11])
    releases = ClusterReleases(cluster, lambda: NOW + timedelta(seconds=next(seconds)))
    found = await releases.find_release(Ref(NAMESPACE, "backend-v1.1.0"))
    assert found is not None
    reasons = [f"Reason{letter}" for letter in "GBHACEDF"]
    for reason in reasons:
        await releases.post_event(found[0], "Normal", reason, "A sentence.")

    listed = (await cluster.get(EVENTS))["items"]
    ours = [
        event for event in listed if event["involvedObject"]["uid"] == created["metadata"]["uid"]
    ]
    # As `kubectl describe` sorts what the server lists by name.
    ours.sort(key=lambda event: event["metadata"]["name"])
    ours.sort(key=lambda event: event["lastTimestamp"][:19])
    assert [event["reason"] for event in ours] == reasons
    assert all(event["eventTime"] and event["reportingComponent"] for event in ours)


def _job(name: str, number: int) -> dict[str, Any]:
    # An image each: of one image no two builds run at once.
    build = replace(RESOLVED.build, image=f"ghcr.io/owner/album-app-backend:v{number}")
    job = render_job(RELEASE, replace(RESOLVED, build=build), number, ENGINE)
    job["metadata"]["name"] = name
    return job


async def _end(cluster: Cluster, name: str, kind: str) -> None:
    """End a Job as its controller does, in the two writes the API server asks for."""
    now = "2026-11-20T12:00:00Z"
    about = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[kind]
    told = {"status": "True", "reason": "Test", "lastTransitionTime": now}
    conditions: list[dict[str, str]] = []
    for each in (about, kind):
        conditions.append({"type": each, **told})
        status: dict[str, Any] = {"startTime": now, "conditions": list(conditions)}
        if kind == "Complete":
            status |= {"succeeded": 1}
            status |= {"completionTime": now} if each == kind else {}
        else:
            status |= {"failed": 1}
        await cluster.merge(f"{JOBS}/{name}/status", {"status": status})


@pytest.mark.parametrize("page", [1, 20])
async def test_jobs_that_run_are_listed_and_those_that_ended_are_not(
    cluster: Cluster, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "PAGE", page)
    for number, name in enumerate(("runs", "succeeded", "failed", "of-nobody"), 1):
        job = _job(name, number)
        if name == "of-nobody":
            del job["metadata"]["ownerReferences"]
        await cluster.create(JOBS, job)
    await _end(cluster, "succeeded", "Complete")
    await _end(cluster, "failed", "Failed")
    adapter = builds.ClusterBuilds(cluster, lambda: NOW)

    assert [build.release for build in await adapter.list_running(NAMESPACE)] == [RELEASE.ref.name]
    with pytest.raises(StaleError):
        await adapter.submit(_job("one-too-many", 5), 1, bool)
    await adapter.submit(_job("second", 6), 2, bool)
    assert len(await adapter.list_running(NAMESPACE)) == 2


@pytest.mark.parametrize("page", [1, 20])
async def test_all_jobs_of_a_release_are_deleted_and_no_others(
    cluster: Cluster, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "PAGE", page)
    others = {"of-nobody": None, "of-an-earlier-one": "another-uid"}
    for number, name in enumerate(("runs", "failed", *others), 1):
        job = _job(name, number)
        if name == "of-nobody":
            del job["metadata"]["ownerReferences"]
        elif name in others:
            job["metadata"]["ownerReferences"][0]["uid"] = others[name]
        await cluster.create(JOBS, job)
    await _end(cluster, "failed", "Failed")
    adapter = builds.ClusterBuilds(cluster, lambda: NOW)
    for _ in range(2):
        await adapter.stop(RELEASE)

    left = {job["metadata"]["name"] async for job in cluster.list_all(JOBS)}
    assert left == set(others)


async def test_of_events_those_of_one_object_and_reason_are_listed(cluster: Cluster) -> None:
    events = path_of("/api/v1", "events", NAMESPACE)
    for number, (uid, reason) in enumerate(
        [("one", "FailedCreate"), ("one", "SuccessfulCreate"), ("another", "FailedCreate")]
    ):
        metadata = {"namespace": NAMESPACE, "name": f"contract-{uid}-{reason.lower()}"}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": metadata,
            "involvedObject": {"kind": "Job", "namespace": NAMESPACE, "name": "b", "uid": uid},
            "reason": reason,
            "message": f"number {number}",
            "type": "Warning",
        }
        with suppress(ConflictError):
            await cluster.create(events, event)

    async def list_events(selector: str) -> list[str]:
        page = await cluster.get(events, fieldSelector=selector, limit="20")
        return sorted(item["message"] for item in page["items"])

    assert await list_events("involvedObject.uid=one") == ["number 0", "number 1"]
    assert await list_events("involvedObject.uid=one,reason=FailedCreate") == ["number 0"]
    assert await list_events("involvedObject.uid=nobody") == []


@pytest.mark.parametrize("policy", ["File", "FallbackToLogsOnError"])
async def test_a_container_that_crashes_is_found_with_its_own_words_alone(
    cluster: Cluster, policy: str
) -> None:
    name = f"crashes-{policy.lower()}"
    image = "ghcr.io/acme/shop:v1"
    container = {"name": "shop", "image": image, "terminationMessagePolicy": policy}
    account = {"kind": "ServiceAccount", "metadata": {"name": "default"}}
    with suppress(ConflictError):
        # No Pod is made without it, and the controller that makes it does not run.
        await cluster.create(path_of("/api/v1", "serviceaccounts", NAMESPACE), account)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": NAMESPACE, "name": name}}
    spec = {"automountServiceAccountToken": False, "containers": [container]}
    await cluster.create(PODS, {**pod, "spec": spec})
    ended = {"exitCode": 1, "reason": "Error", "message": "no database"}
    status = {
        "name": "shop",
        "image": image,
        "imageID": "",
        "ready": False,
        "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": ended},
    }
    await cluster.merge(f"{PODS}/{name}/status", {"status": {"containerStatuses": [status]}})
    crashes = ClusterCrashes(cluster)

    assert await crashes.may_look(NAMESPACE)
    found = await crashes.find(NAMESPACE, lambda runs: runs == image)
    said = "no database" if policy == "File" else ""
    assert found == PodTrouble(name, "shop", "CrashLoopBackOff", said, 1)
    assert await crashes.find(NAMESPACE, lambda _: False) is None
