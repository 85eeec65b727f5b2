"""Deployed with `argocd.sync: Operation`: when a sync is due, and when it is not."""

from dataclasses import replace

import pytest

from album_operator.decisions import deploy, operation
from album_operator.decisions.application import ask
from album_operator.decisions.proof import DeploySeen
from album_operator.domain.applications import ApplicationSeen, ApplicationSource, OperationSeen
from album_operator.domain.argocd import NO_WISH, Sync
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ApplicationRecord, StepName
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Act, DeployAction, Halt, StartSync, Verdict, Wait
from tests.fakes.builders import (
    APPLICATION,
    APPLICATION_SEEN,
    CONFIG,
    IMAGE,
    MERGED,
    NOW,
    RESOLVED,
    record_before,
)

RECORD = record_before(StepName.DEPLOYED)
DIFFERS = replace(
    APPLICATION_SEEN,
    sources=(ApplicationSource(CONFIG, "backend", "HEAD", MERGED),),
    sync_status="OutOfSync",
)
FAILED = OperationSeen("Failed", (MERGED,), "no such namespace", NOW)


def _decide(
    seen: ApplicationSeen, sync: Sync = Sync.OPERATION, *, started: bool = False
) -> Verdict[DeployAction]:
    resolved = replace(RESOLVED, argocd=replace(RESOLVED.argocd, sync=sync, sync_policy=NO_WISH))
    asked = ask(APPLICATION, seen, Ref("album", "album-app"), consent=True)
    look = DeploySeen(seen, True, frozenset({MERGED}), asked, started=started)
    return deploy.decide(RECORD, resolved, {APPLICATION: look}, NOW)


def test_an_application_that_differs_at_our_revision_is_synced() -> None:
    verdict = _decide(DIFFERS)

    assert isinstance(verdict, Act)
    assert isinstance(verdict.action, StartSync)
    assert verdict.action.application.seen == DIFFERS


def test_one_whose_last_sync_failed_is_synced_anew() -> None:
    verdict = _decide(replace(DIFFERS, sync_status="Synced", operation=FAILED))

    assert isinstance(verdict, Act)


def test_a_sync_of_this_attempt_that_failed_ends_it() -> None:
    verdict = _decide(replace(DIFFERS, operation=FAILED), started=True)

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.SYNC_FAILED


@pytest.mark.parametrize(
    "seen",
    [
        replace(DIFFERS, operation_requested=True),
        replace(DIFFERS, operation=replace(FAILED, phase="Running")),
        replace(DIFFERS, operation=replace(FAILED, phase="Terminating")),
        replace(DIFFERS, sync_status="Unknown"),
    ],
    ids=["asked for", "running", "terminating", "unknown"],
)
def test_what_is_synced_or_cannot_be_told_is_waited_for(seen: ApplicationSeen) -> None:
    assert isinstance(_decide(seen), Wait)


def test_one_that_is_started_is_not_started_again() -> None:
    assert isinstance(_decide(DIFFERS, started=True), Wait)


@pytest.mark.parametrize("sync", [Sync.AUTOMATED, Sync.OBSERVE])
def test_otherwise_none_is_started(sync: Sync) -> None:
    assert isinstance(_decide(DIFFERS, sync), Wait)


def test_none_is_started_without_consent() -> None:
    verdict = _decide(replace(DIFFERS, consents=frozenset()))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.NOT_AUTHORIZED


def test_nobody_is_asked_to_compare_what_is_only_observed() -> None:
    behind = replace(DIFFERS, sources=(replace(DIFFERS.sources[0], revision="0" * 40),))

    assert isinstance(_decide(behind), Act)
    assert isinstance(_decide(behind, Sync.OBSERVE), Wait)


@pytest.mark.parametrize(
    "seen",
    [
        replace(DIFFERS, requested_attempt="uid/1"),
        replace(DIFFERS, operation=replace(FAILED, attempt="uid/1")),
    ],
    ids=["asked for", "running or ended"],
)
def test_a_sync_is_known_by_its_mark(seen: ApplicationSeen) -> None:
    assert operation.is_started(APPLICATION, seen, RECORD, "uid/1")
    assert not operation.is_started(APPLICATION, seen, RECORD, "uid/2")


def test_a_sync_that_another_has_followed_is_remembered() -> None:
    other = Ref("argocd", "other")
    record = operation.note_started(RECORD, APPLICATION)
    record = operation.note_started(
        replace(record, applications=(*record.applications, ApplicationRecord("argocd", "x"))),
        other,
    )

    assert operation.is_started(APPLICATION, DIFFERS, record, "uid/1")
    assert operation.is_started(other, DIFFERS, record, "uid/1")
    assert not operation.is_started(Ref("argocd", "x"), DIFFERS, record, "uid/1")
    assert len(record.applications) == 3


def test_a_child_of_an_app_of_apps_is_synced_after_the_one_that_renders_it() -> None:
    child = replace(
        APPLICATION_SEEN,
        name="child",
        sources=(ApplicationSource("https://charts.example.org", "", "1.0.0", "1.0.0"),),
        sync_status="OutOfSync",
        is_of_spec=True,
        images=(f"{IMAGE}:v1.0.0",),
    )
    parent = replace(DIFFERS, images=(), renders={child.ref: "OutOfSync"})
    resolved = replace(
        RESOLVED, argocd=replace(RESOLVED.argocd, sync=Sync.OPERATION, sync_policy=NO_WISH)
    )

    def decide(parent: ApplicationSeen, *, started: bool) -> Verdict[DeployAction]:
        seen = {
            one.ref: DeploySeen(
                one,
                True,
                frozenset({MERGED}),
                ask(one.ref, one, Ref("album", "album-app"), consent=True),
                started=started and one is parent,
            )
            for one in (parent, child)
        }
        return deploy.decide(RECORD, resolved, seen, NOW)

    first = decide(parent, started=False)
    assert isinstance(first, Act)
    assert isinstance(first.action, StartSync)
    assert first.action.application.seen is parent
    done = replace(parent, sync_status="Synced", renders={child.ref: "Synced"})
    second = decide(done, started=True)
    assert isinstance(second, Act)
    assert isinstance(second.action, StartSync)
    assert second.action.application.seen is child
