"""The AlbumRelease that a git tag makes."""

from typing import Any

from album_operator.domain.marks import REQUESTED_BY, TRIGGER_LABEL
from album_operator.domain.release import Ref


def render_triggered(ref: Ref, pipeline: str, tag: str, requested_by: str) -> dict[str, Any]:
    """Write the manifest; the guard lets the operator create no other shape of it.

    Args:
        ref: namespace and name of the release.
        pipeline: name of its AlbumPipeline.
        tag: the tag that makes it.
        requested_by: who pushed that, or the pipeline where nobody told.
    """
    return {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {
            "namespace": ref.namespace,
            "name": ref.name,
            "labels": {TRIGGER_LABEL: "Tag"},
            "annotations": {REQUESTED_BY: requested_by},
        },
        "spec": {"pipelineRef": {"name": pipeline}, "tag": tag},
    }
