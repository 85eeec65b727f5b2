"""Labels and the annotation the operator puts on things, for selectors and Argo CD's pages."""

from collections.abc import Mapping

from album_operator.domain.names import shorten
from album_operator.domain.record import Record

APP_LABEL = "album.dev/app"
PIPELINE_LABEL = "album.dev/pipeline"
IMAGE_LABEL = "album.dev/image"
"""Of a build Job: the image it pushes, so that no two of a namespace push one at once."""

LABELS = frozenset({APP_LABEL, PIPELINE_LABEL})

PULL_REQUEST_LINK = "link.argocd.argoproj.io/pull-request"
"""Argo CD shows annotations `link.argocd.argoproj.io/<name>` as links."""


def marks_of(record: Record) -> Mapping[str, str]:
    """Give the labels and annotations a release with this record is to have."""
    marks = {}
    if record.resolved is not None:
        marks[APP_LABEL] = shorten(record.resolved.app)
        marks[PIPELINE_LABEL] = shorten(record.resolved.pipeline.name)
    if record.pull_request is not None:
        marks[PULL_REQUEST_LINK] = record.pull_request.url
    return marks
