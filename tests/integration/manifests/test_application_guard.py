"""What the operator may change of an Application, whatever RBAC says."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from album_operator.adapters.cluster.applications import parse_application
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import SyncPolicyWish
from album_operator.render.sync_policy import give_back_patch, patch_for, refresh_patch
from tests.integration.manifests.applications import (
    APPLICATIONS,
    CONSENT,
    PREVIOUS_POLICY,
    REFRESH,
    Raw,
    application,
)
from tests.integration.manifests.conftest import Installed

OURS = "ApplyOutOfSyncOnly=true"
POLICY = {
    "syncPolicy": {"automated": {"selfHeal": True}, "syncOptions": ["CreateNamespace=true", OURS]}
}
OWN_ANNOTATIONS = {PREVIOUS_POLICY: '{"automated":{"prune":true}}', REFRESH: "normal"}
TIMESTAMP = "argocd.argoproj.io/refresh-timestamp"
NANO = "2026-11-20T12:00:00.123456789Z"
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
        before: what differs from `application` before the patch; a merge patch too.
    """

    what: str
    patch: Raw
    refused: tuple[str, ...] = ()
    before: Raw = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.what} is {'refused' if self.refused else 'allowed'}"


def _metadata(**fields: object) -> Raw:
    return {"metadata": fields}


def _annotation(name: str, value: str | None) -> Raw:
    return _metadata(annotations={name: value})


def _policy(**fields: object) -> Raw:
    return {"spec": {"syncPolicy": fields}}


def _automated(**fields: object) -> Raw:
    return _policy(automated=fields)


def _options(*options: str) -> Raw:
    return _policy(syncOptions=list(options))


OWN: Raw = {"syncOptions": ["CreateNamespace=true"], "prune": True}
LEFT: Raw = {"automated": {"selfHeal": True, "prune": None}, "syncOptions": [OURS]}
OPERATION = {"operation": {"sync": {"revision": "1" * 40}}}
STATE: Raw = {
    "status": {"operationState": {"phase": "Failed"}, "sync": {"status": "OutOfSync"}},
    "spec": {"syncPolicy": {"automated": {"prune": False}, "retry": None}},
}
SYNC: Raw = {
    "initiatedBy": {"username": "album-operator", "automated": True},
    "info": [
        {"name": "album.dev/release", "value": "album/backend-v1.1.0"},
        {"name": "album.dev/attempt", "value": "uid/1"},
    ],
    "retry": {"limit": 5},
    "sync": {"syncOptions": ["CreateNamespace=true"]},
}


def _sync(**fields: object) -> Raw:
    return {"operation": {**SYNC, **fields}, "status": {"operationState": None}}


NOTICE = "notice.argocd.argoproj.io"
OWNER = "album.dev/notice"


def _notice(
    content: str | None = "v1.3.0 waits for review",
    severity: str | None = "info",
    url: str | None = "https://git.example.org/album/config/pulls/7",
    owner: str | None = "album/backend-v1.3.0",
) -> Raw:
    told = {"content": content, "severity": severity, "url": url}
    named = {f"{NOTICE}/{name}": value for name, value in told.items()}
    return _metadata(annotations={**named, OWNER: owner})


NO_NOTICE = _notice(None, None, None, None)
ALL_OF_IT = tuple(f"annotation {NOTICE}/{name}" for name in ("content", "severity", "url"))

NO_POLICY: Raw = {"spec": {"syncPolicy": None}}
SWITCHED_OFF = _automated(enabled=False)
OPTIONS = _options("CreateNamespace=true", "PruneLast=true")

APPLIED_POLICY = "album.dev/applied-sync-policy"
NOTHING_KEPT: Raw = {"metadata": {"annotations": {PREVIOUS_POLICY: None, APPLIED_POLICY: None}}}


def _kept(policy: str, *, consent: bool = False) -> Raw:
    consents = {} if consent else {CONSENT: None}
    return _metadata(annotations={PREVIOUS_POLICY: policy, APPLIED_POLICY: "{}", **consents})


GIVEN_BACK: list[tuple[str, str, Raw, Raw]] = [
    (
        "no policy",
        "null",
        {"spec": {"syncPolicy": {**dict.fromkeys(("retry", "managedNamespaceMetadata")), **LEFT}}},
        {**NOTHING_KEPT, "spec": {"syncPolicy": None}},
    ),
    (
        "no automated sync",
        '{"syncOptions":["CreateNamespace=true"]}',
        _policy(**{**LEFT, "syncOptions": ["CreateNamespace=true", OURS]}),
        {**NOTHING_KEPT, **_policy(automated=None, syncOptions=["CreateNamespace=true"])},
    ),
    (
        "pruning alone",
        '{"automated":{"prune":true},"syncOptions":["CreateNamespace=true"]}',
        _automated(prune=True, selfHeal=True),
        {**NOTHING_KEPT, **_automated(selfHeal=None)},
    ),
    (
        "an odd option",
        '{"syncOptions":["ApplyOutOfSyncOnly=yes","CreateNamespace=true"]}',
        _options(OURS, "CreateNamespace=true"),
        {**NOTHING_KEPT, **_options("ApplyOutOfSyncOnly=yes", "CreateNamespace=true")},
    ),
    ("the annotations alone", '{"automated":{}}', _policy(**LEFT), NOTHING_KEPT),
]

ALLOWED = [
    Row("the patch of a release", {**_annotation(REFRESH, "normal"), "spec": POLICY}),
    Row(
        "the first patch of a release",
        {"metadata": {"annotations": OWN_ANNOTATIONS}, "spec": POLICY},
    ),
    Row(
        "the first patch of a release to an Application that was synced by hand",
        {"metadata": {"annotations": OWN_ANNOTATIONS}, **_options(OURS), **_automated(prune=True)},
        before=NO_POLICY,
    ),
    Row("self-heal", _automated(selfHeal=True)),
    Row("no self-heal", _automated(selfHeal=False)),
    Row("self-heal as before", _automated(selfHeal=None), before=_automated(selfHeal=True)),
    Row("no pruning", _automated(prune=False)),
    Row("pruning as Argo CD has it", _automated(prune=None)),
    Row("automated sync alone", _automated(), before=_policy(automated=None)),
    Row("self-heal of what is on", _automated(selfHeal=True), before=_automated(enabled=True)),
    Row("our option", _options("CreateNamespace=true", OURS)),
    Row("our option switched off", _options("CreateNamespace=true", "ApplyOutOfSyncOnly=false")),
    Row("our option first", _options(OURS, "CreateNamespace=true", "PruneLast=true"), (), OPTIONS),
    Row(
        "our option taken back",
        _options("CreateNamespace=true"),
        before=_options(OURS, "CreateNamespace=true"),
    ),
    Row(
        "our option in place of what its value was",
        _options(OURS, "CreateNamespace=true"),
        before=_options("ApplyOutOfSyncOnly=yes", "CreateNamespace=true"),
    ),
    Row("no options where only ours was", _policy(syncOptions=None), before=_options(OURS)),
    Row("options as they are, whatever they are", _options("Own=x"), before=_options("Own=x")),
    Row("our option where it is off", _options("CreateNamespace=true", OURS), (), SWITCHED_OFF),
    Row("a refresh", _annotation(REFRESH, "normal")),
    Row("a hard refresh", _annotation(REFRESH, "hard")),
    Row("a refresh with its time", refresh_patch(datetime(2026, 11, 20, 12, 0, 0, 1, UTC))),
    Row("another time", _annotation(TIMESTAMP, NANO), before=_annotation(TIMESTAMP, "2026-11-20")),
    Row("a refresh anew", _annotation(REFRESH, "normal"), before=_annotation(REFRESH, "hard")),
    Row("the previous policy", _annotation(PREVIOUS_POLICY, "null")),
    Row("a notice", _notice()),
    Row("another notice of ours", _notice(content="v1.4.0 waits"), before=_notice()),
    Row("another release's notice", _notice(owner="album/backend-v1.4.0"), before=_notice()),
    Row("our notice taken away", NO_NOTICE, before=_notice()),
    Row("one sync", _sync(), before=STATE),
    Row("one sync after another", _sync(), before={**STATE, "operation": None}),
    Row("one sync with the state of the last one", {"operation": SYNC}, before=STATE),
    Row("the policy as it is left", _annotation(APPLIED_POLICY, "{}")),
    Row(
        "the policy as it is left anew",
        _annotation(APPLIED_POLICY, "null"),
        before=_annotation(APPLIED_POLICY, "{}"),
    ),
    *(
        Row(
            f"{what} given back{how}", given_back, before={**before, **_kept(kept, consent=consent)}
        )
        for how, consent in ((" without consent", False), (" with consent", True))
        for what, kept, before, given_back in GIVEN_BACK
    ),
    Row("nothing", {}),
    Row("nothing while an operation is asked for", {}, before=OPERATION),
]

REFUSED = [
    Row("an operation", OPERATION, ("operation",)),
    *(
        Row(f"an operation with its own {name}", {"operation": {"sync": part}}, ("operation",))
        for name, part in (
            ("source", {"source": SOURCE}),
            ("sources", {"sources": [SOURCE]}),
            ("manifests", {"manifests": ["{}"]}),
            ("branch", {"revision": "release/backend_v6.6.6"}),
        )
    ),
    Row("another operation", {"operation": {"sync": {"prune": True}}}, ("operation",), OPERATION),
    Row("no operation any more", {"operation": None}, ("operation",), OPERATION),
    Row("an empty operation", {"operation": {}}, ("operation",)),
    *(
        Row(f"a sync {what}", _sync(**fields), ("operation", "status"), STATE)
        for what, fields in (
            ("to a revision", {"sync": {**SYNC["sync"], "revision": "main"}}),
            ("of other sources", {"sync": {**SYNC["sync"], "source": SOURCE}}),
            ("by force", {"sync": {**SYNC["sync"], "syncStrategy": {"apply": {"force": True}}}}),
            ("of manifests", {"sync": {**SYNC["sync"], "manifests": ["{}"]}}),
            ("that prunes", {"sync": {**SYNC["sync"], "prune": True}}),
            ("without the options", {"sync": {}}),
            ("with another option", {"sync": {"syncOptions": ["Replace=true"]}}),
            ("with other retries", {"retry": {"limit": -1}}),
            ("as of a person", {"initiatedBy": {"username": "album-operator"}}),
            ("as of another", {"initiatedBy": {"username": "admin", "automated": True}}),
            ("without our mark", {"info": None}),
            ("with another mark", {"info": [{"name": "x", "value": "y"}]}),
            ("with more", {"later": 1}),
        )
    ),
    Row("a sync over another", _sync(), ("operation", "status"), {**STATE, **OPERATION}),
    Row(
        "a sync with another status",
        {**_sync(), "status": {"operationState": None, "health": {"status": "Healthy"}}},
        ("status",),
        STATE,
    ),
    Row(
        "a sync with less of the status",
        {**_sync(), "status": {"operationState": None, "sync": None}},
        ("status",),
        STATE,
    ),
    Row("no state of the last sync", {"status": {"operationState": None}}, ("status",), STATE),
    Row("no automated sync any more", _policy(automated=None), ("spec.syncPolicy.automated",)),
    *(
        Row(
            f"automated.{name}: {value}",
            _automated(**{name: value}),
            (f"spec.syncPolicy.automated.{name}",),
        )
        for name, value in (
            ("allowEmpty", True),
            ("enabled", False),
            ("enabled", True),
            ("later", 1),
        )
    ),
    Row(
        "automated sync that is switched on with more than ours",
        _automated(selfHeal=True, allowEmpty=True),
        ("spec.syncPolicy.automated.allowEmpty",),
        NO_POLICY,
    ),
    Row(
        "the owner's switch turned on",
        _automated(enabled=True),
        ("spec.syncPolicy.automated.enabled",),
        SWITCHED_OFF,
    ),
    Row(
        "the owner's switch taken away",
        _automated(enabled=None),
        ("spec.syncPolicy.automated.enabled",),
        SWITCHED_OFF,
    ),
    Row(
        "self-heal of what its owner switched off",
        _automated(selfHeal=True, prune=False),
        ("spec.syncPolicy.automated.selfHeal", "spec.syncPolicy.automated.prune"),
        SWITCHED_OFF,
    ),
    Row(
        "automated sync its owner switched off, made anew",
        _policy(automated=None),
        (
            "spec.syncPolicy.automated",
            "spec.syncPolicy.automated.enabled",
            "spec.syncPolicy.automated.prune",
        ),
        SWITCHED_OFF,
    ),
    *(
        Row(
            f"the option {option}",
            _options("CreateNamespace=true", OURS, option),
            (f"spec.syncPolicy.syncOptions {option}",),
        )
        for option in (
            "Replace=true",
            "Force=true",
            "Validate=false",
            "FailOnSharedResource=false",
            "ApplyOutOfSyncOnly=maybe",
            "ApplyOutOfSyncOnly",
            "applyOutOfSyncOnly=true",
            "ApplyOutOfSyncOnly=true;Replace=true",
        )
    ),
    Row(
        "an option of others less",
        _options(OURS),
        ("spec.syncPolicy.syncOptions CreateNamespace=true",),
    ),
    Row(
        "no options at all",
        _policy(syncOptions=None),
        ("spec.syncPolicy.syncOptions CreateNamespace=true",),
    ),
    Row(
        "an option of others turned round",
        _options("CreateNamespace=false"),
        (
            "spec.syncPolicy.syncOptions CreateNamespace=false",
            "spec.syncPolicy.syncOptions CreateNamespace=true",
        ),
    ),
    Row(
        "another order of the others",
        _options("PruneLast=true", OURS, "CreateNamespace=true"),
        ("the order of spec.syncPolicy.syncOptions",),
        OPTIONS,
    ),
    Row(
        "an option of others twice",
        _options("CreateNamespace=true", "CreateNamespace=true"),
        ("the order of spec.syncPolicy.syncOptions",),
    ),
    *(
        Row(f"a refresh `{value}`", _annotation(REFRESH, value), (f"annotation {REFRESH}",))
        for value in ("", "Hard", "deep", "hard,normal")
    ),
    Row(
        "the time of a refresh called off",
        _annotation(TIMESTAMP, None),
        (f"annotation {TIMESTAMP}",),
        _annotation(TIMESTAMP, NANO),
    ),
    *(
        Row(f"a time `{value}`", _annotation(TIMESTAMP, value), (f"annotation {TIMESTAMP}",))
        for value in ("", "now", "2026-11-20T12:00:00Z; rm", "2026-11-20T12:00:00Z" * 2)
    ),
    Row(
        "a refresh called off",
        _annotation(REFRESH, None),
        (f"annotation {REFRESH}",),
        _annotation(REFRESH, "hard"),
    ),
    Row(
        "a previous policy written over",
        _annotation(PREVIOUS_POLICY, '{"automated":{}}'),
        (f"annotation {PREVIOUS_POLICY}",),
        _annotation(PREVIOUS_POLICY, '{"automated":{"prune":true}}'),
    ),
    *(
        Row(f"a policy given back {what}", patch, refused, _kept(kept))
        for what, kept, patch, refused in (
            (
                "with pruning that was not there",
                '{"automated":{"selfHeal":true}}',
                {**NOTHING_KEPT, **_automated(prune=True, selfHeal=True)},
                ("spec.syncPolicy.automated",),
            ),
            (
                "without automated sync that was there",
                '{"automated":{"prune":true},"syncOptions":[]}',
                {**NOTHING_KEPT, **_policy(automated=None)},
                ("spec.syncPolicy.automated",),
            ),
            (
                "with another option",
                '{"automated":{"selfHeal":true}}',
                {**NOTHING_KEPT, **_options("CreateNamespace=true", "Replace=true")},
                ("spec.syncPolicy.syncOptions Replace=true",),
            ),
            (
                "with our option that was not there",
                "null",
                {**NOTHING_KEPT, **_options("CreateNamespace=true", OURS)},
                (f"spec.syncPolicy.syncOptions {OURS}",),
            ),
            (
                "with a look-alike in a text",
                '{"automated":{},"managedNamespaceMetadata":{"labels":{"a":"\\"selfHeal\\":true"}}}',
                {**NOTHING_KEPT, **_automated(selfHeal=True, prune=None)},
                ("spec.syncPolicy.automated",),
            ),
            (
                "and a project",
                "null",
                {**NOTHING_KEPT, "spec": {"project": "x"}},
                ("spec.project",),
            ),
            (
                "and a sync",
                "null",
                {**NOTHING_KEPT, "operation": {**SYNC, "retry": {"limit": 3}, "sync": OWN}},
                ("operation",),
            ),
        )
    ),
    Row(
        "the policy as it was left taken away alone",
        _annotation(APPLIED_POLICY, None),
        (f"annotation {APPLIED_POLICY}",),
        _annotation(APPLIED_POLICY, "{}"),
    ),
    *(
        Row(f"a notice {what}", notice, (*ALL_OF_IT, f"annotation {OWNER}"))
        for what, notice in (
            ("as an alarm", _notice(severity="critical")),
            ("that leads to a script", _notice(url="javascript:alert(1)")),
            ("without an end", _notice(content="x" * 501)),
        )
    ),
    Row("a notice without its mark", _notice(owner=None), ALL_OF_IT),
    Row("a mark without a notice", _annotation(OWNER, "x"), (f"annotation {OWNER}",)),
    Row(
        "a part of our notice taken away",
        _annotation(f"{NOTICE}/url", None),
        (f"annotation {NOTICE}/url",),
        _notice(),
    ),
    Row(
        "its owner's notice written over",
        _notice(),
        (*ALL_OF_IT, f"annotation {OWNER}"),
        _notice("Maintenance", "warning", "https://wiki.example.org", None),
    ),
    Row(
        "its owner's notice taken away",
        NO_NOTICE,
        (f"annotation {NOTICE}/content",),
        _annotation(f"{NOTICE}/content", "Maintenance"),
    ),
    *(
        Row(
            f"the {name} of a notice",
            _annotation(f"{NOTICE}/{name}", "true"),
            (f"annotation {NOTICE}/{name}",),
        )
        for name in ("permanent", "icon", "scope")
    ),
    Row("no record of who set what", _metadata(managedFields=[{}]), ("metadata.managedFields",)),
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
        NO_POLICY,
        (
            "spec.syncPolicy.automated",
            "spec.syncPolicy.managedNamespaceMetadata",
            "spec.syncPolicy.retry",
            "spec.syncPolicy.syncOptions CreateNamespace=true",
        ),
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
]


@pytest.fixture
def name(installed: Installed) -> str:
    """Give the name of a new Application with our consent."""
    return _create(installed, {})


def _create(installed: Installed, before: Mapping[str, object]) -> str:
    """Create an Application that differs by a merge patch from the usual one, and give its name."""
    raw = application(f"app-{next(NUMBERS)}")
    answer = installed.server.request("POST", APPLICATIONS, raw)
    assert answer.status == 201, answer.message
    name: str = raw["metadata"]["name"]
    answer = installed.server.request("PATCH", f"{APPLICATIONS}/{name}", before)
    assert answer.status == 200, answer.message
    return name


def _read(installed: Installed, name: str) -> object:
    return installed.as_operator("GET", f"{APPLICATIONS}/{name}").body


@pytest.mark.parametrize("row", ALLOWED, ids=str)
def test_what_a_release_needs_is_allowed(installed: Installed, row: Row) -> None:
    path = f"{APPLICATIONS}/{_create(installed, row.before)}"
    answer = installed.as_operator("PATCH", path, row.patch)
    assert answer.status == 200, answer.message


@pytest.mark.parametrize("row", REFUSED, ids=str)
def test_anything_else_is_refused_by_name(installed: Installed, row: Row) -> None:
    name = _create(installed, row.before)
    before = _read(installed, name)
    answer = installed.as_operator("PATCH", f"{APPLICATIONS}/{name}", row.patch)
    assert answer.status == 403
    assert _read(installed, name) == before
    if "cannot set an ownerRef" in answer.message:
        return  # In Kubernetes 1.31 its own rule for owners comes first.
    _, _, said = answer.message.partition("album-operator may not change ")
    assert sorted(said.partition(" of an Application")[0].split(", ")) == sorted(row.refused)


def _without_consent(installed: Installed, path: str) -> ApplicationSeen:
    answer = installed.server.request("PATCH", path, _annotation(CONSENT, None))
    assert answer.status == 200, answer.message
    return parse_application(answer.body)


def test_what_render_makes_of_any_policy_is_allowed_and_given_back(installed: Installed) -> None:
    policies: list[Raw | None] = [
        None,
        {},
        {"automated": {}},
        {"automated": {"prune": True, "enabled": True}, "retry": {"limit": 2}},
        {"syncOptions": ["ApplyOutOfSyncOnly=false", "A=1", "ApplyOutOfSyncOnly=true", "B=2"]},
    ]
    for policy in policies:
        path = f"{APPLICATIONS}/{_create(installed, NO_POLICY)}"
        installed.server.request("PATCH", path, {"spec": {"syncPolicy": policy}})
        seen = parse_application(installed.as_operator("GET", path).body)
        for wish in itertools.product((None, True, False), repeat=3):
            patch = patch_for(seen, SyncPolicyWish(*wish))
            answer = installed.as_operator("PATCH", f"{path}?dryRun=All", patch)
            assert answer.status == 200, (policy, wish, answer.message)
        installed.as_operator("PATCH", path, patch_for(seen, SyncPolicyWish(True, True, True)))
        left = _without_consent(installed, path)
        back = give_back_patch(left)
        assert back is not None
        answer = installed.as_operator("PATCH", path, back)
        assert answer.status == 200, (policy, answer.message)
        assert answer.body["spec"].get("syncPolicy") == policy


@pytest.mark.parametrize(
    "annotations",
    [None, {"example.org/owner": "music"}, {CONSENT: " "}],
    ids=["no annotations", "others only", "an empty one"],
)
def test_without_consent_nothing_may_change(
    installed: Installed, annotations: dict[str, str] | None
) -> None:
    none = dict.fromkeys(application("any")["metadata"]["annotations"])
    name = _create(installed, _metadata(annotations=none | (annotations or {})))
    answer = installed.as_operator("PATCH", f"{APPLICATIONS}/{name}", {"spec": POLICY})
    assert answer.status == 403
    assert (
        f"kubectl annotate application -n argocd {name} {CONSENT}=<namespace>/<pipeline>"
    ) in answer.message


def test_the_operator_cannot_give_itself_consent(installed: Installed) -> None:
    name = _create(installed, _annotation(CONSENT, None))
    patch = {**_annotation(CONSENT, "album/album-app"), "spec": POLICY}
    answer = installed.as_operator("PATCH", f"{APPLICATIONS}/{name}", patch)
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
    resources = [
        {"kind": "ConfigMap", "name": f"object-{number}", "status": "Synced", "text": "x" * 200}
        for number in range(4000)
    ]
    options = {"syncOptions": [f"Option{number}=true" for number in range(100)]}
    large = {"status": {"resources": resources}, "spec": {"syncPolicy": options}}
    path = f"{APPLICATIONS}/{_create(installed, large)}"
    policy = {**POLICY["syncPolicy"], "syncOptions": [*options["syncOptions"], OURS]}
    answer = installed.as_operator("PATCH", path, {"spec": {"syncPolicy": policy}})
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
