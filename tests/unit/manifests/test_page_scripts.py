"""What Argo CD's pages show of releases and pipelines: its scripts, run by Lua 5.1 as it does."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa import lua51

from album_operator.codec import render_pipeline_status, render_status
from album_operator.domain.marks import LIFT_PREFIX
from album_operator.domain.pipeline_record import AppRecord, HeldApp, PipelineRecord
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, Record, StepName
from tests.fakes.builders import NOW, PIPELINE, RELEASE, raw_pipeline, record_before

PAGES = Path(__file__).parents[3] / "manifests" / "argocd" / "pages"
HEALTH = (PAGES / "release-health.lua").read_text()
ACTIONS = yaml.safe_load((PAGES / "release-actions.yaml").read_text())

AWAITS_PERSON = {"AwaitingMerge", "AwaitingChecks", "Held", "Paused", "Suspended"}
IS_OVER = {"Superseded", "Cancelled", "RolledBack"}

IGNORED = {"argocd.argoproj.io/ignore-healthcheck": "true"}


def _run(script: str, raw: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what a script gives
    """Run a script with the libraries Argo CD gives it."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True)
    lua.execute("string, math, io, debug, package.path = nil, nil, nil, nil, ''")
    lua.globals().obj = _to_lua(lua, raw)
    return _from_lua(lua.execute(script))


def _to_lua(lua: Any, value: object) -> object:  # noqa: ANN401 - lupa has no types
    if isinstance(value, Mapping):
        return lua.table_from({key: _to_lua(lua, item) for key, item in value.items()})
    if isinstance(value, list):
        return lua.table_from([_to_lua(lua, item) for item in value])
    return value


def _from_lua(value: Any) -> Any:  # noqa: ANN401 - lupa has no types
    if lua51.lua_type(value) != "table":
        return value
    return {key: _from_lua(item) for key, item in value.items()}


def _record(outcome: Outcome, reason: Reason, merged: Reason | None = None) -> Record:
    record = replace(
        record_before(StepName.MERGED), outcome=outcome, reason=reason, message="It is so."
    )
    if merged is None:
        return record
    steps = tuple(
        replace(step, reason=merged, message="Waits.") if step.name is StepName.MERGED else step
        for step in record.steps
    )
    return replace(record, steps=steps)


def _raw(record: Record, **annotations: str) -> dict[str, Any]:
    return {
        "spec": {},
        "metadata": {"generation": RELEASE.generation, "annotations": annotations},
        "status": render_status(RELEASE, record, NOW),
    }


def _health(record: Record, **annotations: str) -> tuple[str, str]:
    health = _run(HEALTH, _raw(record, **annotations))
    return health["status"], health["message"]


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_its_health(reason: Reason) -> None:
    said = f"{reason}: It is so."
    waits = "Suspended" if reason in AWAITS_PERSON else "Progressing"
    assert _health(_record(Outcome.WORKING, reason)) == (waits, said)
    ended = "Healthy" if reason in IS_OVER else "Degraded"
    assert _health(_record(Outcome.STALLED, reason)) == (ended, said)
    assert _health(_record(Outcome.RELEASED, reason)) == ("Healthy", said)


def test_the_scripts_know_no_reason_that_the_operator_does_not() -> None:
    known = {str(reason) for reason in Reason}
    assert set(re.findall(r"^  (\w+) = true,$", HEALTH, re.M)) <= known


@pytest.mark.parametrize(
    ("merged", "health"),
    [
        (Reason.AWAITING_MERGE, "Suspended"),
        (Reason.REVIEW_REQUIRED, "Suspended"),
        (Reason.CHANGES_REQUESTED, "Suspended"),
        (Reason.CHECKS_FAILING, "Suspended"),
        (Reason.DRAFT, "Suspended"),
        (Reason.BEHIND, "Suspended"),
        (Reason.HELD, "Suspended"),
        (Reason.CHECKS_RUNNING, "Progressing"),
        (Reason.MERGE_CONFLICT, "Progressing"),
        (Reason.MERGING, "Progressing"),
        (Reason.QUEUED, "Progressing"),
    ],
)
def test_a_pull_request_is_suspended_while_a_person_is_to_act(merged: Reason, health: str) -> None:
    record = _record(Outcome.WORKING, Reason.AWAITING_MERGE, merged)
    assert _health(record)[0] == health


def test_a_suspended_release_is_suspended_and_a_plan_is_healthy() -> None:
    assert _health(_record(Outcome.SUSPENDED, Reason.SUSPENDED))[0] == "Suspended"
    assert _health(_record(Outcome.PLANNED, Reason.PLANNED))[0] == "Healthy"


def test_what_the_operator_has_not_looked_at_goes_on() -> None:
    unseen = ("Progressing", "The operator has not looked at this yet.")
    done = _record(Outcome.RELEASED, Reason.RELEASED)
    raw = _raw(done)
    raw["metadata"]["generation"] += 1
    assert tuple(_run(HEALTH, raw).values()) == unseen
    assert _health(done, **{"album.dev/retry": "1"}) == unseen
    handled = replace(done, last_handled_retry="1")
    assert _health(handled, **{"album.dev/retry": "1"})[0] == "Healthy"
    for status in ({}, {"observedGeneration": -1}):
        fresh = {"metadata": {"generation": 1}, "status": status}
        assert tuple(_run(HEALTH, fresh).values()) == unseen
    assert tuple(_run(HEALTH, {"metadata": {"generation": 1}}).values()) == unseen


@pytest.mark.parametrize("reason", [Reason.AWAITING_MERGE, Reason.BUILDING, Reason.BUILD_FAILED])
def test_a_release_whose_health_is_ignored_holds_up_no_wave(reason: Reason) -> None:
    outcome = Outcome.STALLED if reason is Reason.BUILD_FAILED else Outcome.WORKING
    said = f"{reason}: It is so."
    assert _health(_record(outcome, reason), **IGNORED) == ("Healthy", said)


def _pipeline(
    *, is_ready: bool | None = True, reason: Reason = Reason.CHECKED, held: tuple[str, ...] = ()
) -> dict[str, Any]:
    apps = tuple(AppRecord(name, held=HeldApp(f"{name} is held.")) for name in held)
    record = PipelineRecord(
        (AppRecord("web"), *apps), reason, "It is so.", is_ready, observed_generation=2
    )
    return raw_pipeline() | {"status": render_pipeline_status(PIPELINE, record, NOW)}


def _pipeline_health(raw: dict[str, Any]) -> dict[str, str]:
    health: dict[str, str] = _run((PAGES / "pipeline-health.lua").read_text(), raw)
    return health


def test_a_pipeline_is_healthy_while_nothing_is_missing_and_nothing_held() -> None:
    assert _pipeline_health(_pipeline()) == {"status": "Healthy"}


@pytest.mark.parametrize(
    ("is_ready", "reason", "health"),
    [
        (False, Reason.CREDENTIALS_MISSING, "Degraded"),
        (None, Reason.FORGE_UNAVAILABLE, "Progressing"),
    ],
)
def test_a_pipeline_tells_what_its_releases_would_lack(
    is_ready: bool | None, reason: Reason, health: str
) -> None:
    raw = _pipeline(is_ready=is_ready, reason=reason, held=("backend",))
    assert _pipeline_health(raw) == {"status": health, "message": f"{reason}: It is so."}
    raw["metadata"]["annotations"] = IGNORED
    assert _pipeline_health(raw)["status"] == "Healthy"


def test_a_pipeline_tells_which_apps_are_held_by_whatever() -> None:
    raw = _pipeline(held=("backend", "job"))
    said = "backend is held. job is held."
    assert _pipeline_health(raw) == {"status": "Suspended", "message": said}


def test_a_pipeline_that_is_not_looked_at_yet_goes_on() -> None:
    unseen = {"status": "Progressing", "message": "The operator has not looked at this yet."}
    for status in ({}, {"observedGeneration": -1}, _pipeline()["status"]):
        raw = raw_pipeline() | {"status": status}
        raw["metadata"]["generation"] = 3
        assert _pipeline_health(raw) == unseen
    del raw["status"]
    assert _pipeline_health(raw) == unseen


@pytest.mark.parametrize(
    ("outcome", "offered"),
    [
        (Outcome.WORKING, {"retry", "refresh", "cancel"}),
        (Outcome.STALLED, {"retry", "cancel"}),
        (Outcome.RELEASED, set()),
    ],
)
def test_actions_are_offered_where_they_do_something(outcome: Outcome, offered: set[str]) -> None:
    raw = _raw(_record(outcome, Reason.PENDING))
    assert _offered(raw) == offered
    assert set(_run(ACTIONS["discovery.lua"], raw)) == {
        definition["name"] for definition in ACTIONS["definitions"]
    }


def _offered(raw: dict[str, Any]) -> set[str]:
    actions = _run(ACTIONS["discovery.lua"], raw)
    return {name for name, action in actions.items() if not action["disabled"]}


def test_a_plan_can_always_be_asked_for_again() -> None:
    raw = _raw(_record(Outcome.PLANNED, Reason.PLANNED)) | {"spec": {"mode": "Plan"}}
    assert _offered(raw) == {"retry", "refresh"}


@pytest.mark.parametrize("why", ["merged", "superseded", "cancelled"])
def test_what_cannot_be_taken_back_any_more_is_not_offered_to(why: str) -> None:
    record, spec = _record(Outcome.WORKING, Reason.PENDING), {"cancel": why == "cancelled"}
    if why == "merged":
        record = replace(record_before(StepName.DEPLOYED), reason=Reason.SYNCING)
    elif why == "superseded":
        record = _record(Outcome.STALLED, Reason.SUPERSEDED)
    assert "cancel" not in _offered(_raw(record) | {"spec": spec})


def test_to_cancel_sets_the_spec_and_nothing_else() -> None:
    [script] = [each["action.lua"] for each in ACTIONS["definitions"] if each["name"] == "cancel"]
    raw: dict[str, Any] = {"metadata": {"name": "a"}, "spec": {"tag": "v1.0.0"}}
    assert _run(script, raw) == {**raw, "spec": {"tag": "v1.0.0", "cancel": True}}


@pytest.mark.parametrize(
    "definition",
    [each for each in ACTIONS["definitions"] if each["name"] != "cancel"],
    ids=lambda each: each["name"],
)
@pytest.mark.parametrize("annotations", [None, {"mine": "x"}])
def test_an_action_sets_its_annotation_and_changes_nothing_else(
    definition: dict[str, str], annotations: dict[str, str] | None
) -> None:
    raw: dict[str, Any] = {"metadata": {"name": "a"}, "spec": {"tag": "v1.0.0"}}
    if annotations is not None:
        raw["metadata"]["annotations"] = annotations
    changed = _run(definition["action.lua"], raw)
    key = f"album.dev/{definition['name']}"
    moment = changed["metadata"]["annotations"].pop(key)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)
    assert changed == {**raw, "metadata": {"name": "a", "annotations": annotations or {}}}


def test_an_action_of_a_pipeline_lifts_the_holds_of_all_its_apps() -> None:
    actions = yaml.safe_load((PAGES / "pipeline-actions.yaml").read_text())
    definitions = {each["name"]: each["action.lua"] for each in actions["definitions"]}
    raw = raw_pipeline()
    offered = _run(actions["discovery.lua"], raw)
    assert offered.keys() == definitions.keys() == {"refresh", "lift-holds"}
    asked = _run(definitions["refresh"], raw)["metadata"]["annotations"]
    assert set(asked) == {"album.dev/refresh"}
    annotations = _run(definitions["lift-holds"], raw)["metadata"]["annotations"]
    assert set(annotations) == {f"{LIFT_PREFIX}backend", f"{LIFT_PREFIX}frontend"}
    assert all(datetime.fromisoformat(moment).tzinfo for moment in annotations.values())
