"""How the releases of one app mind each other: which goes on where several are in flight.

Those that bring a version back (`rollbackOf`), and those that only plan or follow, mind nobody.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cmp_to_key

from album_operator.decisions.edits import ORDERS
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, QueueRecord, Record, SupersededBy
from album_operator.domain.release import Concurrency, Mode, Ref, Release
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt, Wait
from album_operator.domain.versions import Versioning, is_newer

UNTIL_TURN = timedelta(minutes=5)
"""Until the next look whose turn it is: whoever ends wakes those that wait."""

UNTIL_CERTAIN = timedelta(seconds=2)

MOST_NAMED = 3
"""How many of those that stand in the way are named."""


@dataclass(frozen=True)
class Other:
    """Another release of the same app.

    Attributes:
        seen: what is known of it.
    """

    name: str
    seen: ReleaseSeen

    @property
    def version(self) -> str:
        """Its version, which all that have an app have."""
        return self.seen.version or ""

    @property
    def age(self) -> tuple[datetime, str]:
        """What tells which of two was there first."""
        return self.seen.created_at, self.name

    @property
    def words(self) -> str:
        """How people are told of it."""
        return f"AlbumRelease {self.name} of {self.version}"


def minds_others(release: Release) -> bool:
    """Tell whether a release has to do with the others of its app that are in flight."""
    return release.mode is Mode.APPLY and release.rollback_of is None


def takes_turns(release: Release, resolved: Resolved) -> bool:
    """Tell whether a release must not begin beside another one."""
    is_alone = resolved.policy.concurrency is Concurrency.SUPERSEDE
    return minds_others(release) and not is_alone


def find_successor(
    release: Release, resolved: Resolved, known: Mapping[str, ReleaseSeen]
) -> Other | None:
    """Find the release that takes over: the newest that has begun, and is not on its way out.

    One that has ended is none: what it brought is on the base branch, or is not. Who goes back on
    purpose (`allowDowngrade`) gives way only to what was wanted later.

    Args:
        release: that is not merged.
        resolved: what it does.
        known: the releases of its app, by name.
    """
    is_wanted = resolved.policy.concurrency is Concurrency.SUPERSEDE and minds_others(release)
    versioning, found = resolved.source.versioning, None
    for other in _competing(release, known) if is_wanted else ():
        is_going_on = other.seen.has_begun and other.seen.outcome is Outcome.WORKING
        is_later = not release.allow_downgrade or other.seen.created_at > release.created_at
        than = found.version if found is not None else resolved.version
        if is_going_on and is_later and is_newer(other.version, than, versioning):
            found = other
    return found


def superseded(release: Release, resolved: Resolved, by: Other) -> Halt:
    """End a release whose place a newer version has taken."""
    ref, version = Ref(release.ref.namespace, by.name), resolved.version
    order = ORDERS[resolved.source.versioning]
    return Halt(
        Reason.SUPERSEDED,
        f"{by.words}, which is newer than {version} {order}, has taken over "
        f"(policy.concurrency: Supersede), and this release has taken itself back.",
        "To go back on purpose, create a release with spec.allowDowngrade: true; should that one "
        f"not do, {SET_RETRY}",
        ending=".",
        superseded_by=SupersededBy(by.version, str(ref)),
    )


def take_turn(
    release: Release,
    record: Record,
    resolved: Resolved,
    known: Mapping[str, ReleaseSeen],
    *,
    is_certain: bool,
) -> Wait | Halt | None:
    """Let a release begin, wait for its turn, or end because another one is in flight.

    Args:
        release: that has not begun.
        record: what is known of it.
        resolved: what it would do.
        known: the releases of its app, by name.
        is_certain: all of them are known; not so while they are listed after a start.
    """
    policy = resolved.policy.concurrency
    if not takes_turns(release, resolved):
        return None
    if not is_certain:
        said = "The operator, just started, finds out which releases of the app are in flight."
        return Wait(Reason.QUEUED, said, UNTIL_CERTAIN, is_poll=True)
    others = [other for other in _competing(release, known) if other.seen.step is not None]
    begun = sorted(_begun(others), key=lambda other: other.age)
    waiting = [other for other in others if other not in begun and not _is_suspended(other)]
    if policy is Concurrency.QUEUE:
        return _queue(release, record, resolved, begun, waiting)
    mine = release.created_at, release.ref.name
    first = [*begun, *(other for other in waiting if other.age < mine)]
    return _forbid(resolved, first) if first else None


def _competing(release: Release, known: Mapping[str, ReleaseSeen]) -> Iterator[Other]:
    for name, seen in known.items():
        if name != release.ref.name and seen.minds_others:
            yield Other(name, seen)


def _begun(others: Iterable[Other]) -> Iterator[Other]:
    return (other for other in others if other.seen.has_begun)


def _is_suspended(other: Other) -> bool:
    return other.seen.outcome is Outcome.SUSPENDED


def _queue(
    release: Release,
    record: Record,
    resolved: Resolved,
    begun: list[Other],
    waiting: list[Other],
) -> Wait | None:
    """Wait for those that have begun, then for the lower versions."""
    me = ReleaseSeen(
        pipeline=resolved.pipeline.name,
        app=resolved.app,
        version=resolved.version,
        step=None,
        outcome=Outcome.WORKING,
        created_at=release.created_at,
    )
    line = _in_order([*waiting, Other(release.ref.name, me)], resolved.source.versioning)
    place = next(at for at, other in enumerate(line) if other.name == release.ref.name)
    ahead = [*begun, *line[:place]]
    if not ahead:
        return None
    last = ahead[-1]
    suspended = ", which is suspended," if _is_suspended(last) else ""
    message = (
        f"Number {place + 1} of the releases of {resolved.app} that wait "
        f"(policy.concurrency: Queue): it begins once {last.words}{suspended} has ended."
    )
    queue = QueueRecord(place + 1, last.name)
    return Wait(Reason.QUEUED, message, UNTIL_TURN, replace(record, queue=queue), is_poll=True)


def _in_order(releases: Iterable[Other], versioning: Versioning) -> list[Other]:
    """Sort by version, and by age where two have no order: always the same for the same ones."""

    def compare(one: Other, other: Other) -> int:
        return is_newer(one.version, other.version, versioning) - is_newer(
            other.version, one.version, versioning
        )

    return sorted(sorted(releases, key=lambda other: other.age), key=cmp_to_key(compare))


def _forbid(resolved: Resolved, ahead: list[Other]) -> Halt:
    names = join_words(other.words for other in ahead[:MOST_NAMED])
    are = "are" if len(ahead) > 1 else "is"
    return Halt(
        Reason.ANOTHER_IN_FLIGHT,
        f"{names} {are} in flight, and the pipeline lets no second release of {resolved.app} "
        "begin beside (policy.concurrency: Forbid).",
        "Wait until it has ended, or set its spec.cancel to true",
    )
