"""Sync policies: the wish is met, nothing is lost, and the previous policy is kept."""

import json
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import SyncPolicyWish
from album_operator.render.sync_policy import (
    is_applied,
    is_disabled,
    patch_for,
    policy_after,
    refresh_patch,
)
from tests.fakes.builders import NOW

DEFAULT = SyncPolicyWish()
NOTHING = SyncPolicyWish(self_heal=None, apply_out_of_sync_only=None)
ONLY = "ApplyOutOfSyncOnly=true"

Policy = dict[str, Any]


def application(policy: Policy | None, previous: str | None = None) -> ApplicationSeen:
    return ApplicationSeen(
        namespace="argocd",
        name="album-app-backend",
        resource_version="7",
        sources=(),
        consents=frozenset(),
        previous_policy=previous,
        sync_policy=policy,
        refresh_requested=False,
        sync_status="Synced",
        health="Healthy",
        images=(),
        health_since=None,
        reconciled_at=None,
        operation=None,
        operation_requested=False,
        conditions={},
    )


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401
    """Apply a JSON merge patch by the algorithm of RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@pytest.mark.parametrize(
    ("current", "wish", "after"),
    [
        (None, DEFAULT, {"automated": {"selfHeal": True}, "syncOptions": [ONLY]}),
        ({}, DEFAULT, {"automated": {"selfHeal": True}, "syncOptions": [ONLY]}),
        (
            {"automated": None, "syncOptions": None},
            DEFAULT,
            {"automated": {"selfHeal": True}, "syncOptions": [ONLY]},
        ),
        (
            {
                "automated": {"prune": True, "allowEmpty": True},
                "retry": {"limit": 3},
                "syncOptions": ["CreateNamespace=true", "ServerSideApply=true"],
            },
            DEFAULT,
            {
                "automated": {"prune": True, "allowEmpty": True, "selfHeal": True},
                "retry": {"limit": 3},
                "syncOptions": ["CreateNamespace=true", "ServerSideApply=true", ONLY],
            },
        ),
        (
            {"syncOptions": ["A=b", "ApplyOutOfSyncOnly=false", "C=d"]},
            SyncPolicyWish(self_heal=None),
            {"syncOptions": ["A=b", ONLY, "C=d"]},
        ),
        (
            {"syncOptions": ["ApplyOutOfSyncOnly=false", "A=b", ONLY]},
            SyncPolicyWish(self_heal=None),
            {"syncOptions": [ONLY, "A=b"]},
        ),
        (
            {"syncOptions": [ONLY, "A=b"]},
            SyncPolicyWish(self_heal=None, apply_out_of_sync_only=False),
            {"syncOptions": ["ApplyOutOfSyncOnly=false", "A=b"]},
        ),
        (
            {"syncOptions": ["A=b"]},
            SyncPolicyWish(self_heal=None, apply_out_of_sync_only=False),
            {"syncOptions": ["A=b"]},
        ),
        (
            {"automated": {"selfHeal": True, "prune": True}},
            SyncPolicyWish(self_heal=False, apply_out_of_sync_only=None, prune=False),
            {"automated": {"selfHeal": False, "prune": False}},
        ),
        (
            None,
            SyncPolicyWish(self_heal=False, apply_out_of_sync_only=None),
            {"automated": {"selfHeal": False}},
        ),
        ({"automated": {}}, SyncPolicyWish(False, None), {"automated": {}}),
        ({"automated": {"enabled": True}}, NOTHING, {"automated": {"enabled": True}}),
        (None, NOTHING, {}),
    ],
)
def test_a_policy_meets_the_wish_and_keeps_the_rest(
    current: Policy | None, wish: SyncPolicyWish, after: Policy
) -> None:
    before = deepcopy(current)
    assert policy_after(current, wish) == after
    assert current == before
    assert is_applied(after, wish)
    assert is_applied(current, wish) == (after == (current or {}))


@pytest.mark.parametrize(
    ("policy", "disabled"),
    [
        (None, False),
        ({}, False),
        ({"automated": None}, False),
        ({"automated": {}}, False),
        ({"automated": {"enabled": True}}, False),
        ({"automated": {"enabled": False, "selfHeal": True}}, True),
    ],
)
def test_the_owners_switch_is_seen(policy: Policy | None, disabled: bool) -> None:
    assert is_disabled(policy) is disabled


def test_the_patch_of_an_application_without_a_policy_is_as_recorded() -> None:
    assert patch_for(application(None), DEFAULT) == {
        "metadata": {
            "annotations": {
                "album.dev/previous-sync-policy": "null",
                "album.dev/applied-sync-policy": (
                    '{"automated":{"selfHeal":true},"syncOptions":["ApplyOutOfSyncOnly=true"]}'
                ),
                "argocd.argoproj.io/refresh": "normal",
            }
        },
        "spec": {"syncPolicy": {"automated": {"selfHeal": True}, "syncOptions": [ONLY]}},
    }


def test_the_patch_has_only_what_changes_but_all_sync_options() -> None:
    policy = {"automated": {"prune": True}, "retry": {"limit": 2}, "syncOptions": ["A=b"]}
    patch = patch_for(application(policy), DEFAULT)
    assert patch["spec"] == {
        "syncPolicy": {"automated": {"selfHeal": True}, "syncOptions": ["A=b", ONLY]}
    }
    kept = patch["metadata"]["annotations"]["album.dev/previous-sync-policy"]
    assert json.loads(kept) == policy
    assert kept == ('{"automated":{"prune":true},"retry":{"limit":2},"syncOptions":["A=b"]}')


def test_the_first_kept_policy_stays() -> None:
    patch = patch_for(application({"automated": {}}, previous="null"), DEFAULT)
    assert "album.dev/previous-sync-policy" not in patch["metadata"]["annotations"]
    assert "spec" in patch


def test_an_empty_policy_is_kept_as_what_it_was() -> None:
    patch = patch_for(application({}), DEFAULT)
    assert patch["metadata"]["annotations"]["album.dev/previous-sync-policy"] == "{}"


def test_a_policy_as_wished_is_only_refreshed() -> None:
    policy = {"automated": {"selfHeal": True}, "syncOptions": [ONLY]}
    assert patch_for(application(policy), DEFAULT, NOW) == refresh_patch(NOW)
    assert refresh_patch(None) == {
        "metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}
    }


def test_each_refresh_is_told_from_the_one_before_by_its_time() -> None:
    one = refresh_patch(NOW)["metadata"]["annotations"]
    other = refresh_patch(NOW + timedelta(microseconds=1), is_hard=True)["metadata"]["annotations"]

    assert one == {
        "argocd.argoproj.io/refresh": "normal",
        "argocd.argoproj.io/refresh-timestamp": "2026-11-20T12:00:00.000000Z",
    }
    assert other == {
        "argocd.argoproj.io/refresh": "hard",
        "argocd.argoproj.io/refresh-timestamp": "2026-11-20T12:00:00.000001Z",
    }


BOOLEANS = st.none() | st.booleans()
OPTIONS = st.sampled_from([ONLY, "ApplyOutOfSyncOnly=false", "CreateNamespace=true", "X=y"])
POLICIES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "automated": st.none()
        | st.dictionaries(st.sampled_from(["selfHeal", "prune", "allowEmpty"]), st.booleans()),
        "syncOptions": st.none() | st.lists(OPTIONS, max_size=4),
        "retry": st.just({"limit": 1}),
    },
)


@given(POLICIES, st.builds(SyncPolicyWish, BOOLEANS, BOOLEANS, BOOLEANS))
def test_any_patch_leads_to_the_wish_and_a_second_one_changes_nothing(
    policy: Policy | None, wish: SyncPolicyWish
) -> None:
    seen = application(policy)
    spec = {} if policy is None else {"syncPolicy": policy}
    after = merged(spec, patch_for(seen, wish).get("spec", {})).get("syncPolicy")
    assert is_applied(after, wish)
    assert "spec" not in patch_for(application(after), wish)
    others = [option for option in (policy or {}).get("syncOptions") or [] if "OutOf" not in option]
    left = [option for option in (after or {}).get("syncOptions") or [] if "OutOf" not in option]
    assert left == others
    assert (after or {}).get("retry") == (policy or {}).get("retry")
