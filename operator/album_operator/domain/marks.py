"""Labels and the annotation the operator puts on things, for selectors and Argo CD's pages."""

from collections.abc import Mapping

from album_operator.domain.names import shorten
from album_operator.domain.record import Record
from album_operator.domain.release import Release

APP_LABEL = "album.dev/app"
PIPELINE_LABEL = "album.dev/pipeline"
IMAGE_LABEL = "album.dev/image"
"""Of a build Job: the image it pushes, so that no two of a namespace push one at once."""

ROLLBACK_LABEL = "album.dev/rollback-of"
"""Of a release that takes another one back: the name of that, made to fit."""

REQUESTED_BY = "album.dev/requested-by"
"""Annotation of a release: who asked for it, as whoever created it says."""

TRIGGER_LABEL = "album.dev/trigger"
"""Of a release that was made by itself: what made it, `Tag`."""

LABELS = frozenset({APP_LABEL, PIPELINE_LABEL, ROLLBACK_LABEL})

KEEP = "album.dev/keep"
"""Of an AlbumRelease's annotations: unless its value is `false`, retention leaves the release."""

LIFT_PREFIX = "lift-hold.album.dev/"
"""Of an AlbumPipeline's annotations that lift an app's hold; the app's name follows."""

PULL_REQUEST_LINK = "link.argocd.argoproj.io/pull-request"
"""Argo CD shows annotations `link.argocd.argoproj.io/<name>` as links."""


def marks_of(release: Release, record: Record) -> Mapping[str, str]:
    """Give the labels and annotations a release with this record is to have."""
    marks: dict[str, str] = {}
    if record.resolved is not None:
        marks |= labels_of(release, record.resolved.app)
    if record.pull_request is not None:
        marks[PULL_REQUEST_LINK] = record.pull_request.url
    return marks


def labels_of(release: Release, app: str) -> Mapping[str, str]:
    """Give the labels of a release of an app."""
    labels = {APP_LABEL: shorten(app), PIPELINE_LABEL: shorten(release.pipeline)}
    if release.rollback_of is not None:
        labels[ROLLBACK_LABEL] = shorten(release.rollback_of)
    return labels
