"""The admission table, each row a write to a real API server with our CRDs."""

import pytest

from tests.integration.admission_rows import APP_AND_VERSION, EDITS, PIPELINES, RELEASES, Row
from tests.integration.apiserver import ApiServer
from tests.integration.objects import Raw, changed, collection, pipeline, release


def _check(server: ApiServer, raw: Raw, row: Row) -> None:
    path = f"{collection(raw, 'default')}?dryRun=All&fieldValidation=Strict"
    answer = server.request("POST", path, changed(raw, row.path, row.value))
    if row.refusal is None:
        assert answer.status == 201, answer.message
        return
    assert answer.status == 422, answer.body
    assert (row.field or row.path) in answer.fields, answer.message
    # Kubernetes 1.31 has another word for it.
    said = answer.message.replace("may not be longer than", "may not be more than")
    assert row.refusal in said


@pytest.mark.parametrize("row", RELEASES, ids=str)
def test_a_release_by_tag(crds_installed: ApiServer, row: Row) -> None:
    _check(crds_installed, release(), row)


@pytest.mark.parametrize("row", APP_AND_VERSION, ids=str)
def test_a_release_by_app_and_version(crds_installed: ApiServer, row: Row) -> None:
    _check(crds_installed, release(app="backend", version="v1.1.0"), row)


@pytest.mark.parametrize("row", [*PIPELINES, *EDITS], ids=str)
def test_a_pipeline(crds_installed: ApiServer, row: Row) -> None:
    _check(crds_installed, pipeline(), row)


def test_one_mistake_is_told_once(crds_installed: ApiServer) -> None:
    raw = changed(pipeline(), "spec.source.repository", "https://token@host/o/../n")

    answer = crds_installed.request("POST", f"{collection(raw, 'default')}?dryRun=All", raw)

    assert len(answer.body["details"]["causes"]) == 1


@pytest.mark.parametrize("path", ["spec.build.kaniko"])
def test_fields_that_do_nothing_yet_are_unknown(crds_installed: ApiServer, path: str) -> None:
    raw = changed(pipeline(), path, {})
    query = "?dryRun=All&fieldValidation=Strict"

    answer = crds_installed.request("POST", f"{collection(raw, 'default')}{query}", raw)

    assert answer.status == 400
    assert f'unknown field "{path}"' in answer.message
