"""SyncPolicyApplied: each Application in turn, and only with consent."""

from dataclasses import replace

import pytest

from album_operator.decisions import sync as decision
from album_operator.decisions.sync import PolicySeen
from album_operator.domain.applications import ConsentedApplication
from album_operator.domain.argocd import Sync
from album_operator.domain.reasons import Reason
from album_operator.domain.record import StepName
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Act, ApplySyncPolicy, Done, Halt, SyncAction, Verdict
from tests.fakes.builders import (
    APPLICATION,
    APPLICATION_SEEN,
    RELEASE,
    RESOLVED,
    record_before,
)

RECORD = record_before(StepName.SYNC_POLICY_APPLIED)
OTHER = Ref("argocd", "backend-eu")
AS_WISHED = PolicySeen(APPLICATION_SEEN, is_applied=True, is_disabled=False)
TO_DO = replace(AS_WISHED, is_applied=False)


def _decide(seen: dict[Ref, PolicySeen]) -> Verdict[SyncAction]:
    return decision.decide(RELEASE, RECORD, RESOLVED, seen, consent=True)


def test_a_policy_that_differs_is_patched() -> None:
    verdict = _decide({APPLICATION: TO_DO})

    assert isinstance(verdict, Act)
    assert verdict.action == ApplySyncPolicy(ConsentedApplication(APPLICATION_SEEN))


def test_applications_are_patched_one_after_the_other() -> None:
    verdict = _decide({APPLICATION: AS_WISHED, OTHER: TO_DO})

    assert isinstance(verdict, Act)
    assert verdict.action == ApplySyncPolicy(ConsentedApplication(APPLICATION_SEEN))


def test_policies_as_wished_end_the_step() -> None:
    verdict = _decide({APPLICATION: AS_WISHED, OTHER: AS_WISHED})

    assert isinstance(verdict, Done)
    assert "argocd/album-app-backend and argocd/backend-eu" in verdict.message


def test_a_switch_its_owner_turned_off_is_not_turned_on() -> None:
    verdict = _decide({APPLICATION: replace(TO_DO, is_disabled=True)})

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.AUTO_SYNC_DISABLED
    assert "automated.enabled" in verdict.sentence


def test_consent_that_was_taken_back_is_respected() -> None:
    seen = replace(TO_DO, application=replace(APPLICATION_SEEN, consents=frozenset()))
    verdict = _decide({APPLICATION: seen})

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.NOT_AUTHORIZED


def test_an_application_that_is_gone_stops_the_release() -> None:
    verdict = _decide({APPLICATION: replace(TO_DO, application=None)})

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.APPLICATION_NOT_FOUND


@pytest.mark.parametrize("sync", [Sync.OPERATION, Sync.OBSERVE])
def test_where_argo_cd_is_not_to_sync_by_itself_the_policy_is_left(sync: Sync) -> None:
    resolved = replace(RESOLVED, argocd=replace(RESOLVED.argocd, sync=sync))
    seen = {APPLICATION: replace(TO_DO, is_disabled=True)}
    verdict = decision.decide(RELEASE, RECORD, resolved, seen, consent=True)

    assert isinstance(verdict, Done)
    assert verdict.reason is Reason.NO_CHANGE
    assert f"is left as it is (argocd.sync: {sync})" in verdict.message


def test_that_automated_sync_is_switched_on_is_told_with_what_it_deploys() -> None:
    differs = replace(APPLICATION_SEEN, out_of_sync=3)
    verdict = _decide({APPLICATION: replace(TO_DO, application=differs, switches_on=True)})

    assert isinstance(verdict, Act)
    assert "Argo CD deploys what is OutOfSync at once, now 3 of its resources" in verdict.message


def test_whoever_takes_the_policy_back_three_times_is_left_alone() -> None:
    other = Ref("argocd", "other")
    record = decision.note_patched(RECORD, other)
    for _ in range(decision.TRIES):
        verdict = decision.decide(RELEASE, record, RESOLVED, {APPLICATION: TO_DO}, consent=True)
        assert isinstance(verdict, Act)
        record = decision.note_patched(record, APPLICATION)
    verdict = decision.decide(RELEASE, record, RESOLVED, {APPLICATION: TO_DO}, consent=True)

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.MANAGED_ELSEWHERE
