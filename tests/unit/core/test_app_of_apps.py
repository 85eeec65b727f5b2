"""The tag is in the Application that an app of apps renders: proved on the child that runs it."""

import json
from datetime import timedelta
from typing import Any

import pytest
import yaml

from tests.fakes.builders import CONFIG, IMAGE, NAMESPACE, raw_application
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import Stage

CHART = {"repoURL": "https://charts.example.org", "chart": "backend", "targetRevision": "1.2.3"}
CHILD, PARENT = "album-app-backend", "apps"
VALUES = {"image": {"repository": IMAGE, "tag": "v1.0.0"}}
BOTH = [{"namespace": "argocd", "name": name} for name in (CHILD, PARENT)]
OLD = [{"name": "image.tag", "value": "v1.0.0"}]

TEXT = f"image:\n  repository: {IMAGE}\n  tag: v1.0.0 # by releases\n"

IN_MANIFEST: list[Any] = [
    pytest.param({"valuesObject": VALUES}, "valuesObject.image.tag", id="valuesObject"),
    pytest.param({"values": TEXT}, "values.image.tag", id="values"),
    pytest.param(
        {"valuesObject": VALUES, "parameters": OLD},
        "parameters[name=image.tag].value",
        id="parameters",
    ),
]


class _Blocks(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> yaml.ScalarNode:
        return super().represent_scalar(tag, value, "|" if "\n" in value else style)


class Home:
    """A stage on which an app of apps renders the Application of the backend."""

    def __init__(self, files: dict[str, str], source: dict[str, Any]) -> None:
        self.stage = stage = Stage()
        stage.config.write("main", files)
        stage.cluster.apply(raw_application("backend", source=source))
        parent = raw_application("")
        parent["metadata"]["name"] = PARENT
        parent["spec"]["source"]["path"] = "apps"
        stage.cluster.apply(parent)
        stage.argocd.sync(CHILD)
        stage.argocd.sync(PARENT)
        assert self.parent["status"]["sync"]["status"] == "Synced"

    def name(self, *applications: dict[str, str], **edit: object) -> None:
        """Let the pipeline name Applications and an edit."""
        (pipeline,) = self.stage.cluster.all_of("AlbumPipeline")
        app = {"name": "backend", "edits": [edit], "applications": list(applications)}
        pipeline["spec"]["apps"] = [app]
        pipeline["metadata"]["generation"] += 1

    async def merge(self) -> None:
        """Run a release up to its merge, and on to where Argo CD is asked."""
        self.stage.apply()
        await self.stage.settle()
        finish_build(self.stage.cluster, self.stage.jobs[-1])
        await self.stage.settle()
        self.stage.merge()
        await self.stage.settle()

    @property
    def child(self) -> dict[str, Any]:
        return self.stage.application()

    @property
    def parent(self) -> dict[str, Any]:
        path = f"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{PARENT}"
        return self.stage.cluster.objects[path]


def _home(helm: dict[str, Any], key: str, before: str = "", **edit: object) -> Home:
    """Give a stage with the child's own manifest in a file, after some other document."""
    source = {**CHART, "helm": helm}
    manifest = raw_application("backend", source=source)
    del manifest["metadata"]["resourceVersion"]
    # As people write it: `values: |`.
    text = yaml.dump(manifest, Dumper=_Blocks)
    home = Home({"apps/backend.yaml": before + text}, source)
    home.name(*BOTH, path="apps/backend.yaml", key=f"spec.source.helm.{key}", **edit)
    return home


@pytest.mark.parametrize(("helm", "key"), IN_MANIFEST)
async def test_a_tag_in_the_manifest_of_the_child_is_released(
    helm: dict[str, Any], key: str
) -> None:
    home = _home(helm, key)
    home.stage.apply()
    await home.stage.release()

    assert home.stage.ready() == ("True", "Released")
    assert home.child["status"]["summary"]["images"] == [f"{IMAGE}:v1.1.0"]
    seen = home.stage.status()["applications"]
    assert [one["name"] for one in seen] == [CHILD, PARENT]
    assert {one["acceptedBecause"] for one in seen} == {"Equal"}


async def test_one_of_several_documents_is_the_manifest_of_the_child() -> None:
    before = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\n---\n"
    document = {"kind": "Application", "name": CHILD}
    home = _home({"valuesObject": VALUES}, "valuesObject.image.tag", before, document=document)
    home.stage.apply()
    await home.stage.release()

    assert home.stage.ready() == ("True", "Released")


async def test_values_that_are_a_text_in_a_template_of_the_app_of_apps_are_released() -> None:
    helm = {"values": f"image:\n  repository: {IMAGE}\n  tag: v1.0.0\n"}
    manifest = raw_application("backend", source={**CHART, "helm": helm})
    template = json.dumps(manifest).replace("v1.0.0", "{{ .Values.backend.tag }}")
    files = {"apps/values.yaml": "backend:\n  tag: v1.0.0\n", "apps/templates/b.yaml": template}
    home = Home(files, {**CHART, "helm": helm})
    home.name(*BOTH, path="apps/values.yaml", key="backend.tag")
    home.stage.apply()
    await home.stage.release()

    assert home.stage.ready() == ("True", "Released")
    assert home.child["spec"]["source"]["helm"]["values"].endswith("tag: v1.1.0\n")
    assert home.child["status"]["summary"]["images"] == [f"{IMAGE}:v1.1.0"]


@pytest.mark.parametrize(("helm", "key"), IN_MANIFEST)
async def test_what_the_app_of_apps_has_synced_is_no_proof_before_the_child_is_compared(
    helm: dict[str, Any], key: str
) -> None:
    home = _home(helm, key)
    await home.merge()
    assert home.stage.ready() == ("Unknown", "Syncing")

    # The child is looked at before the app of apps has written it.
    home.stage.argocd.run()
    assert home.parent["status"]["sync"]["status"] == "Synced"
    assert home.child["status"]["sync"]["status"] == "Synced"
    await home.stage.settle()
    assert home.stage.ready() == ("Unknown", "Syncing")
    assert "is not compared yet to what Application argocd/apps made of it" in home.stage.message()

    home.stage.argocd.run()
    await home.stage.settle()
    assert home.stage.ready() == ("Unknown", "Settling")


async def test_a_sync_of_the_child_that_fails_ends_the_release() -> None:
    home = _home({"valuesObject": VALUES}, "valuesObject.image.tag")
    await home.merge()
    home.stage.argocd.run()
    home.stage.argocd.fails = "the admission webhook said no"
    home.stage.argocd.run()
    await home.stage.settle()

    assert home.stage.ready() == ("False", "SyncFailed")
    assert "the admission webhook said no" in home.stage.message()


async def test_an_earlier_failure_of_the_child_is_history() -> None:
    home = _home({"valuesObject": VALUES}, "valuesObject.image.tag")
    home.child["status"]["operationState"]["phase"] = "Failed"
    home.stage.apply()
    await home.stage.release()

    assert home.stage.ready() == ("True", "Released")


async def test_an_app_of_apps_that_ignores_the_difference_is_told() -> None:
    home = _home({"valuesObject": VALUES}, "valuesObject.image.tag")
    home.stage.argocd.blind = True
    await home.merge()
    home.stage.argocd.run()
    await home.stage.settle()
    assert "has v1.0.0 at spec.source.helm.valuesObject.image.tag" in home.stage.message()
    assert "spec.ignoreDifferences" in home.stage.message()

    home.stage.argocd.blind = False
    home.stage.argocd.sync(PARENT)
    await home.stage.release()
    assert home.stage.ready() == ("True", "Released")


async def test_what_else_the_app_of_apps_renders_has_no_say() -> None:
    home = _home({"valuesObject": VALUES}, "valuesObject.image.tag")
    await home.merge()
    home.stage.argocd.run()
    home.stage.argocd.run()
    path = f"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{PARENT}"
    ill = {"sync": {"status": "OutOfSync"}, "health": {"status": "Degraded"}}
    home.stage.cluster.edit(path, {"status": ill})
    await home.stage.settle()
    assert home.stage.ready() == ("Unknown", "Settling")
    home.stage.cluster.edit(path, {"status": {"health": {"status": "Healthy"}}})
    home.stage.clock.advance(timedelta(seconds=60))
    await home.stage.settle()

    assert home.stage.ready() == ("True", "Released")


@pytest.mark.parametrize("named", [[CHILD], [PARENT]])
async def test_one_of_the_two_alone_is_refused_and_both_are_released(named: list[str]) -> None:
    home = _home({"valuesObject": VALUES}, "valuesObject.image.tag")
    edit = {"path": "apps/backend.yaml", "key": "spec.source.helm.valuesObject.image.tag"}
    home.name(*({"namespace": "argocd", "name": name} for name in named), **edit)
    home.stage.apply()
    await home.stage.settle()
    assert home.stage.ready() == ("False", "ApplicationMismatch")
    assert f"{CHILD}, and the Application that renders it from {CONFIG}" in home.stage.message()
    assert home.stage.jobs == []

    home.name(*BOTH, **edit)
    home.stage.annotate(retry="1")
    await home.stage.release()
    assert home.stage.ready() == ("True", "Released")


async def test_a_parameter_that_outweighs_the_value_is_told_until_it_is_gone() -> None:
    home = _home({"valuesObject": VALUES, "parameters": OLD}, "valuesObject.image.tag")
    home.stage.apply()
    await home.stage.settle()
    assert home.stage.ready() == ("False", "OverriddenElsewhere")
    assert "in its spec.source.helm.parameters, which outweighs it" in home.stage.message()
    assert home.stage.jobs == []

    source = {**CHART, "helm": {"valuesObject": VALUES}}
    manifest = yaml.safe_dump(raw_application("backend", source=source))
    home.stage.config.write("main", {"apps/backend.yaml": manifest})
    home.child["spec"]["source"] = source
    home.stage.annotate(retry="1")
    await home.stage.release()
    assert home.stage.ready() == ("True", "Released")


async def test_both_have_to_consent() -> None:
    home = _home({"valuesObject": VALUES}, "valuesObject.image.tag")
    home.parent["metadata"]["annotations"] = {}
    home.stage.apply()
    await home.stage.settle()

    assert home.stage.ready() == ("False", "NotAuthorized")
    assert f"application -n argocd {PARENT} " in home.stage.message()
    assert f"={NAMESPACE}/album-app" in home.stage.message()


async def test_an_app_of_apps_alone_that_shows_no_image_says_what_to_name() -> None:
    manifest = raw_application("backend", source={**CHART, "helm": {"valuesObject": VALUES}})
    template = json.dumps(manifest).replace("v1.0.0", "{{ .Values.backend.tag }}")
    files = {"apps/values.yaml": "backend:\n  tag: v1.0.0\n", "apps/templates/b.yaml": template}
    home = Home(files, manifest["spec"]["source"])
    home.name(BOTH[1], path="apps/values.yaml", key="backend.tag")
    await home.merge()
    home.stage.argocd.run()
    await home.stage.settle()

    assert home.stage.ready() == ("Unknown", "ImageNotObserved")
    assert f"such as argocd/{CHILD}: the image runs in one of these" in home.stage.message()


SET: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "ApplicationSet",
    "metadata": {"name": "shops", "namespace": "argocd"},
    "spec": {"generators": [{"list": {"elements": [{"name": "eu", "tag": "v1.0.0"}]}}]},
}


def _home_of_a_set() -> Home:
    """Give a stage on which the app of apps renders the ApplicationSet that makes the child."""
    helm = {"parameters": OLD, "valuesObject": VALUES}
    made = raw_application("backend", source={**CHART, "helm": helm})
    template = json.loads(json.dumps(made).replace("v1.0.0", "{{ .tag }}"))
    manifest = {**SET, "spec": {**SET["spec"], "template": template}}
    home = Home({"apps/shops.yaml": yaml.safe_dump(manifest)}, made["spec"]["source"])
    home.child["metadata"]["ownerReferences"] = [{"kind": "ApplicationSet", "name": "shops"}]
    home.name(*BOTH, path="apps/shops.yaml", key="spec.generators[0].list.elements[name=eu].tag")
    return home


async def test_an_element_of_an_application_set_is_released_and_proved_on_what_is_made() -> None:
    home = _home_of_a_set()
    home.stage.apply()
    await home.stage.release()

    assert home.stage.ready() == ("True", "Released")
    assert home.child["status"]["summary"]["images"] == [f"{IMAGE}:v1.1.0"]


async def test_an_application_set_that_has_not_told_its_values_yet_proves_nothing() -> None:
    home = _home_of_a_set()
    home.child["status"]["operationState"]["phase"] = "Failed"
    await home.merge()
    home.stage.argocd.run()
    assert home.parent["status"]["sync"]["status"] == "Synced"
    await home.stage.settle()

    assert home.stage.ready() == ("Unknown", "Syncing")
    assert f"runs {IMAGE}:v1.0.0, not {IMAGE}:v1.1.0" in home.stage.message()
    await home.stage.release()
    assert home.stage.ready() == ("True", "Released")


async def test_what_an_application_set_makes_alone_is_refused_with_whom_to_name() -> None:
    home = _home_of_a_set()
    edit = {"path": "apps/shops.yaml", "key": "spec.generators[0].list.elements[name=eu].tag"}
    home.name(BOTH[0], **edit)
    home.stage.apply()
    await home.stage.settle()
    assert home.stage.ready() == ("False", "ApplicationMismatch")
    assert "the app of apps that renders its ApplicationSet argocd/shops" in home.stage.message()

    home.name(*BOTH, **edit)
    home.stage.annotate(retry="1")
    await home.stage.release()
    assert home.stage.ready() == ("True", "Released")
