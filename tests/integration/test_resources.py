"""What users see of the two kinds: defaults, status, columns, names, explanations."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from album_operator.api.pipeline import AlbumPipeline
from album_operator.api.release import AlbumRelease
from album_operator.codec import parse_pipeline, parse_pipeline_status, render_pipeline_status
from album_operator.domain.pipeline_record import AppRecord, InFlight, PipelineRecord
from album_operator.domain.reasons import Reason
from tests.integration.apiserver import Answer, ApiServer
from tests.integration.objects import Raw, changed, collection, pipeline, release

CRDS = Path(__file__).parents[2] / "crds"
NAMESPACE = "resources"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)

STATUS: Raw = {
    "observedGeneration": 1,
    "app": "backend",
    "version": "v1.1.0",
    "image": {
        "reference": "ghcr.io/owner/album-app-backend:v1.1.0",
        "digest": "sha256:" + "0" * 64,
        "revision": COMMIT,
    },
    "pullRequest": {
        "number": 7,
        "url": "https://git.example.org/owner/album-app-config/pulls/7",
        "state": "Open",
        "headSHA": COMMIT,
    },
    "attempts": [
        {
            "number": 1,
            "step": "Preflight",
            "reason": "CredentialsMissing",
            "message": "Secret album/album-git does not exist.",
            "finishedAt": "2026-11-23T19:00:00.123456Z",
        }
    ],
    "misses": [{"reason": "CredentialsMissing", "message": "It is gone.", "remedy": "Make it"}],
    "applications": [{"namespace": "argocd", "name": "album-app-backend", "revision": COMMIT}],
    "steps": [
        {
            "name": "ImageReady",
            "state": "Succeeded",
            "reason": "Succeeded",
            "message": "",
            "startedAt": "2026-11-23T20:00:00.123456Z",
            "overhead": "0.012345",
        }
    ],
    "conditions": [
        {
            "type": "Reconciling",
            "status": "True",
            "reason": "AwaitingMerge",
            "message": "Something else.",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-23T20:00:00.123456Z",
        },
        {
            "type": "Ready",
            "status": "Unknown",
            "reason": "AwaitingMerge",
            "message": "Pull request 7 waits for a merge.",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-23T20:00:00.123456Z",
        },
    ],
}


@pytest.fixture(scope="module")
def server(crds_installed: ApiServer) -> ApiServer:
    crds_installed.create_namespace(NAMESPACE)
    return crds_installed


def _create(server: ApiServer, raw: Raw) -> Raw:
    answer = server.request("POST", collection(raw, NAMESPACE), raw)
    assert answer.status == 201, answer.message
    body: Raw = answer.body
    return body


def _write_status(server: ApiServer, raw: Raw, status: Raw) -> Answer:
    path = f"{collection(raw, NAMESPACE)}/{raw['metadata']['name']}/status"
    return server.request("PATCH", f"{path}?fieldValidation=Strict", {"status": status})


@pytest.mark.parametrize("path", sorted(CRDS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_api_server_accepts_the_crd_as_it_is(api_server: ApiServer, path: Path) -> None:
    said = api_server.run_kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(path))

    assert said.endswith("(server dry run)")
    assert "Warning" not in said


def test_the_crds_have_no_condition_that_tells_of_a_mistake(server: ApiServer) -> None:
    for path in CRDS.glob("*.yaml"):
        name = yaml.safe_load(path.read_text())["metadata"]["name"]
        crd = server.request(
            "GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
        )
        conditions = {c["type"]: c["status"] for c in crd.body["status"]["conditions"]}

        assert conditions.get("Established") == "True"
        assert conditions.get("NamesAccepted") == "True"
        assert "NonStructuralSchema" not in conditions


def test_two_lines_of_a_pipeline_get_all_constant_defaults(server: ApiServer) -> None:
    spec = _create(server, pipeline("defaulted"))["spec"]

    assert spec == {
        "source": {
            "repository": "https://git.example.org/owner/album-app",
            "secretRef": {"name": "album-git"},
        },
        "build": {
            "type": "Kaniko",
            "image": {"registry": "ghcr.io", "insecure": False},
            "timeout": "30m",
            "versionArg": "VERSION",
            "pushSecretRef": {"name": "album-registry"},
            "failureLog": False,
            "existingImage": "Refuse",
            "proof": "Registry",
        },
        "config": {
            "secretRef": {"name": "album-git"},
            "delivery": "PullRequest",
            "forge": {},
            "author": {"name": "Album Release Operator", "email": "album-operator@album.invalid"},
        },
        "argocd": {
            "namespace": "argocd",
            "sync": "Automated",
            "olderImages": "Refuse",
            "notice": False,
            "syncPolicy": {"selfHeal": True, "applyOutOfSyncOnly": True},
            "settle": "60s",
            "timeout": "15m",
        },
        "apps": [{"name": "backend", "hold": False}, {"name": "frontend", "hold": False}],
        "versioning": "SemVer",
    }


def test_the_models_have_the_same_defaults_as_the_api_server(server: ApiServer) -> None:
    edits = [{"path": "values.yaml", "key": "image.tag"}]
    for raw in (changed(pipeline("parsed"), "spec.apps[0].edits", edits), release("parsed")):
        model = AlbumPipeline if raw["kind"] == "AlbumPipeline" else AlbumRelease
        ours, theirs = model.parse(raw), model.parse(_create(server, raw))

        assert ours.spec == theirs.spec


def test_a_status_comes_back_as_it_was_written(server: ApiServer) -> None:
    created = _create(server, release("round-trip"))
    written = AlbumRelease.parse({**created, "status": STATUS}).status

    answer = _write_status(server, created, written.render())

    assert AlbumRelease.parse(answer.body).status == written
    assert answer.body["status"] == STATUS


def test_a_sync_policy_that_is_written_gets_only_what_is_written(server: ApiServer) -> None:
    raw = changed(pipeline("pruning"), "spec.argocd.syncPolicy.prune", False)

    assert _create(server, raw)["spec"]["argocd"]["syncPolicy"] == {"prune": False}


def test_an_edit_writes_the_tag_by_default(server: ApiServer) -> None:
    edits = [{"path": "values.yaml", "key": "image.tag"}]
    raw = changed(pipeline("editing"), "spec.apps[0].edits", edits)

    assert _create(server, raw)["spec"]["apps"][0]["edits"] == [
        {**edits[0], "value": "Tag", "format": "YAML", "create": False, "anchors": "Refuse"}
    ]


def test_a_new_release_has_a_status_that_says_nobody_looked_yet(server: ApiServer) -> None:
    created = _create(server, release("new"))

    assert created["status"] == {"observedGeneration": -1}
    assert created["spec"]["suspend"] is False
    assert created["spec"]["allowDowngrade"] is False


def test_a_status_written_by_a_user_is_dropped(server: ApiServer) -> None:
    created = _create(server, {**release("boasting"), "status": STATUS})

    assert created["status"] == {"observedGeneration": -1}


def test_the_status_is_a_subresource(server: ApiServer) -> None:
    created = _create(server, release("with-status"))

    answer = _write_status(server, created, STATUS)

    assert answer.status == 200, answer.message
    assert answer.body["status"] == STATUS
    assert answer.body["metadata"]["generation"] == created["metadata"]["generation"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("image.digest", "sha256:short"),
        ("image.revision", "main"),
        ("pullRequest.state", "Locked"),
        ("pullRequest.headSHA", COMMIT.upper()),
        ("conditions[0].status", "Perhaps"),
        ("conditions[0].message", "x" * 1025),
        ("conditions[0].lastTransitionTime", "yesterday"),
        ("steps[0].overhead", "fast"),
        ("steps[0].state", "Skipped"),
        ("conditions[0].type", "Ready"),
    ],
)
def test_a_status_that_is_not_of_its_form_is_refused(
    server: ApiServer, path: str, value: str
) -> None:
    name = re.sub(r"[^a-z0-9]+", "-", f"{path} is {value:.20}".lower())
    created = _create(server, release(name))

    answer = _write_status(
        server, created, changed({"status": STATUS}, f"status.{path}", value)["status"]
    )

    assert answer.status == 422
    assert f"status.{path.split('[')[0]}" in answer.message


def test_get_prints_the_columns_people_look_for(server: ApiServer) -> None:
    created = _create(server, release("printed"))
    _write_status(server, created, STATUS)

    path = f"{collection(created, NAMESPACE)}/printed"
    table = server.request("GET", path, headers=TABLE).body
    columns = table["columnDefinitions"]

    assert [c["name"] for c in columns if c["priority"] == 0] == [
        "Name",
        *("APP", "VERSION", "STATUS", "PR", "READY", "AGE"),
    ]
    assert [c["name"] for c in columns if c["priority"] == 1] == [
        *("IMAGE", "REVISION", "URL", "MESSAGE")
    ]
    row = dict(zip((c["name"] for c in columns), table["rows"][0]["cells"], strict=True))
    del row["AGE"]
    assert row == {
        "Name": "printed",
        "APP": "backend",
        "VERSION": "v1.1.0",
        "STATUS": "AwaitingMerge",
        "PR": 7,
        "READY": "Unknown",
        "IMAGE": "ghcr.io/owner/album-app-backend:v1.1.0",
        "REVISION": COMMIT,
        "URL": "https://git.example.org/owner/album-app-config/pulls/7",
        "MESSAGE": "Pull request 7 waits for a merge.",
    }


def test_a_pipeline_prints_whether_it_is_ready_and_what_is_in_flight(server: ApiServer) -> None:
    created = _create(server, pipeline("printed"))
    record = PipelineRecord(
        (AppRecord("backend", in_flight=InFlight("r", None, None, Reason.PENDING, NOW, 1)),),
        message="All is there.",
        is_ready=True,
        observed_generation=1,
    )
    status = render_pipeline_status(parse_pipeline(created), record, NOW)
    written = _write_status(server, created, status)
    assert written.status == 200, written.message
    assert parse_pipeline_status(written.body["status"]) == record

    path = f"{collection(created, NAMESPACE)}/printed"
    table = server.request("GET", path, headers=TABLE).body
    columns = table["columnDefinitions"]
    assert [c["name"] for c in columns if c["priority"] == 0] == [
        *("Name", "READY", "APPS", "IN FLIGHT", "AGE")
    ]
    row = dict(zip((c["name"] for c in columns), table["rows"][0]["cells"], strict=True))
    del row["AGE"]
    assert row == {
        "Name": "printed",
        "READY": "True",
        "APPS": 1,
        "IN FLIGHT": 2,
        "SOURCE": "https://git.example.org/owner/album-app",
        "BUILD": "Kaniko",
        "MESSAGE": "All is there.",
    }


def test_releases_are_selected_by_pipeline_and_by_tag(server: ApiServer) -> None:
    _create(server, release("picked", tag="picked-v1.0.0"))
    other = changed(release("elsewhere", tag="other-v1.0.0"), "spec.pipelineRef.name", "elsewhere")
    _create(server, other)

    def names(selector: str) -> list[str]:
        path = f"{collection(other, NAMESPACE)}?fieldSelector={selector}"
        answer = server.request("GET", path)
        assert answer.status == 200, answer.message
        return [item["metadata"]["name"] for item in answer.body["items"]]

    assert names("spec.tag%3Dpicked-v1.0.0") == ["picked"]
    assert names("spec.pipelineRef.name%3Delsewhere") == ["elsewhere"]


def test_kubectl_knows_the_short_names_and_the_category(server: ApiServer) -> None:
    _create(server, release("short"))
    _create(server, pipeline("short"))

    for what in ("arel", "apipe"):
        assert f"{what}" in server.run_kubectl("api-resources", "--api-group=album.dev")
        assert "short" in server.run_kubectl("get", what, "short", "-n", NAMESPACE)
    said = server.run_kubectl("get", "album", "-n", NAMESPACE, "-o", "name")
    assert "albumrelease.album.dev/short" in said
    assert "albumpipeline.album.dev/short" in said


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("arel.spec.tag", "The git tag to release"),
        ("arel.status.conditions.reason", "Why, in one word"),
        ("apipe.spec.build.pushSecretRef", "Who can push a tag"),
        ("apipe.spec.apps.edits.key", "joined by dots"),
    ],
)
def test_kubectl_explains_the_fields(server: ApiServer, path: str, words: str) -> None:
    said = " ".join(server.run_kubectl("explain", path).split())

    assert words in said


def test_only_granted_users_get_in(server: ApiServer) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}}
    server.request("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", account)

    path = collection(release(), NAMESPACE)
    token = server.issue_token(NAMESPACE, "nobody")

    assert server.request("GET", path, token=token).status == 403
    assert server.request("GET", path, token="not-a-token").status == 401
