"""What the operator may change of an Application, whatever RBAC says."""

import itertools
from dataclasses import dataclass

import pytest

from tests.integration.manifests.applications import (
    APPLICATIONS,
    CONSENT,
    PREVIOUS_POLICY,
    REFRESH,
    Raw,
    application,
)
from tests.integration.manifests.conftest import Installed

POLICY = {
    "syncPolicy": {"automated": {"selfHeal": True}, "syncOptions": ["ApplyOutOfSyncOnly=true"]}
}
OWN_ANNOTATIONS = {PREVIOUS_POLICY: '{"automated":{"prune":true}}', REFRESH: "normal"}
SOURCE = {"repoURL": "https://evil.example.org/x", "path": ".", "targetRevision": "main"}
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

NUMBERS = itertools.count(1)
"""Of the Applications: each test has its own."""


@dataclass(frozen=True)
class Row:
    """One JSON merge patch of an Application.

    Attributes:
        what: the change in words.
        patch: the patch.
        refused: the paths the refusal names, in any order; none where it is allowed.
    """

    what: str
    patch: Raw
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.what} is {'refused' if self.refused else 'allowed'}"


def _metadata(**fields: object) -> Raw:
    return {"metadata": fields}


def _annotation(name: str, value: str | None) -> Raw:
    return _metadata(annotations={name: value})


ALLOWED = [
    Row("the patch of a release", {**_annotation(REFRESH, "normal"), "spec": POLICY}),
    Row(
        "the first patch of a release",
        {"metadata": {"annotations": OWN_ANNOTATIONS}, "spec": POLICY},
    ),
    Row("automated sync alone", {"spec": {"syncPolicy": {"automated": {"selfHeal": True}}}}),
    Row("no automated sync", {"spec": {"syncPolicy": {"automated": None}}}),
    Row("no sync options", {"spec": {"syncPolicy": {"syncOptions": None}}}),
    Row("a refresh", _annotation(REFRESH, "hard")),
    Row("an operation", {"operation": {"sync": {"revision": "1" * 40}}}),
    Row("nothing", {}),
]

REFUSED = [
    Row("another source", {"spec": {"source": SOURCE}}, ("spec.source",)),
    Row("a target revision", {"spec": {"source": {"targetRevision": "x"}}}, ("spec.source",)),
    Row("no source", {"spec": {"source": None}}, ("spec.source",)),
    Row("a list of sources", {"spec": {"sources": [SOURCE]}}, ("spec.sources",)),
    Row(
        "a hydrator", {"spec": {"sourceHydrator": {"drySource": SOURCE}}}, ("spec.sourceHydrator",)
    ),
    Row("a field of a later version", {"spec": {"overrides": {"a": 1}}}, ("spec.overrides",)),
    Row("a destination", {"spec": {"destination": {"namespace": "x"}}}, ("spec.destination",)),
    Row("a project", {"spec": {"project": "admin"}}, ("spec.project",)),
    Row(
        "retries of the sync policy",
        {"spec": {"syncPolicy": {"retry": {"limit": 99}}}},
        ("spec.syncPolicy.retry",),
    ),
    Row(
        "the whole sync policy, with what is not ours in it",
        {"spec": {"syncPolicy": None}},
        ("spec.syncPolicy.retry", "spec.syncPolicy.managedNamespaceMetadata"),
    ),
    Row(
        "a sync policy field of a later version",
        {"spec": {"syncPolicy": {"hooks": ["x"]}}},
        ("spec.syncPolicy.hooks",),
    ),
    Row("a label more", _metadata(labels={"x": "y"}), ("metadata.labels",)),
    Row("a label less", _metadata(labels={"team": None}), ("metadata.labels",)),
    Row("no finalizers", _metadata(finalizers=None), ("metadata.finalizers",)),
    Row(
        "an owner",
        _metadata(
            ownerReferences=[{"apiVersion": "v1", "kind": "Secret", "name": "x", "uid": "u"}]
        ),
        ("metadata.ownerReferences",),
    ),
    Row("a consent to more", _annotation(CONSENT, "a/b"), (f"annotation {CONSENT}",)),
    Row("no consent any more", _annotation(CONSENT, None), (f"annotation {CONSENT}",)),
    Row("an annotation more", _annotation("example.org/x", "y"), ("annotation example.org/x",)),
    Row(
        "an annotation less",
        _annotation("example.org/owner", None),
        ("annotation example.org/owner",),
    ),
    Row(
        "no annotations at all",
        {"metadata": {"annotations": None}},
        (f"annotation {CONSENT}", "annotation example.org/owner"),
    ),
    Row("a status", {"status": {"sync": {"status": "OutOfSync"}}}, ("status",)),
    Row("no status", {"status": None}, ("status",)),
    Row("a part beside spec and status", {"data": {"a": 1}}, ("data",)),
    Row(
        "a destination hidden in the patch of a release",
        {**_annotation(REFRESH, "normal"), "spec": {**POLICY, "destination": {"name": "x"}}},
        ("spec.destination",),
    ),
    *(
        Row(
            f"an operation with its own {field}",
            {"operation": {"sync": {field: value}}},
            (f"operation.sync.{field}",),
        )
        for field, value in (("source", SOURCE), ("sources", [SOURCE]), ("manifests", ["{}"]))
    ),
]


@pytest.fixture
def name(installed: Installed) -> str:
    """Give the name of a new Application with our consent."""
    made = f"app-{next(NUMBERS)}"
    _create(installed, application(made))
    return made


def _create(installed: Installed, raw: Raw) -> None:
    answer = installed.server.request("POST", APPLICATIONS, raw)
    assert answer.status == 201, answer.message


def _read(installed: Installed, name: str) -> object:
    return installed.as_operator("GET", f"{APPLICATIONS}/{name}").body


@pytest.mark.parametrize("row", ALLOWED, ids=str)
def test_what_a_release_needs_is_allowed(installed: Installed, name: str, row: Row) -> None:
    answer = installed.as_operator("PATCH", f"{APPLICATIONS}/{name}", row.patch)
    assert answer.status == 200, answer.message


@pytest.mark.parametrize("row", REFUSED, ids=str)
def test_anything_else_is_refused_by_name(installed: Installed, name: str, row: Row) -> None:
    before = _read(installed, name)
    answer = installed.as_operator("PATCH", f"{APPLICATIONS}/{name}", row.patch)
    assert answer.status == 403
    _, _, said = answer.message.partition("album-operator may not ")
    listed = said.removeprefix("change ").removeprefix("set ").partition(" of an Application")[0]
    assert sorted(listed.partition(": ")[0].split(", ")) == sorted(row.refused)
    assert _read(installed, name) == before


def test_what_the_operator_set_it_may_take_back(installed: Installed, name: str) -> None:
    path = f"{APPLICATIONS}/{name}"
    operation = {"operation": {"sync": {"revision": "1" * 40}}}
    first = {"metadata": {"annotations": OWN_ANNOTATIONS}, "spec": POLICY, **operation}
    assert installed.as_operator("PATCH", path, first).status == 200
    back = {
        "metadata": {"annotations": dict.fromkeys(OWN_ANNOTATIONS)},
        "spec": {"syncPolicy": {"automated": {"prune": True, "selfHeal": None}}},
        "operation": None,
    }
    answer = installed.as_operator("PATCH", path, back)
    assert answer.status == 200, answer.message
    assert "operation" not in answer.body


def test_an_application_without_sync_policy_may_get_and_lose_one(installed: Installed) -> None:
    raw = application("without-policy")
    del raw["spec"]["syncPolicy"]
    _create(installed, raw)
    path = f"{APPLICATIONS}/without-policy"
    answer = installed.as_operator("PATCH", path, {"spec": POLICY})
    assert answer.status == 200, answer.message
    assert installed.as_operator("PATCH", path, {"spec": {"syncPolicy": None}}).status == 200


@pytest.mark.parametrize(
    "annotations",
    [None, {"example.org/owner": "music"}, {CONSENT: " "}],
    ids=["no annotations", "others only", "an empty one"],
)
def test_without_consent_nothing_may_change(
    installed: Installed, annotations: dict[str, str] | None
) -> None:
    raw = application(f"app-{next(NUMBERS)}")
    raw["metadata"]["annotations"] = annotations
    _create(installed, raw)
    path = f"{APPLICATIONS}/{raw['metadata']['name']}"
    answer = installed.as_operator("PATCH", path, {"spec": POLICY})
    assert answer.status == 403
    assert (
        f"kubectl annotate application -n argocd {raw['metadata']['name']} "
        f"{CONSENT}=<namespace>/<pipeline>"
    ) in answer.message


def test_the_operator_cannot_give_itself_consent(installed: Installed) -> None:
    raw = application("no-consent-yet")
    raw["metadata"]["annotations"] = {}
    _create(installed, raw)
    patch = {**_annotation(CONSENT, "album/album-app"), "spec": POLICY}
    answer = installed.as_operator("PATCH", f"{APPLICATIONS}/no-consent-yet", patch)
    assert answer.status == 403
    assert "does not carry the annotation" in answer.message


def test_other_kinds_of_patch_are_held_to_the_same(installed: Installed, name: str) -> None:
    path = f"{APPLICATIONS}/{name}"
    operations = [{"op": "add", "path": "/spec/sources", "value": [SOURCE]}]
    answer = installed.as_operator("PATCH", path, operations, JSON_PATCH)
    assert (answer.status, "spec.sources" in answer.message) == (403, True)
    applied = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {"sources": [SOURCE]},
    }
    query = "?fieldManager=album-operator&force=true"
    answer = installed.as_operator("PATCH", path + query, applied, APPLY)
    assert (answer.status, "spec.sources" in answer.message) == (403, True)


def test_a_large_application_stays_within_the_cost_limit(installed: Installed) -> None:
    raw = application("large")
    raw["status"]["resources"] = [
        {"kind": "ConfigMap", "name": f"object-{number}", "status": "Synced", "text": "x" * 200}
        for number in range(4000)
    ]
    _create(installed, raw)
    answer = installed.as_operator("PATCH", f"{APPLICATIONS}/large", {"spec": POLICY})
    assert answer.status == 200, answer.message


def test_the_guard_holds_nobody_else(installed: Installed, name: str) -> None:
    patch = {"spec": {"source": {"targetRevision": "stable"}}, **_annotation(CONSENT, None)}
    assert installed.server.request("PATCH", f"{APPLICATIONS}/{name}", patch).status == 200


def test_an_operator_in_another_namespace_is_held_too(installed: Installed, name: str) -> None:
    server = installed.server
    server.create_namespace("album-elsewhere")
    server.run_kubectl("create", "serviceaccount", "-n", "album-elsewhere", "album-operator")
    server.run_kubectl(
        "create",
        "rolebinding",
        "elsewhere",
        "--namespace=argocd",
        "--role=album-operator",
        "--serviceaccount=album-elsewhere:album-operator",
    )
    token = server.issue_token("album-elsewhere", "album-operator")
    elsewhere = Installed(server, token)
    answer = elsewhere.as_operator("PATCH", f"{APPLICATIONS}/{name}", {"spec": {"project": "x"}})
    assert answer.status == 403
    assert "album-operator may not change spec.project" in answer.message
