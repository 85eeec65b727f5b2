"""Plan: what a release would do, from what the checks before its first write have seen."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from album_operator.domain.argocd import Sync
from album_operator.domain.diffs import UNKNOWN_DIGEST_NOTE, has_unknown_digest
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, ImageRecord, PlannedPatch, PlanRecord, Record
from album_operator.domain.release import BuildType, ProofBy, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigSeen
from album_operator.domain.verdict import Done


def decide(
    record: Record,
    resolved: Resolved,
    seen: ConfigSeen,
    diff: str,
    patches: Mapping[Ref, str],
    notes: Iterable[str] = (),
    there: ImageRecord | None = None,
) -> Done:
    """Write down what a release would do.

    Args:
        record: what is known of the release.
        resolved: what it would do.
        seen: the base branch the diff is against.
        diff: unified diff of the change, empty where nothing would change.
        patches: JSON merge patch of each Application, as text.
        notes: what else changes with the edited values, as sentences.
        there: the image that is there already and would be used.
    """
    config = resolved.config
    plan = PlanRecord(
        image=resolved.build.image,
        branch=config.branch,
        # The checks, asked before, have refused a missing base.
        base_commit=seen.base_commit or "",
        diff=diff,
        applications=tuple(
            PlannedPatch(ref.namespace, ref.name, patch) for ref, patch in patches.items()
        ),
    )
    if has_unknown_digest(diff):
        notes = (*notes, UNKNOWN_DIGEST_NOTE)
    message = (
        f"Nothing was done. Applied, the release would {_get_image(resolved, there)}, "
        f"{_change(resolved, seen, diff)}, and {_deploy(resolved)}. Set spec.mode to Apply to do "
        "it."
    )
    return Done(replace(record, plan=plan), Reason.PLANNED, " ".join((message, *notes)))


def _get_image(resolved: Resolved, there: ImageRecord | None) -> str:
    """Say where the image would come from, and what would not be proved of it."""
    build = resolved.build
    if there is not None:
        reused = f"use {build.image}@{there.digest}, which is there already"
        is_adopted = there.origin is ImageOrigin.ADOPTED
        return f"{reused}, as it is (existingImage: Adopt)" if is_adopted else reused
    if build.type is BuildType.EXTERNAL:
        return f"wait for {build.image}, which is built elsewhere and not there yet"
    if build.proof is ProofBy.BUILDER:
        return (
            f"build {build.image}, over what may be there already (proof: Builder asks no registry)"
        )
    return f"build {build.image}"


def _change(resolved: Resolved, seen: ConfigSeen, diff: str) -> str:
    where = f"branch {seen.base_branch} of {resolved.config.repository}"
    if diff:
        return f"propose {resolved.config.branch} to {where}"
    return f"propose nothing, as {where} holds {resolved.version} already"


def _deploy(resolved: Resolved) -> str:
    names = join_words(map(str, resolved.argocd.applications))
    match resolved.argocd.sync:
        case Sync.AUTOMATED:
            return f"patch {names}"
        case Sync.OPERATION:
            return f"have Argo CD sync {names} once"
        case Sync.OBSERVE:
            return f"watch {names}, which others sync"
        case _:
            assert_never(resolved.argocd.sync)
