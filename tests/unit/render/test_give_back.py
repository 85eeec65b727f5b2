"""The sync policy from before us, given back as far as nobody has changed it since."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import SyncPolicyWish
from album_operator.render.sync_policy import (
    APPLIED_POLICY,
    PREVIOUS_POLICY,
    give_back_patch,
    patch_for,
    switches_on,
)
from tests.fakes.builders import APPLICATION_SEEN
from tests.unit.render.test_sync_policy import POLICIES, merged

Policy = dict[str, Any] | None

OURS = "ApplyOutOfSyncOnly=true"
DEFAULT = SyncPolicyWish()


def _patched(seen: ApplicationSeen, patch: dict[str, Any]) -> ApplicationSeen:
    """Give an Application as a merge patch leaves it."""
    raw = {
        "metadata": {
            "annotations": {
                PREVIOUS_POLICY: seen.previous_policy,
                APPLIED_POLICY: seen.applied_policy,
            }
        },
        "spec": {"syncPolicy": seen.sync_policy},
    }
    raw = merged(raw, patch)
    annotations = raw["metadata"]["annotations"]
    return replace(
        seen,
        sync_policy=raw["spec"].get("syncPolicy"),
        previous_policy=annotations.get(PREVIOUS_POLICY),
        applied_policy=annotations.get(APPLIED_POLICY),
    )


def _left(policy: Policy, wish: SyncPolicyWish = DEFAULT) -> ApplicationSeen:
    """Give an Application as we leave it."""
    seen = replace(APPLICATION_SEEN, sync_policy=policy)
    return _patched(seen, patch_for(seen, wish))


def _given_back(seen: ApplicationSeen) -> ApplicationSeen:
    patch = give_back_patch(seen)
    assert patch is not None
    return _patched(seen, patch)


def _without_nulls(policy: Any) -> Any:  # noqa: ANN401
    return policy and {key: value for key, value in policy.items() if value is not None}


@given(POLICIES, st.booleans(), st.booleans(), st.none() | st.booleans())
def test_what_nobody_has_changed_is_as_it_was_before(
    policy: Policy, heals: bool, only: bool, prunes: bool | None
) -> None:
    left = _left(policy, SyncPolicyWish(heals, only, prunes))
    if left.previous_policy is None:  # Nothing was changed, so nothing is kept.
        return
    back = _given_back(left)

    assert _without_nulls(back.sync_policy) == _without_nulls(policy)
    assert (back.previous_policy, back.applied_policy) == (None, None)


@pytest.mark.parametrize(
    "theirs",
    [{"selfHeal": True, "prune": True}, {"selfHeal": True, "enabled": False}, {}, {"prune": True}],
)
def test_automated_sync_that_somebody_changed_since_is_theirs(theirs: dict[str, bool]) -> None:
    changed = replace(_left(None), sync_policy={"automated": theirs, "syncOptions": [OURS]})

    assert _given_back(changed).sync_policy == {"automated": theirs}


def test_automated_sync_that_somebody_took_away_stays_away() -> None:
    changed = replace(_left({"automated": {}}), sync_policy={"syncOptions": [OURS]})

    assert _given_back(changed).sync_policy == {}


def test_what_argo_cd_leaves_out_is_no_change() -> None:
    left = _left({"automated": {"prune": True}}, SyncPolicyWish(self_heal=False))
    assert left.sync_policy is not None
    written = replace(left, sync_policy={**left.sync_policy, "automated": {"prune": True}})

    assert _given_back(written).sync_policy == {"automated": {"prune": True}}


def test_options_that_others_added_since_stay() -> None:
    left = _left({"syncOptions": ["A=1"]})
    changed = replace(left, sync_policy={**(left.sync_policy or {}), "syncOptions": ["B=2", OURS]})

    assert _given_back(changed).sync_policy == {"syncOptions": ["B=2"]}


def test_our_option_that_somebody_took_away_stays_away() -> None:
    left = _left({"syncOptions": ["ApplyOutOfSyncOnly=false"]})
    changed = replace(left, sync_policy={**(left.sync_policy or {}), "syncOptions": []})

    assert _given_back(changed).sync_policy == {"syncOptions": []}


def test_automated_sync_that_somebody_changed_between_two_releases_stays_theirs() -> None:
    theirs = {"automated": {"selfHeal": True, "prune": True}}
    changed = replace(_left(None), sync_policy=theirs)
    again = _patched(changed, patch_for(changed, DEFAULT))

    assert again.sync_policy == {**theirs, "syncOptions": [OURS]}
    assert _given_back(again).sync_policy == theirs


@pytest.mark.parametrize("kept", [None, "", "[]", "{", '"x"'])
def test_what_the_annotations_do_not_tell_is_not_given_back(kept: str | None) -> None:
    left = _left(None)

    assert give_back_patch(replace(left, previous_policy=kept)) is None
    assert give_back_patch(replace(left, applied_policy=kept)) is None


@pytest.mark.parametrize(
    ("policy", "wish", "is_switched_on"),
    [
        (None, DEFAULT, True),
        ({"syncOptions": []}, DEFAULT, True),
        ({"automated": {}}, DEFAULT, False),
        (None, SyncPolicyWish(self_heal=None), False),
    ],
)
def test_whether_automated_sync_is_switched_on_is_told(
    policy: Policy, wish: SyncPolicyWish, is_switched_on: bool
) -> None:
    assert switches_on(policy, wish) is is_switched_on


def test_where_all_was_changed_since_the_annotations_alone_go() -> None:
    left = replace(_left(None), sync_policy={"automated": {}})

    assert give_back_patch(left) == {
        "metadata": {"annotations": {PREVIOUS_POLICY: None, APPLIED_POLICY: None}}
    }
