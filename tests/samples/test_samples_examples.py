"""The YAML a user writes, read as the operator reads it."""

from pathlib import Path

import pytest
import yaml

from album_operator.api.pipeline import AlbumPipeline
from album_operator.domain.release import Edit
from album_operator.render.values import edit_values, read_values
from testbed.samples import render_pipeline
from tests.samples.conftest import FORGE_URL, REGISTRY


@pytest.fixture(scope="module")
def pipeline() -> AlbumPipeline:
    text = render_pipeline(FORGE_URL, REGISTRY)
    return AlbumPipeline.model_validate(yaml.safe_load(text))


def test_the_pipeline_has_the_addresses_of_the_testbed(pipeline: AlbumPipeline) -> None:
    assert pipeline.spec.source.repository == f"{FORGE_URL}/album/album-app"
    assert pipeline.spec.build.image.registry == REGISTRY
    assert pipeline.spec.build.image.insecure
    assert pipeline.spec.config.forge.api_url == f"{FORGE_URL}/api/v1"


@pytest.mark.parametrize("app", ["backend", "frontend"])
def test_a_release_of_the_samples_changes_one_line(app: str, values: dict[str, Path]) -> None:
    edit, before = Edit(f"{app}/values.yaml", "image.tag"), values[app].read_bytes()
    assert read_values(before, [edit]) == {edit: "v1.0.0"}
    after = edit_values(before, {edit: "v1.1.0"})
    changed = [
        (old, new)
        for old, new in zip(before.splitlines(), after.splitlines(), strict=True)
        if old != new
    ]
    [(old, new)] = changed
    assert new == old.replace(b'"v1.0.0"', b'"v1.1.0"')
