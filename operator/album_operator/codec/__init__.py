"""The only reader and writer of raw resources: specs, statuses and their conditions."""

from album_operator.codec.conditions import is_in_flight, wish_of
from album_operator.codec.jobs import FAILED, end_of, is_ending, running_build
from album_operator.codec.owners import Owner, job_of, release_of
from album_operator.codec.pipeline_status import parse_pipeline_status, render_pipeline_status
from album_operator.codec.release_seen import parse_seen
from album_operator.codec.spec import (
    API_VERSION,
    parse_pipeline,
    parse_release,
    pipeline_ready_of,
    pipeline_wish_of,
)
from album_operator.codec.status import parse_status, render_status

__all__ = [
    "API_VERSION",
    "FAILED",
    "Owner",
    "end_of",
    "is_ending",
    "is_in_flight",
    "job_of",
    "parse_pipeline",
    "parse_pipeline_status",
    "parse_release",
    "parse_seen",
    "parse_status",
    "pipeline_ready_of",
    "pipeline_wish_of",
    "release_of",
    "render_pipeline_status",
    "render_status",
    "running_build",
    "wish_of",
]
