"""A release's wish cannot be changed: it says what was released."""

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.objects import REMOVED, Raw, changed, collection, release

NAMESPACE = "immutability"


@pytest.fixture(scope="module")
def server(crds_installed: ApiServer) -> ApiServer:
    crds_installed.create_namespace(NAMESPACE)
    for raw in (_by_tag(), _by_app(), _plan(), _follower()):
        assert crds_installed.request("POST", collection(raw, NAMESPACE), raw).status == 201
    return crds_installed


def _by_tag() -> Raw:
    return release("by-tag", tag="backend-v1.1.0")


def _by_app() -> Raw:
    return release("by-app", app="backend", version="v1.1.0")


def _plan() -> Raw:
    return release("plan", tag="backend-v1.1.0", mode="Plan")


def _follower() -> Raw:
    return release("follower", tag="backend-v1.1.0", mode="Follow")


def _update(server: ApiServer, raw: Raw) -> tuple[int, frozenset[str], str]:
    """Send what `kubectl replace` would, as a dry run."""
    path = f"{collection(raw, NAMESPACE)}/{raw['metadata']['name']}"
    present = server.request("GET", path).body
    raw = changed(raw, "metadata", present["metadata"])
    answer = server.request("PUT", f"{path}?dryRun=All", raw)
    return answer.status, answer.fields if answer.status != 200 else frozenset(), answer.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.tag", "backend-v1.2.0"),
        ("spec.pipelineRef.name", "other"),
        ("spec.allowDowngrade", True),
        ("spec.rollbackOf", {"name": "backend-v1.2.0"}),
    ],
)
def test_a_set_field_cannot_be_changed(server: ApiServer, path: str, value: object) -> None:
    status, fields, message = _update(server, changed(_by_tag(), path, value))

    assert status == 422
    assert path.removesuffix(".name") in fields
    assert "cannot be changed" in message
    assert "create another AlbumRelease" in message


@pytest.mark.parametrize(("path", "value"), [("spec.app", "frontend"), ("spec.version", "v2.0.0")])
def test_app_and_version_cannot_be_changed(server: ApiServer, path: str, value: str) -> None:
    status, fields, message = _update(server, changed(_by_app(), path, value))

    assert status == 422
    assert path in fields
    assert "cannot be changed" in message


def test_tag_cannot_be_replaced_by_app_and_version(server: ApiServer) -> None:
    raw = changed(_by_app(), "metadata.name", "by-tag")

    status, fields, message = _update(server, raw)

    assert status == 422
    assert {"spec.tag", "spec.app", "spec.version"} <= fields
    assert "cannot be changed, set or removed" in message


def test_app_and_version_cannot_be_replaced_by_tag(server: ApiServer) -> None:
    raw = changed(_by_tag(), "metadata.name", "by-app")

    status, fields, message = _update(server, raw)

    assert status == 422
    assert {"spec.tag", "spec.app", "spec.version"} <= fields
    assert "cannot be changed, set or removed" in message


@pytest.mark.parametrize("path", ["spec.app", "spec.version"])
def test_a_set_field_cannot_be_unset(server: ApiServer, path: str) -> None:
    status, fields, message = _update(server, changed(_by_app(), path, REMOVED))

    assert status == 422
    assert path in fields
    assert "cannot be changed, set or removed" in message


def test_an_unset_field_cannot_be_set(server: ApiServer) -> None:
    status, fields, message = _update(server, changed(_by_tag(), "spec.app", "backend"))

    assert status == 422
    assert "spec.app" in fields
    assert "cannot be changed, set or removed" in message


def test_the_spec_cannot_be_taken_away(server: ApiServer) -> None:
    status, fields, _ = _update(server, changed(_by_tag(), "spec", REMOVED))

    assert status == 422
    assert "spec" in fields


def test_a_default_that_is_written_out_is_no_change(server: ApiServer) -> None:
    raw = changed(changed(_by_tag(), "spec.allowDowngrade", False), "spec.suspend", False)

    assert _update(server, raw)[0] == 200


@pytest.mark.parametrize("mode", ["Plan", "Apply", REMOVED])
def test_a_plan_stays_a_plan_or_is_applied(server: ApiServer, mode: object) -> None:
    assert _update(server, changed(_plan(), "spec.mode", mode))[0] == 200


def test_a_release_that_is_applied_cannot_become_a_plan(server: ApiServer) -> None:
    by_default = _update(server, changed(_by_tag(), "spec.mode", "Apply"))
    status, fields, message = _update(server, changed(_by_tag(), "spec.mode", "Plan"))

    assert by_default[0] == 200
    assert status == 422
    assert "spec.mode" in fields
    assert "mode can only be changed from Plan to Apply" in message


@pytest.mark.parametrize("mode", ["Apply", "Plan", REMOVED])
def test_who_follows_does_so_to_the_end(server: ApiServer, mode: object) -> None:
    status, fields, _ = _update(server, changed(_follower(), "spec.mode", mode))

    assert status == 422
    assert "spec.mode" in fields


@pytest.mark.parametrize("raw", [_by_tag(), _plan()])
def test_nobody_follows_who_did_not_from_the_start(server: ApiServer, raw: Raw) -> None:
    status, fields, _ = _update(server, changed(raw, "spec.mode", "Follow"))

    assert status == 422
    assert "spec.mode" in fields


@pytest.mark.parametrize("suspend", [True, False])
def test_suspend_can_be_changed_at_any_time(server: ApiServer, suspend: bool) -> None:
    assert _update(server, changed(_by_tag(), "spec.suspend", suspend))[0] == 200


def _write_status(server: ApiServer, raw: Raw, **merged: str) -> None:
    conditions = [
        {
            "type": "Merged",
            "reason": "Succeeded",
            "message": "",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-20T12:00:00.000000Z",
            **merged,
        }
    ]
    path = f"{collection(raw, NAMESPACE)}/{raw['metadata']['name']}/status"
    answer = server.request("PATCH", path, {"status": {"conditions": conditions}})
    assert answer.status == 200, answer.message


def test_a_release_is_cancelled_for_good(server: ApiServer) -> None:
    raw = release("cancelled", tag="backend-v1.1.0")
    assert server.request("POST", collection(raw, NAMESPACE), raw).status == 201
    path = f"{collection(raw, NAMESPACE)}/cancelled"
    _write_status(server, raw, status="Unknown")
    assert server.request("PATCH", path, {"spec": {"cancel": True}}).status == 200
    for patch in ({"cancel": False}, {"cancel": None}):
        answer = server.request("PATCH", path, {"spec": patch})
        assert answer.status == 422
        assert "spec.cancel" in answer.fields
        assert "create another AlbumRelease" in answer.message


def test_a_merged_release_is_not_cancelled_any_more_and_the_way_back_is_told(
    server: ApiServer,
) -> None:
    raw = release("merged", tag="backend-v1.1.0")
    assert server.request("POST", collection(raw, NAMESPACE), raw).status == 201
    path = f"{collection(raw, NAMESPACE)}/merged"
    _write_status(server, raw, status="True")
    answer = server.request("PATCH", path, {"spec": {"cancel": True}})
    assert answer.status == 422
    assert "spec.cancel" in answer.fields
    assert "spec.rollbackOf.name of this one" in answer.message
    assert server.request("PATCH", path, {"spec": {"suspend": True}}).status == 200


def test_what_was_cancelled_right_before_its_merge_takes_all_further_writes(
    server: ApiServer,
) -> None:
    raw = release("too-late", tag="backend-v1.1.0", cancel=True)
    assert server.request("POST", collection(raw, NAMESPACE), raw).status == 201
    _write_status(server, raw, status="True")
    path = f"{collection(raw, NAMESPACE)}/too-late"
    patch = {"metadata": {"annotations": {"album.dev/retry": "1"}}}
    assert server.request("PATCH", path, patch).status == 200
