"""What a release in mode Plan would do, found out by looking only."""

import json
from collections.abc import Mapping

from album_operator.decisions import plan as decision
from album_operator.decisions import preflight
from album_operator.domain.diffs import PLAN_DIFF_BYTES, cut_diff
from album_operator.domain.places import GitPlace
from album_operator.domain.record import Record
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ApplicationSeen
from album_operator.domain.verdict import Verdict
from album_operator.ports import ConfigRepository
from album_operator.render import proposal
from album_operator.render.sync_policy import patch_for


async def plan(
    config: ConfigRepository,
    place: GitPlace,
    record: Record,
    resolved: Resolved,
    applications: Mapping[Ref, ApplicationSeen | None],
) -> Verdict:
    """Make the edits on the base branch as it is, and let git compare.

    Args:
        config: the config repository.
        place: where it is.
        record: what is known of the release.
        resolved: what the checks before the first write made of the release.
        applications: the Applications it names, as they are.
    """
    paths = proposal.edited_paths(resolved.config.edits)
    seen = await config.look(place, resolved.config.base_branch, paths, None)
    refused = preflight.check_config(resolved, seen)
    if refused is not None:
        return refused
    edited = proposal.edited_files(resolved, seen.files)
    diff = await config.diff(place, seen.base_commit or "", edited)
    patches = {
        ref: json.dumps(patch_for(found, resolved.argocd.sync_policy))
        for ref, found in applications.items()
        if found is not None
    }
    return decision.decide(record, resolved, seen, cut_diff(diff, PLAN_DIFF_BYTES), patches)
