"""Sync policies of Argo CD Applications: what ours shall be, and the patch that leads there."""

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import SyncPolicyWish

PREVIOUS_POLICY = "album.dev/previous-sync-policy"
APPLIED_POLICY = "album.dev/applied-sync-policy"
"""The policy as we left it, by which it is told whether somebody has changed it since."""

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
    patch is kept in an annotation, `null` for none, so that it can be given back; the one it leaves
    in another.

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
        annotations = patch["metadata"]["annotations"]
        annotations[APPLIED_POLICY] = _render(_as_left(seen, before, after))
        if seen.previous_policy is None:
            annotations[PREVIOUS_POLICY] = _render(seen.sync_policy and before)
    return patch


def give_back_patch(seen: ApplicationSeen) -> dict[str, Any] | None:
    """Render the JSON merge patch that gives an Application the policy back that it had before us.

    Automated sync and our option are given back each if it is as we left it: what somebody has
    changed since is theirs. The annotations go in any case.

    Returns:
        None where the annotations do not tell what was there, and what we left.
    """
    before, left = _parse(seen.previous_policy), _parse(seen.applied_policy)
    if before is None or left is None:
        return None
    now = dict(seen.sync_policy or {})
    after = deepcopy(now)
    if _told(now) == _told(left):
        _put(after, "automated", before.get("automated"))
    if _ours(now) == _ours(left) != _ours(before):
        is_as_left = now.get("syncOptions") == left.get("syncOptions")
        options: Any = now.get("syncOptions") or []
        others = [option for option in options if option not in _ours(now)]
        restored = before.get("syncOptions") if is_as_left else [*others, *_ours(before)]
        _put(after, "syncOptions", restored)
    patch: dict[str, Any] = {
        "metadata": {"annotations": {PREVIOUS_POLICY: None, APPLIED_POLICY: None}}
    }
    if after == now:
        return patch
    is_none = seen.previous_policy == _render(None) and not after
    return {**patch, "spec": {"syncPolicy": None if is_none else _difference(now, after)}}


def switches_on(current: Mapping[str, Any] | None, wish: SyncPolicyWish) -> bool:
    """Tell whether the wish switches automated sync on where it is not."""
    is_on = (current or {}).get("automated") is not None
    return not is_on and policy_after(current, wish).get("automated") is not None


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


def _as_left(
    seen: ApplicationSeen, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Give the policy as we leave it; automated sync that somebody changed since stays theirs."""
    left = _parse(seen.applied_policy)
    if left is None or _told(left) == _told(before):
        return after
    return {**after, "automated": left.get("automated")}


def _told(policy: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give what a policy says of automated sync, whether or not False is written out."""
    automated = policy.get("automated")
    if automated is None:
        return None
    return {key: value for key, value in automated.items() if value or key == "enabled"}


def _ours(policy: Mapping[str, Any]) -> list[Any]:
    options = policy.get("syncOptions") or []
    return [option for option in options if str(option).startswith(f"{OUT_OF_SYNC_ONLY}=")]


def _put(policy: dict[str, Any], field: str, value: object) -> None:
    policy.pop(field, None)
    if value is not None:
        policy[field] = value


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Render the merge patch from one map to another."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        known = before.get(key, ...)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            value = _difference(known, value)
            known = {}
        if value != known:
            patch[key] = value
    return patch


def _render(policy: object) -> str:
    return json.dumps(policy, sort_keys=True, separators=(",", ":"))


def _parse(text: str | None) -> Mapping[str, Any] | None:
    """Read a policy that an annotation keeps; None for no annotation, or none that we wrote."""
    try:
        policy = json.loads(text) if text is not None else []
    except ValueError:
        return None
    if policy is None:
        return {}
    return policy if isinstance(policy, Mapping) else None
