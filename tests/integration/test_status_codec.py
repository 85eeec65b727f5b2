"""The statuses our codec writes are accepted by the API server and read back as they were."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from album_operator.codec import parse_pipeline, parse_release, parse_status, render_status
from album_operator.decisions.conventions import resolve
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    ApplicationRecord,
    BuildRecord,
    Failure,
    ImageRecord,
    Outcome,
    ProposalRecord,
    PullRequestRecord,
    Record,
    StepState,
    SupersededBy,
)
from album_operator.domain.resolved import Resolved
from tests.integration.apiserver import ApiServer
from tests.integration.objects import Raw, changed, collection, pipeline, release

NAMESPACE = "status-codec"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOW = datetime(2026, 11, 23, 20, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(crds_installed: ApiServer) -> ApiServer:
    crds_installed.create_namespace(NAMESPACE)
    return crds_installed


def _create(server: ApiServer, raw: Raw) -> Raw:
    answer = server.request("POST", collection(raw, NAMESPACE), raw)
    assert answer.status == 201, answer.message
    body: Raw = answer.body
    return body


def _fullest(raw: Raw) -> Raw:
    """Give a pipeline that fills every optional field, to the brim where that is cheap."""
    for path, value in (
        ("spec.source.repository", "https://host/owner/" + "n" * 493),
        ("spec.build.image.registry", "r" * 255),
        ("spec.build.image.repository", "i" * 255),
        ("spec.build.args", [{"name": f"A{i}", "value": "x" * 128} for i in range(32)]),
        ("spec.build.target", "t" * 128),
        ("spec.build.timeout", "23h59m59s"),
        ("spec.build.resources.requests", {"cpu": 1, "memory": "1Gi", "ephemeral-storage": "1Gi"}),
        ("spec.build.resources.limits", {"cpu": "2", "memory": "2Gi"}),
        ("spec.config.author.name", "ü" * 128),
        ("spec.argocd.syncPolicy.prune", False),
        (
            "spec.apps[0].edits",
            [{"path": f"{'p' * 250}/{i}", "key": "k" * 256} for i in range(10, 26)],
        ),
        (
            "spec.apps[0].applications",
            [{"namespace": f"n{i}", "name": "a" * 253} for i in range(16)],
        ),
    ):
        raw = changed(raw, path, value)
    return raw


def _full_record(resolved: Resolved) -> Record:
    """Give a record in which nothing is unset and texts are longer than the status takes."""
    record = Record()
    return replace(
        record,
        attempt=3,
        resolved=resolved,
        image=ImageRecord(resolved.build.image, "sha256:" + "0" * 64, COMMIT),
        build=BuildRecord("j" * 63, str(resolved.build.type), NOW, NOW),
        proposal=ProposalRecord(resolved.config.branch, COMMIT, "+" * 4096),
        pull_request=PullRequestRecord(
            7,
            f"{resolved.config.repository}/pulls/7",
            "Merged",
            COMMIT,
            COMMIT,
            NOW,
            Reason.CHANGES_REQUESTED,
            NOW,
            NOW,
        ),
        merged_commit=COMMIT,
        applications=tuple(
            ApplicationRecord(
                ref.namespace, ref.name, COMMIT, "Descendant", "Synced", "Healthy", NOW
            )
            for ref in resolved.argocd.applications
        ),
        steps=tuple(
            replace(
                step,
                state=StepState.FAILED,
                reason=Reason.BUILD_OUT_OF_MEMORY,
                message="m" * 5000,
                started_at=NOW,
                finished_at=NOW,
                overhead=timedelta(microseconds=1),
            )
            for step in record.steps
        ),
        outcome=Outcome.STALLED,
        reason=Reason.IMAGE_NOT_OBSERVED,
        message="m" * 5000,
        failure=Failure("ImageReady", Reason.BUILD_FAILED, "m" * 5000, "p" * 253, "c" * 63, 137),
        superseded_by=SupersededBy("v2.0.0", "album/backend-v2.0.0", "a" * 40),
        last_handled_retry="2026-11-23T20:00:00Z",
        last_handled_refresh="2026-11-23T20:00:00Z",
        requested_by="q" * 100,
    )


def _resolve(server: ApiServer, raw: Raw, name: str) -> tuple[Raw, Resolved]:
    created = _create(server, release(name, app="backend", version="v1.0.0-" + "a" * 121))
    resolved = resolve(parse_release(created), parse_pipeline(_create(server, raw)))
    assert isinstance(resolved, Resolved)
    source = replace(resolved.source, commit=COMMIT)
    config = replace(resolved.config, base_branch=resolved.config.base_branch or "main")
    return created, replace(resolved, source=source, config=config)


def _write(server: ApiServer, created: Raw, record: Record) -> Raw:
    status = render_status(parse_release(created), record, NOW)
    path = f"{collection(created, NAMESPACE)}/{created['metadata']['name']}/status"
    answer = server.request("PATCH", f"{path}?fieldValidation=Strict", {"status": status})
    assert answer.status == 200, answer.message
    assert answer.body["status"] == status
    written: Raw = answer.body["status"]
    return written


def test_the_status_of_a_release_not_yet_begun_is_accepted(server: ApiServer) -> None:
    _write(server, _create(server, release("fresh")), Record())


def test_a_small_release_comes_back_as_it_was_written(server: ApiServer) -> None:
    created, resolved = _resolve(server, pipeline("small"), "small")

    written = _write(server, created, replace(Record(), resolved=resolved))

    assert parse_status(written).resolved == resolved


def test_a_release_that_commits_to_the_base_branch_comes_back_too(server: ApiServer) -> None:
    raw = changed(pipeline("direct"), "spec.config", {"delivery": "Commit", "branch": "main"})
    created, resolved = _resolve(server, raw, "direct")
    assert resolved.config.forge_type is None

    written = _write(server, created, replace(Record(), resolved=resolved))

    assert parse_status(written).resolved == resolved


def test_the_fullest_status_is_accepted_and_comes_back(server: ApiServer) -> None:
    created, resolved = _resolve(server, _fullest(pipeline("fullest")), "fullest")
    record = _full_record(resolved)

    read = parse_status(_write(server, created, record))

    assert read.resolved == record.resolved
    assert read.applications == record.applications
    assert read.pull_request == record.pull_request
    assert read.image == record.image
    assert read.build == record.build
    # The diff, which nobody acts upon, is cut as far as the size of the whole demands.
    assert read.proposal is not None
    assert replace(read.proposal, diff="") == replace(record.proposal, diff="")  # type: ignore[type-var]
    assert read.merged_commit == COMMIT


def test_a_base_branch_that_has_the_version_already_needs_no_proposal(server: ApiServer) -> None:
    created = _create(server, release("no-change"))

    _write(server, created, replace(Record(), merged_commit=COMMIT))
