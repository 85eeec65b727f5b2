"""A release that is overtaken: where Argo CD compares to, its edits' places hold other values.

A newer version there ends it as `Superseded`, anything else as `Overwritten`: a commit that takes
the change back, a merge that lost it, an older version on purpose.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from album_operator.decisions.edits import ORDERS, is_of_another_image, version_in
from album_operator.decisions.overrides import differs
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.claims import UNMERGED, ReleaseSeen
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, SupersededBy
from album_operator.domain.redaction import head
from album_operator.domain.release import Edit, Ref, Release
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigCommit
from album_operator.domain.verdict import Halt
from album_operator.domain.versions import is_newer

MOST_NAMED = 3
"""How many of the places that hold other values a message names."""

NAME_LENGTH, VALUE_LENGTH = 64, 256
"""Longest part of an author's name, and of a value, that is told."""


@dataclass(frozen=True)
class Overtaken:
    """What took the place of a release's values.

    Attributes:
        revision: of the config repository, which has the release's commit.
        values: what each edit's place holds there, of those that hold another value than ours.
        commit: that put them there; None where that is not known.
        release: named by that commit, or one in flight that is past its merge; None for neither.
        version: of that release; None where nothing tells.
    """

    revision: str
    values: Mapping[Edit, str]
    commit: ConfigCommit | None = None
    release: Ref | None = None
    version: str | None = None


def find_others(wanted: Mapping[Edit, str], present: Mapping[Edit, str]) -> Mapping[Edit, str]:
    """Give what is at the edits' places, of those that hold another value than ours.

    Args:
        wanted: what each edit writes.
        present: what is there, of those that could be read: of a place that is gone nobody knows
            what it became.
    """
    return {edit: value for edit, value in present.items() if differs(edit, value, wanted[edit])}


def find_successor(
    values: Mapping[Edit, str], release: Release, known: Mapping[str, ReleaseSeen]
) -> Ref | None:
    """Find the release in flight whose version is there now, which it has merged itself.

    Args:
        values: what is there.
        release: that is overtaken.
        known: the releases of its app, by name.
    """
    versions = {version_in(edit, value) for edit, value in values.items()}
    for name, other in known.items():
        is_past_merge = other.outcome is Outcome.WORKING and other.step not in {*UNMERGED, None}
        if name != release.ref.name and is_past_merge and other.version in versions:
            return Ref(release.ref.namespace, name)
    return None


def end(seen: ApplicationSeen, overtaken: Overtaken, resolved: Resolved) -> Halt:
    """End a release whose values are not those that an Application is to run.

    Args:
        seen: an Application that is compared to the revision.
        overtaken: what is there.
        resolved: what the release does.
    """
    versioning = resolved.source.versioning
    versions = _versions_in(overtaken, resolved)
    is_superseded = bool(versions) and all(
        is_newer(version, resolved.version, versioning) for version in versions
    )
    order = f"newer than {resolved.version} {ORDERS[versioning]}"
    said = _say(seen, overtaken, order if is_superseded else f"in place of {resolved.version}")
    commit = overtaken.commit.sha if overtaken.commit is not None else None
    by = SupersededBy(
        version=head(versions[0], VALUE_LENGTH) if versions else None,
        release=str(overtaken.release) if overtaken.release is not None else None,
        commit=commit,
    )
    if is_superseded:
        return Halt(
            Reason.SUPERSEDED,
            said,
            "To go back on purpose, create a release with spec.allowDowngrade: true",
            ending=".",
            superseded_by=by,
        )
    return Halt(
        Reason.OVERWRITTEN,
        said,
        f"To release it all the same, {SET_RETRY}",
        ending=" on the release.",
        superseded_by=by,
    )


def _versions_in(overtaken: Overtaken, resolved: Resolved) -> list[str]:
    """Give the versions that are there; where no value tells one, that of the release that did."""
    values = overtaken.values
    if any(is_of_another_image(resolved, edit, value, values) for edit, value in values.items()):
        return []
    told = {version_in(edit, value) for edit, value in values.items()} - {None}
    return [version for version in told or {overtaken.version} if version is not None]


def _say(seen: ApplicationSeen, overtaken: Overtaken, how: str) -> str:
    """Say what is where, and whose doing it is."""
    places = [
        f"{edit.path} holds {head(value, VALUE_LENGTH) or 'nothing'} at {edit.place}"
        for edit, value in overtaken.values.items()
    ]
    commit, release, by = overtaken.commit, overtaken.release, ""
    if commit is not None:
        by = f"commit {commit.sha[:12]} by {head(commit.author, NAME_LENGTH) or 'somebody'}"
    if release is not None:
        by = f"AlbumRelease {release} ({by})" if by else f"AlbumRelease {release}"
    return (
        f"The change of this release was overtaken: at {overtaken.revision[:12]}, which Argo CD "
        f"compares Application {seen.ref} to, {join_words(places[:MOST_NAMED])}, {how}."
        + (f" That is the doing of {by}." if by else "")
    )
