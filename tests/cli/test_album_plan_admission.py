"""The admission table, each row judged as `album plan -f` does, in the API server's words."""

import pytest

from album_cli.admission import NotAdmittedError, admit
from tests.integration.admission_rows import APP_AND_VERSION, EDITS, PIPELINES, RELEASES, Row
from tests.integration.objects import Raw, changed, pipeline, release


def _check(raw: Raw, row: Row) -> None:
    raw = changed(raw, row.path, row.value)
    if row.refusal is None:
        admit(raw)
        return
    with pytest.raises(NotAdmittedError) as refused:
        admit(raw)
    # The API server writes <nil> for the object itself.
    wanted = "" if row.field == "<nil>" else row.field or row.path
    assert wanted in {fault.field for fault in refused.value.faults}
    assert (row.rule or row.refusal) in f"{refused.value}."


@pytest.mark.parametrize("row", RELEASES, ids=str)
def test_a_release_by_tag(row: Row) -> None:
    _check(release(), row)


@pytest.mark.parametrize("row", APP_AND_VERSION, ids=str)
def test_a_release_by_app_and_version(row: Row) -> None:
    _check(release(app="backend", version="v1.1.0"), row)


@pytest.mark.parametrize("row", [*PIPELINES, *EDITS], ids=str)
def test_a_pipeline(row: Row) -> None:
    _check(pipeline(), row)


def test_one_mistake_is_told_once() -> None:
    raw = changed(pipeline(), "spec.source.repository", "https://token@host/o/../n")

    with pytest.raises(NotAdmittedError) as refused:
        admit(raw)

    assert len(refused.value.faults) == 1


def test_defaults_are_those_of_the_api_server() -> None:
    assert admit(release())["spec"]["mode"] == "Apply"
    assert admit(changed(pipeline(), "spec.build", None))["spec"]["build"]["type"] == "Kaniko"
