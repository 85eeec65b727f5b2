"""Edits of the manifest of an Application itself: neither it nor what renders it is proof alone.

Argo CD shows of an app of apps its own resources, not those of the Applications among them, and an
Application whose source is a chart repository never shows a commit of ours.
"""

from collections.abc import Mapping

from album_operator.decisions.application import Others, find_parent, takes_itself
from album_operator.decisions.rendering import mapping, text_of
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.images import is_same_image
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

GROUP, KIND = "argoproj.io", "Application"


def find_child(edit: Edit, document: object) -> str | None:
    """Give the name of the Application whose manifest an edit is in; None where it is in none.

    Args:
        edit: the edit.
        document: its file as plain data; None where that cannot be told.
    """
    if edit.document is not None:
        return edit.document.name if edit.document.kind == KIND else None
    manifest = mapping(document)
    group = text_of(manifest.get("apiVersion")).partition("/")[0]
    if (group, manifest.get("kind")) != (GROUP, KIND):
        return None
    return text_of(mapping(manifest.get("metadata")).get("name"))


def check(
    application: ApplicationSeen, others: Others, resolved: Resolved, children: Mapping[Edit, str]
) -> Halt | None:
    """Refuse a release whose image could not be proved in an Application that it names.

    Args:
        application: the Application.
        others: all that it names.
        resolved: what the release does.
        children: names of the Applications whose manifests edits are in.
    """
    if not children or len(children) < len(resolved.config.edits):
        return None
    named = [other for other in others if other is not None]
    if application.name in children.values():
        is_known = takes_itself(application, resolved)
        is_proved = is_known or find_parent(application, named, resolved) is not None
    else:
        is_shown = any(is_same_image(image, resolved.build.image) for image in application.images)
        is_proved = is_shown or any(find_parent(one, [application], resolved) for one in named)
    if is_proved:
        return None
    edit, child = next(iter(children.items()))
    return Halt(
        Reason.APPLICATION_MISMATCH,
        f"{edit.path} is the manifest of Application {child}, in which the image runs, and at "
        f"Application {application.namespace}/{application.name} alone it could never be proved.",
        f"Name both under spec.apps[].applications of the pipeline: {child}, and the Application "
        f"that renders it from {resolved.config.repository}",
    )
