"""Raw objects of the cluster as the operator reads them: Jobs, Pods, Applications, Secrets."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.adapters.cluster.applications import parse_application
from album_operator.adapters.cluster.cluster import parse_time, path_of
from album_operator.adapters.cluster.refusals import Right
from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.domain.applications import ApplicationSource, Hydration, ResourceSeen
from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason
from album_operator.domain.registry_access import RegistryAccess
from album_operator.domain.release import Ref
from tests.fakes.builders import CONFIG, raw_application
from tests.fakes.cluster import (
    FakeCluster,
    raw_registry_secret,
    raw_secret,
)

GIT = Ref("album", "album-git")


def test_an_application_just_created_is_read() -> None:
    raw = raw_application()
    del raw["metadata"]["annotations"]
    seen = parse_application(raw)

    assert (seen.namespace, seen.name) == ("argocd", "album-app-backend")
    assert seen.sources == (ApplicationSource(f"{CONFIG}.git", "backend", "HEAD", None),)
    assert seen.consents == frozenset()
    assert seen.operation is None
    assert (seen.sync_status, seen.health, seen.images) == ("", "", ())


def test_consent_is_a_list_by_commas() -> None:
    raw = raw_application()
    raw["metadata"]["annotations"]["album.dev/authorized-pipeline"] = " album/a , team/b,,"

    assert parse_application(raw).consents == {"album/a", "team/b"}


def test_everything_a_release_looks_at_is_read() -> None:
    raw = raw_application(syncPolicy={"automated": {}})
    raw["metadata"]["annotations"] |= {
        "argocd.argoproj.io/refresh": "normal",
        "album.dev/previous-sync-policy": "null",
    }
    raw["operation"] = {"sync": {}}
    raw["status"] = {
        "sync": {"status": "Synced", "revision": "a" * 40},
        "health": {"status": "Healthy", "lastTransitionTime": "2026-11-20T12:00:00Z"},
        "summary": {"images": ["x:1", "y:2"]},
        "reconciledAt": "2026-11-20T12:01:00Z",
        "conditions": [
            {"type": "ComparisonError", "message": "no"},
            {"type": "SharedResourceWarning", "message": "hm"},
        ],
        "operationState": {
            "phase": "Succeeded",
            "message": "done",
            "finishedAt": "2026-11-20T12:02:00Z",
            "syncResult": {"revision": "b" * 40},
        },
    }
    seen = parse_application(raw)

    assert seen.sources[0].revision == "a" * 40
    assert (seen.sync_status, seen.health) == ("Synced", "Healthy")
    assert seen.health_since == parse_time("2026-11-20T12:00:00Z")
    assert seen.reconciled_at == parse_time("2026-11-20T12:01:00Z")
    assert seen.images == ("x:1", "y:2")
    assert seen.refresh_requested
    assert seen.operation_requested
    assert seen.previous_policy == "null"
    assert seen.sync_policy == {"automated": {}}
    assert seen.conditions == {"ComparisonError": "no"}
    assert seen.operation is not None
    assert (seen.operation.phase, seen.operation.revisions) == ("Succeeded", ("b" * 40,))


@pytest.mark.parametrize(
    ("state", "revisions"),
    [
        ({"phase": "Running", "operation": {"sync": {"revision": "a"}}}, ("a",)),
        ({"phase": "Running", "operation": {"sync": {"revisions": ["a", "b"]}}}, ("a", "b")),
        ({"phase": "Succeeded", "syncResult": {"revisions": ["a", "b"]}}, ("a", "b")),
        ({"phase": "Error", "message": None}, ()),
    ],
)
def test_an_operation_names_its_revisions_in_several_ways(
    state: dict[str, Any], revisions: tuple[str, ...]
) -> None:
    raw = raw_application()
    raw["status"] = {"operationState": state}
    operation = parse_application(raw).operation

    assert operation is not None
    assert operation.revisions == revisions


def test_what_of_an_application_is_not_as_it_is_to_be_is_named() -> None:
    raw = raw_application(project="shop")
    workload = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "backend"}
    ill = {"status": "Degraded", "message": "exceeded its deadline"}
    raw["status"] = {
        "health": {"status": "Degraded", "message": "apps/Deployment:shop/backend"},
        "resources": [
            {**workload, "status": "Synced", "health": ill},
            {**workload, "name": "fine", "status": "Synced", "health": {"status": "Healthy"}},
            {"kind": "Namespace", "name": "shop", "status": "OutOfSync", "requiresPruning": True},
            {**workload, "name": "unsaid", "status": "Synced"},
        ],
    }
    seen = parse_application(raw)

    assert (seen.project, seen.health_message) == ("shop", "apps/Deployment:shop/backend")
    assert seen.resources == (
        ResourceSeen(
            "apps/Deployment shop/backend",
            "Synced",
            health="Degraded",
            message="exceeded its deadline",
        ),
        ResourceSeen("Namespace shop", "OutOfSync", requires_pruning=True),
    )


def test_what_a_sync_could_not_do_is_named() -> None:
    raw = raw_application()
    job = {"group": "batch", "kind": "Job", "namespace": "shop", "name": "migrate"}
    raw["status"] = {
        "operationState": {
            "phase": "Running",
            "retryCount": 2,
            "operation": {"sync": {"autoHealAttemptsCount": 3}},
            "syncResult": {
                "resources": [
                    {**job, "hookType": "PreSync", "hookPhase": "Failed", "message": "limit."},
                    {"kind": "Service", "name": "a", "status": "SyncFailed", "message": "no"},
                    {"kind": "Service", "name": "b", "status": "Synced", "message": "ok"},
                ]
            },
        }
    }
    operation = parse_application(raw).operation

    assert operation is not None
    assert (operation.retries, operation.self_heals) == (2, 3)
    assert operation.failures == (
        "batch/Job shop/migrate, a PreSync hook: limit",
        "Service a: no",
    )


CHART = {"repoURL": "https://charts.example.org", "chart": "x", "targetRevision": "1.2.3"}
OURS = {**CHART, "helm": {"valuesObject": {"image": {"tag": "v1"}, "on": False}}}


@pytest.mark.parametrize(
    ("spec", "other", "is_of_spec"),
    [
        ({"source": OURS}, {"source": OURS}, True),
        ({"source": {**OURS, "directory": {}, "path": ""}}, {"source": OURS}, True),
        ({"source": {**CHART, "helm": {"parameters": []}}}, {"source": CHART}, True),
        ({"source": OURS}, {"source": CHART}, False),
        ({"source": OURS}, {"source": {**CHART, "helm": {"valuesObject": {}}}}, False),
        ({"sources": [OURS, CHART]}, {"source": {"repoURL": ""}, "sources": [OURS, CHART]}, True),
        ({"sources": [OURS, CHART]}, {"sources": [CHART, OURS]}, False),
        ({"source": OURS}, {}, False),
    ],
)
def test_what_was_compared_or_synced_is_told_from_what_the_spec_has_now(
    spec: dict[str, Any], other: dict[str, Any], *, is_of_spec: bool
) -> None:
    raw = raw_application()
    del raw["spec"]["source"]
    raw["spec"] |= spec
    sync = {"status": "Synced", "comparedTo": {**other, "destination": {}} if other else None}
    raw["status"] = {"sync": sync, "operationState": {"phase": "Failed", "syncResult": other}}
    seen = parse_application(raw)

    assert seen.operation is not None
    assert (seen.is_of_spec, seen.operation.is_of_spec) == (is_of_spec, is_of_spec)


def test_the_applications_that_one_renders_are_read_with_their_sync_status() -> None:
    child = {"group": "argoproj.io", "kind": "Application", "namespace": "argocd", "name": "a"}
    other = {"kind": "ConfigMap", "namespace": "argocd", "name": "b", "status": "Synced"}
    raw = raw_application()
    raw["status"] = {"resources": [{**child, "status": "OutOfSync"}, other, {**child, "name": "c"}]}

    assert parse_application(raw).renders == {
        Ref("argocd", "a"): "OutOfSync",
        Ref("argocd", "c"): "",
    }


def test_what_an_application_set_has_to_do_with_an_application_is_read() -> None:
    raw = raw_application()
    raw["metadata"]["ownerReferences"] = [
        {"kind": "Other", "name": "x"},
        {"kind": "ApplicationSet", "name": "shops"},
    ]
    made = {"group": "argoproj.io", "kind": "ApplicationSet", "namespace": "argocd", "name": "b"}
    raw["status"] = {"resources": [{**made, "status": "Synced"}]}
    seen = parse_application(raw)

    assert seen.made_by == Ref("argocd", "shops")
    assert (seen.renders, seen.renders_sets) == ({}, {Ref("argocd", "b"): "Synced"})
    assert parse_application(raw_application()).made_by is None


@pytest.mark.parametrize(
    ("source", "status", "tool"),
    [
        ({}, {}, ""),
        ({}, {"sourceType": "Kustomize"}, "Kustomize"),
        ({"directory": {"recurse": True, "x": 1}}, {"sourceType": "Helm"}, "Directory"),
        ({"plugin": {"name": "cue"}}, {}, "Plugin"),
        # More than one is an error to Argo CD, and tells nothing.
        ({"helm": {}, "kustomize": {"components": ["../tag"]}}, {}, ""),
    ],
)
def test_what_renders_a_source_is_read(
    source: dict[str, Any], status: dict[str, Any], tool: str
) -> None:
    raw = raw_application(source={"repoURL": CONFIG, "path": "backend", **source})
    raw["status"] = status
    (seen,) = parse_application(raw).sources

    assert seen.tool == tool
    assert seen.directory == ({"recurse": True} if "directory" in source else {})
    assert seen.kustomize == source.get("kustomize", {})


def test_what_the_owner_says_of_paths_and_a_deletion_are_read() -> None:
    raw = raw_application()
    assert parse_application(raw).generate_paths == ()
    assert not parse_application(raw).is_deleted

    raw["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"] = " .;/envs ; "
    raw["metadata"]["deletionTimestamp"] = "2026-11-20T12:00:00Z"
    assert parse_application(raw).generate_paths == (".", "/envs")
    assert parse_application(raw).is_deleted


DRY = {"repoURL": CONFIG, "path": "backend", "targetRevision": "HEAD", "helm": {"values": "a: 1"}}
HYDRATOR: dict[str, Any] = {
    "drySource": DRY,
    "syncSource": {"targetBranch": "environments/prod", "path": "b"},
}


def _hydrated(revision: str, **more: object) -> dict[str, Any]:
    """Give an Application as Argo CD 3.6.1 shows it after a hydration (seen on the testbed)."""
    raw = raw_application(sourceHydrator=HYDRATOR | more)
    synced = {"repoURL": CONFIG, "path": "b", "targetRevision": "environments/prod"}
    done = {"drySHA": "d" * 40, "hydratedSHA": "e" * 40, "sourceHydrator": HYDRATOR}
    raw["status"] = {
        "sourceType": "Directory",
        "sync": {"revision": revision, "comparedTo": {"source": synced}},
        "operationState": {
            "phase": "Failed", "syncResult": {"revision": "e" * 40, "source": synced},
        },
        "sourceHydrator": {
            "lastSuccessfulOperation": done,
            "currentOperation": {**done, "phase": "Hydrated", "message": ""},
        },
    }  # fmt: skip
    return raw


def test_a_hydrated_application_has_the_dry_source_at_the_dry_commit() -> None:
    seen = parse_application(_hydrated("e" * 40))

    (source,) = seen.sources
    assert (source.repository, source.revision, source.tool) == (CONFIG, "d" * 40, "Helm")
    assert source.place == "spec.sourceHydrator.drySource"
    assert seen.hydration == Hydration(CONFIG, "environments/prod", "b", "e" * 40)
    assert seen.is_of_spec
    assert seen.operation is not None
    assert (seen.operation.revisions, seen.operation.is_of_spec) == (("d" * 40,), True)


def test_manifests_that_others_moved_there_are_of_no_known_dry_commit() -> None:
    repository = "https://git.example.org/owner/hydrated"
    sync = {**HYDRATOR["syncSource"], "repoURL": repository}
    raw = _hydrated("c" * 40, hydrateTo={"targetBranch": "next"}, syncSource=sync)
    failed = {"phase": "Failed", "message": "no chart"}
    raw["status"]["sourceHydrator"]["currentOperation"] = failed
    seen = parse_application(raw)

    assert seen.sources[0].revision is None
    assert seen.hydration == Hydration(
        repository, "environments/prod", "b", "c" * 40, staged_on="next", failure="no chart"
    )
    assert not seen.is_of_spec
    assert parse_application(raw_application()).hydration is None


def test_manifests_whose_commit_is_not_told_are_of_no_known_dry_commit() -> None:
    raw = _hydrated("")
    del raw["status"]["sourceHydrator"]["lastSuccessfulOperation"]["hydratedSHA"]
    assert parse_application(raw).sources[0].revision is None


def test_a_branch_in_place_of_the_hydrated_commit_is_none_that_git_is_asked_for() -> None:
    # Seen on the testbed: it could not be compared, for its branch was being made.
    seen = parse_application(_hydrated("environments/prod"))
    assert seen.hydration is not None
    assert (seen.hydration.revision, seen.sources[0].revision) == (None, None)


def test_several_sources_are_paired_with_their_revisions() -> None:
    raw = raw_application()
    del raw["spec"]["source"]
    raw["spec"]["sources"] = [
        {
            "repoURL": "https://charts.example.org",
            "chart": "x",
            "targetRevision": "1.2.3",
            "helm": {"releaseName": "x", "valueFiles": ["$values/backend/values.yaml"]},
        },
        {"repoURL": CONFIG, "ref": "values"},
    ]
    raw["status"] = {"sync": {"revisions": ["1.2.3", "a" * 40]}}

    assert parse_application(raw).sources == (
        ApplicationSource(
            "https://charts.example.org",
            "",
            "1.2.3",
            "1.2.3",
            place="spec.sources[0]",
            helm={"valueFiles": ["$values/backend/values.yaml"]},
            tool="Helm",
        ),
        ApplicationSource(CONFIG, "", "", "a" * 40, place="spec.sources[1]", ref="values"),
    )
    del raw["status"]
    assert [source.revision for source in parse_application(raw).sources] == [None, None]


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


async def test_a_credential_is_read_by_its_keys(cluster: FakeCluster) -> None:
    secrets = ClusterSecrets(cluster)
    assert await secrets.find_credential(GIT) is None
    cluster.apply(raw_secret("album-git", url="git.example.org\n", token=" t0ken\n"))
    credential = await secrets.find_credential(GIT)

    assert credential is not None
    assert (credential.url, credential.token) == ("git.example.org", "t0ken")
    assert credential.username == "x-access-token"
    cluster.apply(raw_secret("album-git", url="x", token="y", username="bot"))
    named = await secrets.find_credential(GIT)
    assert named is not None
    assert named.username == "bot"


async def test_a_private_key_is_read_alone_and_beside_a_token(cluster: FakeCluster) -> None:
    secrets = ClusterSecrets(cluster)
    keys = {"url": "ssh://git@h", "identity": "-----BEGIN\nx\n", "known_hosts": "h ssh-rsa k\n"}
    cluster.apply(raw_secret("album-git", **keys))
    credential = await secrets.find_credential(GIT)
    assert credential is not None
    assert (credential.identity, credential.known_hosts) == ("-----BEGIN\nx", "h ssh-rsa k")
    assert credential.token == ""

    cluster.apply(raw_secret("album-git", **keys, token="t0ken"))
    both = await secrets.find_credential(GIT)
    assert both == replace(credential, token="t0ken")


async def test_a_private_key_without_known_hosts_is_not_taken(cluster: FakeCluster) -> None:
    cluster.apply(raw_secret("album-git", url="git.example.org", token="t", identity="s3cret"))
    with pytest.raises(TerminalError) as caught:
        await ClusterSecrets(cluster).find_credential(GIT)

    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert "`known_hosts`" in caught.value.sentence
    assert "ssh-keyscan" in caught.value.sentence
    assert "s3cret" not in caught.value.sentence


@pytest.mark.parametrize("key", ["url", "token"])
async def test_a_missing_key_is_named_and_nothing_of_the_rest_is_shown(
    cluster: FakeCluster, key: str
) -> None:
    keys = {"url": "https://git.example.org", "token": "t0ken"}
    del keys[key]
    cluster.apply(raw_secret("album-git", **keys))
    with pytest.raises(TerminalError) as caught:
        await ClusterSecrets(cluster).find_credential(GIT)

    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert f"`{key}`" in caught.value.sentence
    assert "t0ken" not in caught.value.sentence


@pytest.mark.parametrize("data", ["not base64!", "/w=="])
async def test_a_key_that_is_no_text_is_named(cluster: FakeCluster, data: str) -> None:
    raw = raw_secret("album-git", url="https://git.example.org")
    raw["data"]["token"] = data
    cluster.apply(raw)
    with pytest.raises(TerminalError) as caught:
        await ClusterSecrets(cluster).find_credential(GIT)

    assert "`token`" in caught.value.sentence
    assert caught.value.__cause__ is None


async def test_the_hosts_of_a_registry_secret_are_given(cluster: FakeCluster) -> None:
    secrets, ref = ClusterSecrets(cluster), Ref("album", "album-registry")
    assert await secrets.find_registry_access(ref) is None
    cluster.apply(
        raw_registry_secret("album-registry", "ghcr.io", "https://index.docker.io/v1/", "r:5000")
    )

    assert await secrets.find_registry_access(ref) == RegistryAccess(
        frozenset({"ghcr.io", "index.docker.io", "r:5000"})
    )


@pytest.mark.parametrize(
    "text", ["", "s3cret", "[]", "{}", '{"auths": 7}', '{"auths": null}', "[" * 100_000]
)
async def test_a_registry_secret_without_entries_is_refused_without_showing_it(
    cluster: FakeCluster, text: str
) -> None:
    cluster.apply(raw_secret("album-registry", **{".dockerconfigjson": text}))
    with pytest.raises(TerminalError) as caught:
        await ClusterSecrets(cluster).find_registry_access(Ref("album", "album-registry"))

    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert "s3cret" not in caught.value.sentence


def test_a_time_nobody_can_read_is_none() -> None:
    assert parse_time("0000-01-01T00:00:00Z") is None
    assert parse_time("soon") is None
    assert parse_time(None) is None


def test_a_path_cannot_be_left_by_a_name() -> None:
    path = path_of("/api/v1", "secrets", "album", "../../x", "status")

    assert path == "/api/v1/namespaces/album/secrets/..%2F..%2Fx/status"


async def test_a_right_is_asked_for_with_its_subresource(cluster: FakeCluster) -> None:
    answer: dict[str, Any] = {}

    async def create(path: str, body: Any) -> dict[str, Any]:  # noqa: ANN401 - raw JSON
        answer.update(path=path, asked=body["spec"]["resourceAttributes"])
        return {"status": {"allowed": True}}

    cluster.create = create  # type: ignore[method-assign]

    assert await cluster.is_allowed(Right("album", "patch", "album.dev", "albumreleases/status"))
    assert answer["asked"] == {
        "namespace": "album",
        "verb": "patch",
        "group": "album.dev",
        "resource": "albumreleases",
        "subresource": "status",
    }
