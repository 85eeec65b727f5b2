"""An edit of an Application's own manifest is refused where its image could never be proved."""

from dataclasses import replace

import pytest

from album_operator.decisions import manifests
from album_operator.decisions.sources import may_be_in_manifest
from album_operator.domain.applications import ApplicationSeen, ApplicationSource
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Document, Edit, EditFormat
from tests.fakes.builders import APPLICATION_SEEN, CONFIG, EDIT, RESOLVED

TAG = Edit("apps/shop.yaml", "spec.source.helm.valuesObject.image.tag")
CHILD = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}}
CHART = ApplicationSource("https://charts.example.org", "", "1.2.3")
PARENT = replace(
    APPLICATION_SEEN, name="apps", images=(), sources=(ApplicationSource(CONFIG, "apps", "main"),)
)
SHOP = replace(APPLICATION_SEEN, name="shop", sources=(CHART,))


@pytest.mark.parametrize(
    ("key", "may_be"),
    [
        (TAG.key, True),
        ("spec.sources[0].helm.parameters[name=image.tag].value", True),
        ("spec.source.kustomize.images[0]", True),
        ("spec.template.spec.source.helm.values", False),
        ("spec", False),
        ("image.tag", False),
    ],
)
def test_a_key_in_a_source_may_be_in_a_manifest(key: str, *, may_be: bool) -> None:
    assert may_be_in_manifest(replace(TAG, key=key)) is may_be
    kustomize = replace(TAG, key=key, format=EditFormat.KUSTOMIZE)
    assert not may_be_in_manifest(kustomize)


@pytest.mark.parametrize(
    ("edit", "document", "child"),
    [
        (TAG, CHILD, "shop"),
        (TAG, {**CHILD, "kind": "ApplicationSet"}, None),
        (TAG, {**CHILD, "apiVersion": "app.k8s.io/v1beta1"}, None),
        (TAG, None, None),
        (replace(TAG, document=Document(index=1)), None, None),
        (replace(TAG, document=Document(kind="Application", name="shop")), None, "shop"),
        (replace(TAG, document=Document(kind="HelmRelease", name="shop")), CHILD, None),
    ],
)
def test_a_manifest_is_known_by_its_kind(edit: Edit, document: object, child: str | None) -> None:
    assert manifests.find_child(edit, document) == child


@pytest.mark.parametrize("application", [PARENT, SHOP])
def test_neither_the_child_nor_what_renders_it_can_prove_the_image(
    application: ApplicationSeen,
) -> None:
    resolved = replace(RESOLVED, config=replace(RESOLVED.config, edits=(TAG,)))
    halt = manifests.check(application, [application], resolved, {TAG: "shop"})

    assert halt is not None
    assert halt.reason is Reason.APPLICATION_MISMATCH
    assert halt.message == (
        "apps/shop.yaml is the manifest of Application shop, in which the image runs, and at "
        f"Application argocd/{application.name} alone it could never be proved."
    )
    assert halt.remedy == (
        "Name both under spec.apps[].applications of the pipeline: shop, and the Application that "
        f"renders it from {CONFIG}"
    )


def test_both_together_prove_the_image() -> None:
    resolved = replace(RESOLVED, config=replace(RESOLVED.config, edits=(TAG,)))
    both = [replace(PARENT, renders={SHOP.ref: "OutOfSync"}), SHOP]

    assert [manifests.check(one, both, resolved, {TAG: "shop"}) for one in both] == [None, None]
    assert manifests.check(SHOP, [PARENT, SHOP, None], resolved, {TAG: "shop"}) is not None


@pytest.mark.parametrize(
    ("application", "edits", "children"),
    [
        (PARENT, (TAG,), {}),
        (PARENT, (TAG, EDIT), {TAG: "shop"}),
        (replace(PARENT, images=("ghcr.io/owner/album-app-backend:v1",)), (TAG,), {TAG: "shop"}),
        (replace(SHOP, sources=(ApplicationSource(CONFIG, "", "main"),)), (TAG,), {TAG: "shop"}),
    ],
)
def test_what_may_be_proved_goes_on(
    application: ApplicationSeen, edits: tuple[Edit, ...], children: dict[Edit, str]
) -> None:
    resolved = replace(RESOLVED, config=replace(RESOLVED.config, edits=edits))

    assert manifests.check(application, [application], resolved, children) is None
