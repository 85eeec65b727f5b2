"""The two YAML files a user writes, read as the operator reads them."""

from pathlib import Path

import pytest
import yaml

from album_operator.api.pipeline import AlbumPipeline
from album_operator.api.release import AlbumRelease
from album_operator.domain.release import Edit
from album_operator.render.values import edit_values, read_values
from testbed.samples import render_examples
from testbed.samples.git import Git
from tests.samples.conftest import FORGE_URL, REGISTRY


@pytest.fixture(scope="module")
def pipeline() -> AlbumPipeline:
    text = render_examples(FORGE_URL, REGISTRY)["pipeline.yaml"]
    return AlbumPipeline.model_validate(yaml.safe_load(text))


@pytest.fixture(scope="module")
def release() -> AlbumRelease:
    text = render_examples(FORGE_URL, REGISTRY)["release.yaml"]
    return AlbumRelease.model_validate(yaml.safe_load(text))


def test_the_examples_have_the_addresses_of_the_testbed(pipeline: AlbumPipeline) -> None:
    assert pipeline.spec.source.repository == f"{FORGE_URL}/album/album-app"
    assert pipeline.spec.build.image.registry == REGISTRY
    assert pipeline.spec.build.image.insecure
    assert pipeline.spec.config.forge.api_url == f"{FORGE_URL}/api/v1"


def test_the_release_names_the_pipeline_and_a_tag_that_exists(
    pipeline: AlbumPipeline, release: AlbumRelease, album_app: Git
) -> None:
    assert release.metadata.name == release.spec.tag
    assert release.spec.pipeline_ref.name == pipeline.metadata.name
    assert release.metadata.namespace == pipeline.metadata.namespace
    assert release.spec.tag in album_app.run("tag").split()


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
