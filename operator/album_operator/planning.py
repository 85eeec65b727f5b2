"""What a release would do, found out by looking only: for mode Plan and for `album plan`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from album_operator import editing
from album_operator.decisions import plan as decision
from album_operator.decisions import preflight
from album_operator.domain.diffs import PLAN_DIFF_BYTES, UNKNOWN_DIGEST, cut_diff
from album_operator.domain.places import GitPlace
from album_operator.domain.record import Record
from album_operator.domain.release import Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ApplicationSeen, ConfigSeen
from album_operator.domain.verdict import Halt, Verdict
from album_operator.ports import ConfigReader, Editor
from album_operator.render import proposal
from album_operator.render.sync_policy import patch_for


@dataclass(frozen=True)
class Change:
    """What a release would change.

    Attributes:
        seen: the config repository it was found out on.
        diff: unified diff as git makes it; empty where nothing would change.
    """

    seen: ConfigSeen
    diff: str


@dataclass(frozen=True)
class Reading:
    """What a plan is found out with."""

    config: ConfigReader
    editor: Editor


async def find_change(
    reading: Reading, place: GitPlace, base: str | None, release: Release, resolved: Resolved
) -> Change | Halt:
    """Make the edits on the base as it is, and let git compare.

    Args:
        reading: the config repository, and who edits its files.
        place: where it is.
        base: the base branch, or whatever else the reader takes for it.
        release: the release.
        resolved: what it would do.

    Raises:
        OutsideError: the repository cannot be read.
        NotEditableError: one of the edits is not possible.
    """
    paths = proposal.edited_paths(resolved.config.edits)
    seen = await reading.config.look(place, base, paths, None)
    refused = preflight.check_config(resolved, seen)
    if refused is not None:
        return refused
    edited = await editing.edit(reading.editor, release, resolved, seen.files, UNKNOWN_DIGEST)
    refused = preflight.check_order(release, resolved, edited.current)
    if refused is not None:
        return refused
    return Change(seen, await reading.config.diff(place, seen.base_commit or "", edited.files))


async def plan(
    reading: Reading,
    place: GitPlace,
    release: Release,
    record: Record,
    resolved: Resolved,
    applications: Mapping[Ref, ApplicationSeen | None],
) -> Verdict:
    """Tell all a release would do that passed the checks before the first write.

    Args:
        reading: the config repository, and who edits its files.
        place: where it is.
        release: the release.
        record: what is known of it.
        resolved: what the checks made of it.
        applications: the Applications it names, as they are.
    """
    change = await find_change(reading, place, resolved.config.base_branch, release, resolved)
    if isinstance(change, Halt):
        return change
    patches = {
        ref: json.dumps(patch_for(found, resolved.argocd.sync_policy))
        for ref, found in applications.items()
        if found is not None
    }
    diff = cut_diff(change.diff, PLAN_DIFF_BYTES)
    return decision.decide(record, resolved, change.seen, diff, patches)
