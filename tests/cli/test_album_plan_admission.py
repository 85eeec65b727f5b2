"""What the API server makes of a text, `album plan -f` makes of it too, and names the same field.

The table is that of the API server (tests/integration/test_admission.py).
"""

from pathlib import Path

import pytest
import yaml

from album_cli.documents import from_files
from album_cli.ends import BadInputError, RefusedError
from tests.integration.admission_rows import APP_AND_VERSION, EDITS, PIPELINES, RELEASES, Row
from tests.integration.objects import Raw, changed, pipeline, release

SAYS_TAG, SAYS_APP = release(), release(app="backend", version="v1.1.0")

FOR_THE_API_SERVER = (
    "two apps have the same tagPrefix",
    "Duplicate value",
    "all build arguments together",
    "a request must not be above its limit",
    "a draft is not merged",
    "with delivery Commit",
    "key must be",
    "say which document",
    "two edits set the same key",
    "value cannot be Reference",
    "metadata.name",
    "must be of type",
    "version needs an app",
    "app needs a version",
)
"""Rules on whole objects and lists, and types that pydantic reads from another."""

ROWS = [
    (kind, row)
    for kind, rows in (
        ("tag", RELEASES),
        ("app", APP_AND_VERSION),
        ("pipeline", [*PIPELINES, *EDITS]),
    )
    for row in rows
    if row.path.startswith("spec.")
    and not any(words in (row.refusal or "") for words in FOR_THE_API_SERVER)
]


def _objects(kind: str, row: Row) -> list[Raw]:
    """Give the objects of a file, the row's object with its value."""
    if kind == "pipeline":
        return [changed(pipeline(), row.path, row.value), SAYS_TAG]
    admitted = SAYS_TAG if kind == "tag" else SAYS_APP
    is_name = row.path == "spec.pipelineRef.name" and row.refusal is None
    return [
        pipeline(str(row.value) if is_name else "album-app"),
        changed(admitted, row.path, row.value),
    ]


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=str)
def test_a_plan_refuses_what_the_api_server_refuses(kind: str, row: Row, tmp_path: Path) -> None:
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump_all(_objects(kind, row)))
    try:
        from_files([str(file)])
    except BadInputError as error:
        said = str(error)
        assert row.refusal is not None, said
        assert (row.field or row.path) in said or " is no YAML: " in said
    except RefusedError as error:
        # The operator itself says no: to what the API server has admitted, or as its rule would on
        # the whole pipeline.
        said = str(error)
        assert row.refusal is None or (row.field or row.path) in said
    else:
        assert row.refusal is None


def test_the_plan_is_asked_most_rows() -> None:
    assert len(ROWS) > 400
