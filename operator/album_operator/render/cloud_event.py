"""Notifications as CloudEvents 1.0 in structured mode, with types and data of CDEvents 0.5.1.

The shapes are those of the schemas at github.com/cdevents/spec, tag v0.5.1.
"""

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any, assert_never
from urllib.parse import quote

from album_operator.domain.names import image_repository, image_tag
from album_operator.domain.notifications import Notification, ReleaseEvent
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome
from album_operator.domain.resolved import Resolved

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"

Subject = tuple[str, str, Mapping[str, Any]]
"""Type of CDEvents without what all have in common, the subject's id, and its content."""


def cloud_event(told: Notification) -> bytes:
    """Write a notification; all attempts of a release are one chain."""
    kind, subject, content = _subject(told)
    source = f"/namespaces/{told.release.ref.namespace}/albumpipelines/{told.release.pipeline}"
    time = told.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    kind = f"dev.cdevents.{kind}"
    context = {
        "specversion": "0.5.1",
        "id": told.id,
        "chainId": told.release.uid,
        "source": source,
        "type": kind,
        "timestamp": time,
    }
    event = {
        "specversion": "1.0",
        "id": told.id,
        "source": source,
        "type": kind,
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "data": {
            "context": context,
            "subject": {"id": subject, "source": source, "content": content},
            "customData": _details(told),
            "customDataContentType": "application/json",
        },
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _subject(told: Notification) -> Subject:
    record, resolved = told.record, told.record.resolved
    if resolved is None:
        return _run(told)
    match told.event:
        case ReleaseEvent.STARTED | ReleaseEvent.RELEASED | ReleaseEvent.ENDED:
            return _run(told)
        case ReleaseEvent.FAILED:
            return _run(told) if record.outcome is Outcome.STALLED else _incident(told, resolved)
        case ReleaseEvent.BUILT:
            return "artifact.published.0.3.0", _artifact(told, resolved), {}
        case ReleaseEvent.PROPOSED:
            return "change.created.0.4.0", *_change(told, resolved)
        case ReleaseEvent.MERGED:
            return "change.merged.0.3.0", *_change(told, resolved)
        case ReleaseEvent.DEPLOYED:
            is_rollback = told.release.rollback_of is not None
            kind = f"service.{'rolledback' if is_rollback else 'upgraded'}.0.3.0"
            runs = {"environment": _environment(told, resolved)}
            return kind, told.app, runs | {"artifactId": _artifact(told, resolved)}
        case _:
            assert_never(told.event)


def _run(told: Notification) -> Subject:
    """Tell of the release as a whole, as a run of its pipeline."""
    record, ref = told.record, told.release.ref
    asked = record.pull_request
    uri = asked.url if asked is not None else f"urn:uuid:{told.release.uid}"
    subject = f"{ref}/{record.attempt}"
    content = {"pipelineName": told.release.pipeline, "uri": uri}
    if told.event is ReleaseEvent.STARTED:
        return "pipelinerun.started.0.3.0", subject, content
    content["outcome"] = _outcome(told)
    if told.event is not ReleaseEvent.RELEASED:
        content["errors"] = record.message
    return "pipelinerun.finished.0.3.0", subject, content


def _outcome(told: Notification) -> str:
    if told.event is ReleaseEvent.RELEASED:
        return "success"
    is_failure = told.event is ReleaseEvent.FAILED or told.record.reason is Reason.ROLLED_BACK
    return "failure" if is_failure else "cancel"


def _incident(told: Notification, resolved: Resolved) -> Subject:
    """Tell of a version that failed where it runs, and is being taken back."""
    content = {
        "description": told.record.message,
        "environment": _environment(told, resolved),
        "service": {"id": told.app},
        "artifactId": _artifact(told, resolved),
    }
    return "incident.detected.0.3.0", f"{told.release.ref}/{told.record.attempt}", content


def _change(told: Notification, resolved: Resolved) -> tuple[str, Mapping[str, Any]]:
    record = told.record
    asked, repository = record.pull_request, resolved.config.repository
    number = str(asked.number) if asked is not None else record.merged_commit
    return number or resolved.config.branch, {"repository": {"id": repository}}


def _environment(told: Notification, resolved: Resolved) -> Mapping[str, str]:
    ref = told.release.ref
    return {"id": resolved.pipeline.environment or f"{ref.namespace}/{told.release.pipeline}"}


def _artifact(told: Notification, resolved: Resolved) -> str:
    """Give the package URL of the image (package-url/purl-spec, type `oci`)."""
    reference, image = resolved.build.image, told.record.image
    repository = image_repository(reference)
    name = repository.rsplit("/", 1)[-1].lower()
    version = f"@{quote(image.digest, safe='')}" if image is not None else ""
    where = quote(repository, safe="/")
    return f"pkg:oci/{name}{version}?repository_url={where}&tag={quote(image_tag(reference))}"


def _details(told: Notification) -> Mapping[str, Any]:
    """Give what CDEvents has no field for."""
    record, resolved, asked = told.record, told.record.resolved, told.record.pull_request
    known = {
        "event": told.event,
        "namespace": told.release.ref.namespace,
        "release": told.release.ref.name,
        "pipeline": told.release.pipeline,
        "app": told.app,
        "version": told.version,
        "attempt": record.attempt,
        "reason": record.reason,
        "message": record.message,
        "tag": resolved.source.tag if resolved is not None else told.release.tag,
        "commit": resolved.source.commit if resolved is not None else None,
        "image": resolved.build.image if resolved is not None else None,
        "digest": record.image.digest if record.image is not None else None,
        "pullRequest": asked.url if asked is not None else None,
        "rollbackOf": told.release.rollback_of,
    }
    return {name: value for name, value in known.items() if value is not None}
