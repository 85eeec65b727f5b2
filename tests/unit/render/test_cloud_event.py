"""Notifications as CloudEvents with CDEvents' types."""

import json
import re
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from album_operator.domain import progress
from album_operator.domain.notifications import Notification, ReleaseEvent
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Failure, Record, RollbackRecord, StepName
from album_operator.domain.release import Release
from album_operator.render.cloud_event import cloud_event
from tests.fakes.builders import (
    COMMIT,
    CONFIG,
    IMAGE,
    MERGED,
    NOW,
    PULL_REQUEST,
    RECORD,
    RELEASE,
    RESOLVED,
    record_before,
)

TRIED = record_before(StepName.DEPLOYED)
FAILED = Failure(StepName.DEPLOYED, Reason.DEGRADED, "It crashes.")
STALLED = progress.stall(TRIED, StepName.DEPLOYED, "It crashes.", FAILED, NOW)
UNDOING = replace(
    progress.undo(TRIED, FAILED, RollbackRecord("again", "v1.0.0")), message="It crashes."
)
ROLLED_BACK = replace(FAILED, reason=Reason.ROLLED_BACK)
PURL = f"pkg:oci/album-app-backend@sha256%3A{'f' * 64}?repository_url={IMAGE}&tag=v1.1.0"
ENVIRONMENT = {"id": "album/album-app"}


def _event(event: ReleaseEvent, record: Record, release: Release = RELEASE) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(cloud_event(Notification("1f", event, NOW, release, record)))
    return read


def test_an_event_has_the_attributes_of_cloudevents_and_cdevents() -> None:
    event = _event(ReleaseEvent.STARTED, replace(RECORD, resolved=RESOLVED))
    data = event.pop("data")
    kind = "dev.cdevents.pipelinerun.started.0.3.0"
    source = "/namespaces/album/albumpipelines/album-app"
    assert event == {
        "specversion": "1.0",
        "id": "1f",
        "source": source,
        "type": kind,
        "subject": "album/backend-v1.1.0/1",
        "time": "2026-11-20T12:00:00.000Z",
        "datacontenttype": "application/json",
    }
    assert data["context"] == {
        "specversion": "0.5.1",
        "id": "1f",
        "chainId": RELEASE.uid,
        "source": source,
        "type": kind,
        "timestamp": "2026-11-20T12:00:00.000Z",
    }
    assert data["subject"] == {
        "id": "album/backend-v1.1.0/1",
        "source": source,
        "content": {"pipelineName": "album-app", "uri": f"urn:uuid:{RELEASE.uid}"},
    }
    assert data["customDataContentType"] == "application/json"


def test_a_time_is_told_in_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=5)))
    told = Notification("1f", ReleaseEvent.STARTED, local, RELEASE, RECORD)
    assert json.loads(cloud_event(told))["time"] == "2026-11-20T12:00:00.000Z"


@pytest.mark.parametrize(
    ("event", "record", "kind", "subject", "content"),
    [
        (
            ReleaseEvent.BUILT,
            TRIED,
            "artifact.published.0.3.0",
            PURL,
            {},
        ),
        (
            ReleaseEvent.PROPOSED,
            TRIED,
            "change.created.0.4.0",
            "6",
            {"repository": {"id": CONFIG}},
        ),
        (
            ReleaseEvent.MERGED,
            replace(TRIED, pull_request=None),
            "change.merged.0.3.0",
            MERGED,
            {"repository": {"id": CONFIG}},
        ),
        (
            ReleaseEvent.DEPLOYED,
            TRIED,
            "service.upgraded.0.3.0",
            "backend",
            {"environment": ENVIRONMENT, "artifactId": PURL},
        ),
        (
            ReleaseEvent.RELEASED,
            progress.release(TRIED),
            "pipelinerun.finished.0.3.0",
            "album/backend-v1.1.0/1",
            {"pipelineName": "album-app", "uri": PULL_REQUEST.url, "outcome": "success"},
        ),
        (
            ReleaseEvent.FAILED,
            STALLED,
            "pipelinerun.finished.0.3.0",
            "album/backend-v1.1.0/1",
            {
                "pipelineName": "album-app",
                "uri": PULL_REQUEST.url,
                "outcome": "failure",
                "errors": "It crashes.",
            },
        ),
        (
            ReleaseEvent.FAILED,
            UNDOING,
            "incident.detected.0.3.0",
            "album/backend-v1.1.0/1",
            {
                "description": "It crashes.",
                "environment": ENVIRONMENT,
                "service": {"id": "backend"},
                "artifactId": PURL,
            },
        ),
    ],
)
def test_each_event_has_its_type_and_content(
    event: ReleaseEvent, record: Record, kind: str, subject: str, content: dict[str, Any]
) -> None:
    written = _event(event, record)
    assert written["type"] == f"dev.cdevents.{kind}"
    assert written["subject"] == written["data"]["subject"]["id"] == subject
    assert written["data"]["subject"]["content"] == content


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [(Reason.SUPERSEDED, "cancel"), (Reason.CANCELLED, "cancel"), (Reason.ROLLED_BACK, "failure")],
)
def test_an_end_is_no_failure_unless_one_was_taken_back(reason: Reason, outcome: str) -> None:
    ended = progress.stall(TRIED, None, "Ended.", replace(FAILED, reason=reason), NOW)
    content = _event(ReleaseEvent.ENDED, ended)["data"]["subject"]["content"]
    assert (content["outcome"], content["errors"]) == (outcome, "Ended.")


def test_a_rollback_is_told_as_one() -> None:
    event = _event(ReleaseEvent.DEPLOYED, TRIED, replace(RELEASE, rollback_of="backend-v1.2.0"))
    assert event["type"] == "dev.cdevents.service.rolledback.0.3.0"
    assert event["data"]["customData"]["rollbackOf"] == "backend-v1.2.0"


def test_a_pipeline_names_its_environment_itself() -> None:
    pipeline = replace(RESOLVED.pipeline, environment="staging")
    record = replace(TRIED, resolved=replace(RESOLVED, pipeline=pipeline))
    content = _event(ReleaseEvent.DEPLOYED, record)["data"]["subject"]["content"]
    assert content["environment"] == {"id": "staging"}


def test_what_cdevents_has_no_field_for_is_custom_data() -> None:
    assert _event(ReleaseEvent.FAILED, STALLED)["data"]["customData"] == {
        "event": "Failed",
        "namespace": "album",
        "release": "backend-v1.1.0",
        "pipeline": "album-app",
        "app": "backend",
        "version": "v1.1.0",
        "attempt": 1,
        "reason": "Degraded",
        "message": "It crashes.",
        "tag": "backend-v1.1.0",
        "commit": COMMIT,
        "image": f"{IMAGE}:v1.1.0",
        "digest": f"sha256:{'f' * 64}",
        "pullRequest": PULL_REQUEST.url,
    }


def test_a_release_that_never_began_has_a_run_and_no_more() -> None:
    failure = Failure(progress.PREFLIGHT, Reason.PIPELINE_NOT_FOUND, "There is none.")
    record = progress.stall(RECORD, None, 'A "name"\nof two lines \u2028 ☃.', failure, NOW)
    event = _event(ReleaseEvent.FAILED, record)
    assert event["type"] == "dev.cdevents.pipelinerun.finished.0.3.0"
    assert event["data"]["subject"]["content"]["errors"] == 'A "name"\nof two lines \u2028 ☃.'
    assert event["data"]["customData"]["version"] == "backend-v1.1.0"


def test_an_image_that_is_not_proved_has_no_digest_and_a_change_at_least_a_branch() -> None:
    bare = replace(RECORD, resolved=RESOLVED)
    subject = _event(ReleaseEvent.BUILT, bare)["subject"]
    assert subject == f"pkg:oci/album-app-backend?repository_url={IMAGE}&tag=v1.1.0"
    assert re.fullmatch(r"pkg:oci/[!-~]+", subject)
    assert _event(ReleaseEvent.PROPOSED, bare)["subject"] == RESOLVED.config.branch
