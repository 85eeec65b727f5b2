"""The proof at one Application: it runs our image, Healthy, at a revision with our change.

The rule follows Argo CD's own words: `status.sync.revision` is the revision *compared to*, and on a
branch shared by two apps no operation for our very commit may ever exist, so none is waited for.

Argo CD's stamps are of another clock, which may be minutes off: they are compared with each other
only, and never with the operator's time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from album_operator.decisions import (
    app_health,
    app_of_apps,
    application,
    observed_images,
    operation,
    out_of_sync,
    overtaken,
    taken_back,
)
from album_operator.decisions.app_of_apps import FAILED
from album_operator.decisions.helm_values import Found
from album_operator.decisions.observed_images import LOOK
from album_operator.decisions.overtaken import Overtaken
from album_operator.domain.applications import ApplicationSeen, ConsentedApplication
from album_operator.domain.argocd import Sync
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import (
    Act,
    DeployAction,
    Halt,
    RefreshApplication,
    Wait,
)

REFRESH_AGAIN = timedelta(seconds=10)
"""A refresh asked for while another runs is lost (Argo CD, webhook.md), so it is asked for again
this long after a comparison was seen that still showed an older revision."""


@dataclass(frozen=True)
class DeploySeen:
    """An Application in the light of the merge commit.

    Attributes:
        application: the Application, None where it does not exist.
        is_applied: its sync policy still is as we left it.
        contains_merge: those of its `undecided_revisions` that are the merge commit or descend
            from it; or stand in its place, where the base branch has lost it.
        asked: whether it may be patched as it is now.
        compared_for: how long nothing has been compared nor was to be, as far as this process has
            seen; None where it has seen neither yet.
        behind: a value of its spec that an edit should have changed, from `app_of_apps`.
        started: a sync of it was started for this attempt, from `operation`.
        hard_refreshed: this attempt has had its manifests rendered anew.
        is_rewritten: the base branch was forced to another history, without our commit.
        overtaken: what took the place of our values at the revision it is compared to; None where
            nothing did.
    """

    application: ApplicationSeen | None
    is_applied: bool
    contains_merge: frozenset[str]
    asked: ConsentedApplication | Halt
    compared_for: timedelta | None = None
    behind: Found | None = None
    started: bool = False
    overtaken: Overtaken | None = None
    hard_refreshed: bool = False
    is_rewritten: bool = False

    @property
    def is_overdue(self) -> bool:
        """Whether it was compared long enough ago for anything to have come of it."""
        return self.compared_for is not None and self.compared_for > REFRESH_AGAIN


Seen = Mapping[Ref, DeploySeen]
"""All the Applications of a release."""


def undecided_revisions(
    seen: ApplicationSeen, record: Record, resolved: Resolved
) -> frozenset[str]:
    """Give the revisions of an Application of which the proof must know whether they contain ours.

    Knowing it may take a fetch of history, so only what decides something is asked: not a revision
    that Argo CD is about to replace, nor that of an operation that neither failed nor may go on for
    long.
    """
    source = application.find_source(seen, resolved)
    if source is None:
        return frozenset()
    revisions = {source.revision or ""}
    known = {(app.namespace, app.name): app.accepted_because for app in record.applications}
    if seen.refresh_requested and known.get((seen.namespace, seen.name)) is None:
        return frozenset(revisions & {record.merged_commit})
    last = seen.operation
    if last is not None and (last.phase in FAILED or last.holds_up):
        revisions.update(last.revisions)
    return frozenset(revisions - {""})


def unread_revision(
    seen: ApplicationSeen, contains_merge: frozenset[str], record: Record, resolved: Resolved
) -> str | None:
    """Give the revision whose values have to be read; None where none is, or they are known.

    Args:
        seen: an Application.
        contains_merge: those of its revisions that have our commit.
        record: what the release achieved so far.
        resolved: what it does.
    """
    source = application.find_source(seen, resolved)
    revision = source.revision if source is not None else None
    proved = {app.revision for app in record.applications if app.accepted_because is not None}
    return revision if revision in contains_merge - proved else None


def find_lack(
    ref: Ref, all_seen: Seen, record: Record, resolved: Resolved
) -> Wait | Halt | Act[DeployAction] | None:
    """Find what the proof at an Application lacks; None where it is complete.

    Args:
        ref: the Application, which is there.
        all_seen: all that the release names.
        record: what the release achieved so far.
        resolved: what it does.
    """
    found = all_seen[ref]
    seen = found.application
    if seen is None or not found.is_applied:
        return taken_back.refuse(ref, seen)
    others = [other.application for other in all_seen.values()]
    parent = application.find_parent(seen, others, resolved)
    if parent is None:
        children = app_of_apps.children_of(seen, others, resolved)
        lacks = _lacks_revision(ref, seen, found, children, record, resolved)
        if lacks is not None or children:
            return lacks
    else:
        lacks = find_lack(parent.ref, all_seen, record, resolved)
        if lacks is None and seen.is_of_spec and found.behind is None:
            lacks = operation.start(seen, found.asked, resolved, started=found.started)
        lacks = lacks or app_of_apps.check_child(seen, parent, found.behind)
    # Old Pods beside new ones that crash, or wait, are no rollout that goes on.
    lacks = lacks or app_health.check_stuck(seen)
    return lacks or _check_image(found, seen, parent, record, resolved) or app_health.check(seen)


def _check_image(
    found: DeploySeen,
    seen: ApplicationSeen,
    parent: ApplicationSeen | None,
    record: Record,
    resolved: Resolved,
) -> Wait | Act[DeployAction] | None:
    """Wait for the image; where the manifests seem to be old ones, have them rendered anew once.

    Argo CD takes those of another revision where it believes that nothing they are made of changed
    (`manifest-generate-paths`, several sources), and its cache for true where it is not.
    """
    lacks = observed_images.check(seen.ref, seen, record, resolved)
    if lacks is None or parent is not None or observed_images.has_ours(seen, record, resolved):
        return lacks
    if found.hard_refreshed:
        said = f"{lacks.message} Its manifests were rendered anew once (a hard refresh)."
        return replace(lacks, message=said)
    is_idle = seen.health == "Healthy" and found.is_overdue and not seen.refresh_requested
    may_ask = resolved.argocd.sync is not Sync.OBSERVE
    is_due = is_idle and may_ask and observed_images.has_others(seen, resolved)
    if not is_due or isinstance(found.asked, Halt):
        return lacks
    return Act(
        RefreshApplication(found.asked, is_hard=True),
        Reason.SYNCING,
        f"{lacks.message} Having Argo CD render its manifests anew, once (a hard refresh).",
    )


def _lacks_revision(
    ref: Ref,
    seen: ApplicationSeen,
    found: DeploySeen,
    children: tuple[ApplicationSeen, ...],
    record: Record,
    resolved: Resolved,
) -> Wait | Halt | Act[DeployAction] | None:
    """Say what keeps an Application from being Synced at a revision with our change."""
    source = application.find_source(seen, resolved)
    revision = source.revision if source is not None else None
    if revision is None or revision not in found.contains_merge:
        return _compare(ref, seen, found, revision, record, resolved)
    if found.overtaken is not None:
        return overtaken.end(seen, found.overtaken, resolved)
    unsynced = app_of_apps.check_rendered(seen, children)
    if children and unsynced is None:
        return None
    sync = resolved.argocd.sync
    return (
        out_of_sync.check_held_up(seen, found.contains_merge)
        or _check_running(seen)
        or operation.start(seen, found.asked, resolved, started=found.started)
        or out_of_sync.check_failed(seen, found.contains_merge, record.merged_commit or "", sync)
        or unsynced
        or out_of_sync.check(seen, revision, sync, is_overdue=found.is_overdue)
    )


def _check_running(seen: ApplicationSeen) -> Wait | None:
    """Wait for a sync that runs; one whose wave is ill, or waits for somebody, waits for that."""
    running = out_of_sync.check_running(seen)
    if running is None or running.reason is not Reason.SYNCING:
        return running
    return app_health.check_stuck(seen) or running


def _compare(
    ref: Ref,
    seen: ApplicationSeen,
    found: DeploySeen,
    revision: str | None,
    record: Record,
    resolved: Resolved,
) -> Wait | Halt | Act[DeployAction]:
    merged = (record.merged_commit or "")[:12]
    may_ask = resolved.argocd.sync is not Sync.OBSERVE
    is_due = found.compared_for is None or found.is_overdue
    if may_ask and not seen.refresh_requested and is_due:
        if isinstance(found.asked, Halt):
            return found.asked
        # It stays at the old revision where it believes that none of these paths changed.
        is_hard = bool(seen.generate_paths) and found.is_overdue and not found.hard_refreshed
        how = " and to render its manifests anew, once (a hard refresh)" if is_hard else ""
        return Act(
            RefreshApplication(found.asked, is_hard=is_hard),
            Reason.SYNCING,
            f"Asking Argo CD to compare Application {ref} with {merged}{how}.",
        )
    at = f" was last compared to {revision[:12]}" if revision else " was not compared yet"
    told = (
        f"and is to be compared to {merged}" if seen.refresh_requested else f"not yet to {merged}"
    )
    return Wait(
        Reason.SYNCING,
        f"Application {ref}{at}, {told} or a later commit.{application.errors_of(seen)}",
        LOOK,
    )
