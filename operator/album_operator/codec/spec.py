"""The wishes: AlbumRelease and AlbumPipeline as values of the domain."""

from album_operator.api.pipeline import PipelineSpec
from album_operator.api.release import ReleaseSpec
from album_operator.codec.mapper import Mapper
from album_operator.codec.newer import read_known
from album_operator.codec.text import REFRESH, Raw, parse_request, parse_requester, parse_time
from album_operator.domain.marks import LABELS, LIFT_PREFIX, PULL_REQUEST_LINK
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.release import Mode, Ref, Release
from album_operator.domain.remedy import RETRY

API_VERSION = "album.dev/v1alpha1"

MARKS = LABELS | {PULL_REQUEST_LINK}

_PIPELINE = Mapper(
    Pipeline,
    PipelineSpec,
    *("ref", "uid", "generation", "lifts", "newer", "refresh", "resource_version", "status"),
)


def parse_release(raw: Raw) -> Release:
    """Read an AlbumRelease.

    Raises:
        pydantic.ValidationError: it is not of the schema's shape.
    """
    metadata, (spec, newer) = raw["metadata"], read_known(ReleaseSpec, raw["spec"])
    annotations = metadata.get("annotations") or {}
    status = raw.get("status") or {}
    return Release(
        ref=Ref(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata["generation"],
        resource_version=metadata["resourceVersion"],
        created_at=parse_time(metadata["creationTimestamp"]),
        pipeline=spec.pipeline_ref.name,
        tag=spec.tag,
        app=spec.app,
        version=spec.version,
        mode=Mode(spec.mode),
        suspend=spec.suspend,
        cancel=spec.cancel,
        allow_downgrade=spec.allow_downgrade or spec.rollback_of is not None,
        rollback_of=spec.rollback_of.name if spec.rollback_of is not None else None,
        retry=parse_request(metadata, RETRY),
        refresh=parse_request(metadata, REFRESH),
        requested_by=parse_requester(metadata),
        deleting="deletionTimestamp" in metadata,
        observed_generation=status.get("observedGeneration"),
        newer=f"spec{newer}" if newer else "",
        status=status,
        marks={
            key: value
            for key, value in {**annotations, **(metadata.get("labels") or {})}.items()
            if key in MARKS
        },
    )


def parse_pipeline(raw: Raw) -> Pipeline:
    """Read an AlbumPipeline; constant defaults are the schema's, conventions stay None.

    Raises:
        pydantic.ValidationError: it is not of the schema's shape.
    """
    metadata, (spec, newer) = raw["metadata"], read_known(PipelineSpec, raw["spec"])
    return _PIPELINE.parse(
        spec,
        ref=Ref(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata["generation"],
        resource_version=metadata.get("resourceVersion", ""),
        lifts=_lifts_of(metadata),
        newer=f"spec{newer}" if newer else "",
        refresh=parse_request(metadata, REFRESH),
        status=raw.get("status") or {},
    )


def pipeline_wish_of(raw: Raw) -> tuple[object, ...]:
    """Give all of an AlbumPipeline that people change: what is equal asks for nothing new."""
    metadata = raw["metadata"]
    return (
        metadata["uid"],
        metadata["generation"],
        parse_request(metadata, REFRESH),
        tuple(sorted(_lifts_of(metadata).items())),
    )


def pipeline_ready_of(raw: Raw) -> str:
    """Give the status of an AlbumPipeline's condition Ready; `Unknown` before it has one."""
    conditions = (raw.get("status") or {}).get("conditions", [])
    ready = (one["status"] for one in conditions if one["type"] == "Ready")
    return next(ready, "Unknown")


def _lifts_of(metadata: Raw) -> dict[str, str]:
    return {
        key.removeprefix(LIFT_PREFIX): value
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(LIFT_PREFIX)
    }
