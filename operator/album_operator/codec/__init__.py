"""The only reader and writer of raw resources: specs, statuses and their conditions."""

from album_operator.codec.conditions import is_in_flight, wish_of
from album_operator.codec.spec import API_VERSION, parse_pipeline, parse_release
from album_operator.codec.status import parse_status, render_status
from album_operator.codec.text import render_time

__all__ = [
    "API_VERSION",
    "is_in_flight",
    "parse_pipeline",
    "parse_release",
    "parse_status",
    "render_status",
    "render_time",
    "wish_of",
]
