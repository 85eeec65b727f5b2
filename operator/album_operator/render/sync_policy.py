"""Sync policies of Argo CD Applications: what ours shall be, and the patch that leads there."""

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import SyncPolicyWish

PREVIOUS_POLICY = "album.dev/previous-sync-policy"
REFRESH = "argocd.argoproj.io/refresh"

REFRESH_TIMESTAMP = "argocd.argoproj.io/refresh-timestamp"
"""Which request a refresh is: of one that comes while another is answered, Argo CD 3.6 knows by it
that it is still to be answered. Earlier versions leave it alone."""

OUT_OF_SYNC_ONLY = "ApplyOutOfSyncOnly"


def policy_after(current: Mapping[str, Any] | None, wish: SyncPolicyWish) -> dict[str, Any]:
    """Give a sync policy as it is to be: the wish met, and everything else as it was.

    `selfHeal` and `prune` are fields of `automated`, so that wishing for one, even for False,
    switches automated sync on where it is not. An absent one counts as False, for Argo CD leaves
    False out when it writes an Application.

    Args:
        current: `spec.syncPolicy`, None where the Application has none.
        wish: what it shall be; None in a field leaves that field alone.
    """
    policy: dict[str, Any] = deepcopy(dict(current or {}))
    wanted = {"selfHeal": wish.self_heal, "prune": wish.prune}
    for field, value in wanted.items():
        if value is None:
            continue
        automated = policy.get("automated")
        if automated is None:
            policy["automated"] = {field: value}
        elif bool(automated.get(field)) is not value:
            automated[field] = value
    if wish.apply_out_of_sync_only is not None:
        options = policy.get("syncOptions") or []
        changed = _options_after(options, wanted=wish.apply_out_of_sync_only)
        if changed != options:
            policy["syncOptions"] = changed
    return policy


def is_applied(current: Mapping[str, Any] | None, wish: SyncPolicyWish) -> bool:
    """Tell whether a sync policy is already as wished."""
    return policy_after(current, wish) == dict(current or {})


def is_disabled(current: Mapping[str, Any] | None) -> bool:
    """Tell whether its owner switched automated sync off with `automated.enabled: false`.

    The switch exists since Argo CD 3.0; an absent one means on.
    """
    automated = (current or {}).get("automated") or {}
    return automated.get("enabled") is False


def patch_for(
    seen: ApplicationSeen, wish: SyncPolicyWish, at: datetime | None = None
) -> dict[str, Any]:
    """Render the JSON merge patch (RFC 7396) that brings an Application to the wish.

    A merge patch replaces lists as a whole, so it holds all of `syncOptions`: the caller must
    refuse to send it when the Application changed since it was seen. The policy found by the first
    patch is kept in an annotation, `null` for none, so that it can be given back.

    Returns:
        A patch of `spec.syncPolicy` where it differs, and of the annotations; it asks Argo CD to
        refresh the Application in any case.
    """
    after = policy_after(seen.sync_policy, wish)
    before = dict(seen.sync_policy or {})
    patch = refresh_patch(at)
    changed = _changed_fields(before, after)
    if changed:
        patch["spec"] = {"syncPolicy": changed}
        if seen.previous_policy is None:
            patch["metadata"]["annotations"][PREVIOUS_POLICY] = json.dumps(
                seen.sync_policy and before, sort_keys=True, separators=(",", ":")
            )
    return patch


def refresh_patch(at: datetime | None, *, is_hard: bool = False) -> dict[str, Any]:
    """Render the JSON merge patch that asks Argo CD to compare an Application again.

    Args:
        at: when it is asked for; None in a plan.
        is_hard: whether it renders the manifests anew, whatever it has in its cache.
    """
    annotations = {REFRESH: "hard" if is_hard else "normal"}
    if at is not None:
        annotations[REFRESH_TIMESTAMP] = f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
    return {"metadata": {"annotations": annotations}}


def _options_after(options: list[Any], *, wanted: bool) -> list[Any]:
    """Put our option where it is, or at the end; other options keep their order."""
    ours = f"{OUT_OF_SYNC_ONLY}={'true' if wanted else 'false'}"
    changed: list[Any] = []
    for option in options:
        if not str(option).startswith(f"{OUT_OF_SYNC_ONLY}="):
            changed.append(option)
        elif ours not in changed:
            changed.append(ours)
    if wanted and ours not in changed:
        changed.append(ours)
    return changed


def _changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    automated = after.get("automated") or {}
    known = before.get("automated") or {}
    fields = {name: value for name, value in automated.items() if known.get(name, ...) != value}
    if fields:
        changed["automated"] = fields
    if after.get("syncOptions") != before.get("syncOptions"):
        changed["syncOptions"] = after["syncOptions"]
    return changed
