"""An app of apps: the proof at an Application that another one renders from what the release edits.

Only the app of apps knows a revision with our change; the source of its child is a chart, say. So
the child is proved by its spec: the app of apps has it Synced at such a revision, and Argo CD
compared the child with this very spec (`status.sync.comparedTo`). Where it renders an
ApplicationSet that makes the child, the image is the proof that its values have come there.
"""

from collections.abc import Mapping
from contextlib import suppress

from album_operator.decisions.application import Others, errors_of, find_parent
from album_operator.decisions.helm_values import Found, Tree, UntoldError
from album_operator.decisions.observed_images import LOOK
from album_operator.decisions.overrides import differs
from album_operator.decisions.sources import may_be_in_manifest
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.images import is_same_image
from album_operator.domain.keys import render_key
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt, Wait

RUNNING = frozenset({"Running", "Terminating"})
FAILED = frozenset({"Failed", "Error"})


def children_of(
    seen: ApplicationSeen, others: Others, resolved: Resolved
) -> tuple[ApplicationSeen, ...]:
    """Give the Applications that an app of apps is named for; none where it runs the image too."""
    if any(is_same_image(image, resolved.build.image) for image in seen.images):
        return ()
    named = [other for other in others if other is not None]
    return tuple(one for one in named if find_parent(one, [seen], resolved) is not None)


def check_rendered(parent: ApplicationSeen, children: tuple[ApplicationSeen, ...]) -> Wait | None:
    """Wait until the children are in the cluster as they are in the repository.

    What else an app of apps renders, and how that fares, has no say.
    """
    for child in children:
        status = parent.status_of(child)
        if status != "Synced":
            made = "" if child.ref in parent.renders else f"ApplicationSet {child.made_by} of "
            return _wait(
                f"{made}Application {child.ref} is {status or 'Unknown'} in Application "
                f"{parent.ref}, which renders it."
            )
    return None


def check_child(
    seen: ApplicationSeen, parent: ApplicationSeen, behind: Found | None
) -> Wait | Halt | None:
    """Wait until Argo CD has synced a child as its spec now is.

    Args:
        seen: the child, which its parent has Synced at a revision with our change.
        parent: the app of apps.
        behind: a value of its spec that is not ours, from `find_behind`.
    """
    if behind is not None:
        return _wait(
            f"Application {seen.ref} has {behind.value or 'nothing'} at {behind.key}, though "
            f"Application {parent.ref}, which renders it, is compared to the change: if that one "
            "ignores this difference (spec.ignoreDifferences), it never writes it."
        )
    operation = seen.operation
    if operation is not None and operation.phase in RUNNING:
        return _wait(f"Argo CD syncs Application {seen.ref}{operation.said}")
    # An ApplicationSet may not have told its new values yet: nobody can say which these are.
    is_final = seen.ref in parent.renders
    if operation is not None and operation.phase in FAILED and operation.is_of_spec and is_final:
        return Halt(
            Reason.SYNC_FAILED,
            f"Argo CD could not sync Application {seen.ref} as Application {parent.ref} renders "
            f"it{operation.said}",
            "Mend the cause",
        )
    if not seen.is_of_spec:
        return _wait(
            f"Application {seen.ref} is not compared yet to what Application {parent.ref} made of "
            f"it.{errors_of(seen)}"
        )
    if seen.sync_status != "Synced" or seen.operation_requested:
        return _wait(f"Application {seen.ref} is {seen.sync_status or 'Unknown'}.{errors_of(seen)}")
    return None


def find_behind(seen: ApplicationSeen, wanted: Mapping[Edit, str]) -> Found | None:
    """Find a value of an Application's spec that an edit of its manifest should have changed.

    Args:
        seen: the Application.
        wanted: what each edit writes; those of manifests may be of other Applications' too, so
            that one that fits is enough.
    """
    found: list[tuple[Found, bool]] = []
    for edit, ours in wanted.items():
        if not may_be_in_manifest(edit) or _is_of_another(seen, edit):
            continue
        present = _find_value(seen, edit)
        if present is not None:
            found.append((present, differs(edit, present.value, ours)))
    if all(is_behind for _, is_behind in found):
        return next((value for value, _ in found), None)
    return None


def _is_of_another(seen: ApplicationSeen, edit: Edit) -> bool:
    name = edit.document.name if edit.document is not None else None
    return name not in {None, seen.name}


def _find_value(seen: ApplicationSeen, edit: Edit) -> Found | None:
    """Find what an Application has at the place of an edit; None where that cannot be told."""
    sources = [{"helm": source.helm, "kustomize": source.kustomize} for source in seen.sources]
    first = next(iter(sources), {})
    spec = {"source": first, "sources": sources, "sourceHydrator": {"drySource": first}}
    with suppress(UntoldError):
        found = Tree("its spec", {"spec": spec}).find(edit.steps)
        # Of a text on the way it cannot be told what it says.
        return found if found is not None and found.key == render_key(edit.steps) else None
    return None


def _wait(message: str) -> Wait:
    return Wait(Reason.SYNCING, message, LOOK)
