"""A value that would be merged and never run is told before the build, and nothing is done."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.builders import CONFIG, IMAGE
from tests.unit.core.stage import VALUES, Stage

BESIDE = "backend/.argocd-source-album-app-backend.yaml"
OLD = {"name": "image.tag", "value": "v1.0.0"}
OLD_FILE = "helm:\n  parameters:\n  - name: image.tag\n    value: v1.0.0\n    forcestring: true\n"


def _say(stage: Stage, **source: object) -> None:
    """Let the Application of the backend say something of its source."""
    stage.application()["spec"]["source"].update(source)


def _write(stage: Stage, path: str, text: str) -> None:
    tip = stage.config.commits[stage.config.branches["main"]]
    files = {name: file.data.decode() for name, file in tip.files.items()}
    stage.config.write("main", {**files, path: text})


def _edit_instead(stage: Stage, **edit: str) -> None:
    pipeline = stage.cluster.all_of("AlbumPipeline")[0]
    (app,) = (app for app in pipeline["spec"]["apps"] if app["name"] == "backend")
    app["edits"] = [edit]
    pipeline["metadata"]["generation"] += 1


def _field(stage: Stage) -> None:
    _say(stage, helm={"parameters": [OLD]})


def _text(stage: Stage) -> None:
    _say(stage, helm={"values": "image:\n  tag: v1.0.0\n"})


def _file(stage: Stage) -> None:
    _write(stage, BESIDE, OLD_FILE)


WAYS: list[Any] = [
    pytest.param(_field, "its spec.source.helm.parameters", id="parameters"),
    pytest.param(_text, "its spec.source.helm.values", id="values"),
    pytest.param(_file, f"helm.parameters of {BESIDE}", id="file"),
]


@pytest.mark.parametrize(("override", "place"), WAYS)
@pytest.mark.parametrize("mode", ["Apply", "Plan"])
async def test_an_override_is_named_before_anything_is_done(
    override: Callable[[Stage], None], place: str, mode: str
) -> None:
    stage = Stage()
    override(stage)
    branches = dict(stage.config.branches)
    stage.apply(tag="backend-v1.1.0", mode=mode)
    await stage.settle()

    assert stage.ready() == ("False", "OverriddenElsewhere")
    assert f"has v1.0.0 for image.tag in {place}, which outweighs it" in stage.message()
    assert (stage.jobs, stage.config.branches) == ([], branches)


@pytest.mark.parametrize(("override", "place"), WAYS)
async def test_once_it_is_removed_a_retry_releases(
    override: Callable[[Stage], None], place: str
) -> None:
    stage = Stage()
    override(stage)
    stage.apply()
    await stage.settle()
    assert place in stage.message()

    _say(stage, helm={})
    _write(stage, BESIDE, "{}")
    stage.annotate(retry="1")
    await stage.release()

    assert stage.ready() == ("True", "Released")


async def test_an_override_with_our_value_is_none() -> None:
    stage = Stage()
    _say(stage, helm={"parameters": [{"name": "image.tag", "value": "v1.1.0"}]})
    _write(stage, BESIDE, "helm: {parameters: [{name: image.tag, value: v1.1.0}]}")
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")


async def test_the_file_that_outweighs_can_be_edited_instead() -> None:
    stage = Stage()
    _say(stage, helm={"valueFiles": ["values.yaml", "prod.yaml"]})
    _write(stage, "backend/prod.yaml", VALUES.format(app="backend", image=IMAGE))
    stage.apply()
    await stage.settle()
    assert stage.ready() == ("False", "OverriddenElsewhere")
    assert "name that file under edits of app backend" in stage.message()

    _edit_instead(stage, path="backend/prod.yaml", key="image.tag")
    stage.annotate(retry="1")
    await stage.settle()

    assert stage.ready()[1] == "Building"


MANIFEST = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: album-app-backend}
spec:
  source:
    chart: backend
    helm: {valuesObject: {image: {tag: v1.0.0}}}
"""


async def test_a_tag_in_the_applications_own_manifest_can_move_to_a_values_file() -> None:
    stage = Stage()
    _write(stage, "apps/backend.yaml", MANIFEST)
    _edit_instead(stage, path="apps/backend.yaml", key="spec.source.helm.valuesObject.image.tag")
    stage.apply()
    await stage.settle()

    assert stage.ready() == ("False", "ApplicationMismatch")
    assert "is the manifest of Application album-app-backend" in stage.message()
    assert stage.jobs == []

    chart = {"repoURL": "https://charts.example.org", "chart": "backend", "targetRevision": "1.2.3"}
    values = {"repoURL": CONFIG, "targetRevision": "main", "ref": "values"}
    helm = {"valueFiles": ["$values/backend/values.yaml"]}
    spec = stage.application()["spec"]
    del spec["source"]
    spec["sources"] = [{**chart, "helm": helm}, values]
    _edit_instead(stage, path="backend/values.yaml", key="image.tag")
    stage.annotate(retry="1")
    await stage.settle()

    assert stage.ready()[1] == "Building"
