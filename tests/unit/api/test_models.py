"""Reading and writing both kinds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from album_operator.api.pipeline import AlbumPipeline
from album_operator.api.release import AlbumRelease
from album_operator.api.status import BuildStatus, ReleaseStatus, StepStatus
from album_operator.api.types import (
    parse_duration,
    parse_overhead,
    render_overhead,
)
from album_operator.domain.durations import in_short

PIPELINE = {
    "apiVersion": "album.dev/v1alpha1",
    "kind": "AlbumPipeline",
    "metadata": {"name": "album-app", "namespace": "album", "uid": "u", "generation": 3},
    "spec": {
        "source": {"repository": "https://git.example.org/owner/album-app"},
        "apps": [{"name": "backend"}],
    },
}


def test_a_pipeline_is_read_with_its_defaults() -> None:
    pipeline = AlbumPipeline.parse(PIPELINE)

    assert pipeline.metadata.generation == 3
    assert pipeline.spec.source.secret_ref.name == "album-git"
    assert pipeline.spec.build.type == "Kaniko"
    assert pipeline.spec.build.timeout == timedelta(minutes=30)
    assert pipeline.spec.build.push_secret_ref.name == "album-registry"
    assert pipeline.spec.argocd.sync_policy.self_heal is True
    assert pipeline.spec.argocd.sync_policy.prune is None
    assert pipeline.spec.apps[0].tag_prefix is None


def test_numbers_are_quantities_too() -> None:
    raw = {
        **PIPELINE,
        "spec": {
            **PIPELINE["spec"],  # type: ignore[dict-item]
            "build": {"resources": {"limits": {"cpu": 2, "ephemeral-storage": "4Gi"}}},
        },
    }

    resources = AlbumPipeline.parse(raw).spec.build.resources

    assert resources is not None
    assert resources.limits is not None
    assert resources.limits.cpu == "2"
    assert resources.limits.ephemeral_storage == "4Gi"


def test_a_release_without_status_has_not_been_looked_at() -> None:
    raw = {
        "metadata": {"name": "backend-v1.1.0", "creationTimestamp": "2026-11-23T20:00:00Z"},
        "spec": {"pipelineRef": {"name": "album-app"}, "tag": "backend-v1.1.0"},
    }

    release = AlbumRelease.parse(raw)

    assert release.status.observed_generation == -1
    assert release.spec.suspend is False
    assert release.metadata.creation_timestamp == datetime(2026, 11, 23, 20, tzinfo=UTC)


def test_fields_of_a_newer_version_are_ignored() -> None:
    status = ReleaseStatus.parse({"observedGeneration": 1, "later": {"x": ""}})

    assert status.observed_generation == 1


def test_a_release_without_pipeline_is_not_read() -> None:
    with pytest.raises(ValidationError, match="pipelineRef"):
        AlbumRelease.parse({"metadata": {"name": "x"}, "spec": {"tag": "backend-v1.0.0"}})


def test_a_status_is_written_in_camel_case_without_what_is_unset() -> None:
    step = StepStatus(
        name="ImageReady",
        state="Running",
        reason="Building",
        started_at=datetime(2026, 11, 23, 20, tzinfo=UTC),
        overhead=timedelta(microseconds=12_345),
    )

    assert step.render() == {
        "name": "ImageReady",
        "state": "Running",
        "reason": "Building",
        "message": "",
        "startedAt": "2026-11-23T20:00:00.000000Z",
        "overhead": "0.012345",
    }


def test_times_are_written_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    build = BuildStatus(job="j", type="BuildKit", started_at=datetime(2026, 1, 1, 1, tzinfo=east))

    assert build.render()["startedAt"] == "2025-12-31T23:00:00.000000Z"


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0s", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h30m", timedelta(minutes=90)),
        ("1m1h", timedelta(minutes=61)),
    ],
)
def test_a_duration_is_hours_minutes_and_seconds(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "30", "1d", "-1s", "1.5h", "1h ", "1h\n", "1s2s3s4s"])
def test_other_texts_are_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=24 * 3600))
def test_a_duration_is_read_as_it_was_written(seconds: int) -> None:
    duration = timedelta(seconds=seconds)

    assert parse_duration(in_short(duration)) == duration


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=1000)))
def test_an_overhead_keeps_its_microseconds(overhead: timedelta) -> None:
    assert parse_overhead(render_overhead(overhead)) == overhead
