"""What a kustomization or a chart reaches beside its folder is found out level by level."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from album_operator.decisions import reach
from album_operator.decisions.reach import Found
from album_operator.domain.applications import ApplicationSeen, ApplicationSource
from album_operator.domain.release import Edit
from album_operator.render.yaml_plain import read_plain
from tests.fakes.builders import APPLICATION_SEEN, CONFIG, RESOLVED

BASE = "base/kustomization.yaml"
PROD = "overlays/prod/kustomization.yaml"
SOURCE = ApplicationSource(CONFIG, "overlays/prod", "main", tool="Kustomize")

Files = Mapping[str, str]


def _judge(
    edited: str,
    files: Files,
    source: ApplicationSource = SOURCE,
    application: ApplicationSeen = APPLICATION_SEEN,
    beside: Files | None = None,
) -> tuple[bool, int]:
    """Look as the step does; give what was found and in how many looks."""
    config = replace(RESOLVED.config, edits=(Edit(edited, "image.tag"),))
    application = replace(application, sources=(source,))
    found = Found({path: read_plain(text.encode()) for path, text in (beside or {}).items()})
    for looks in range(100):
        judged = reach.judge(application, source, config, found)
        if isinstance(judged, bool):
            return judged, looks
        assert not judged <= found.looked
        there = {path: read_plain(files[path].encode()) for path in judged if path in files}
        found = Found({**found.texts, **there}, found.looked | judged)
    raise AssertionError("it never ends")


@pytest.mark.parametrize(
    ("edited", "files"),
    [
        (BASE, {PROD: "resources: [../../base]", BASE: "resources: [deployment.yaml]"}),
        (BASE, {PROD: "resources: ['../../base/']", BASE: ""}),
        ("base/kustomization.yml", {PROD: "bases: [../../base]", "base/kustomization.yml": ""}),
        (
            "base/Kustomization",
            {"overlays/prod/Kustomization": "bases: [../../base]", "base/Kustomization": ""},
        ),
        ("base/x.yaml", {PROD: "resources: [../../base]", BASE: "resources: [./x.yaml]"}),
        ("base/x.yaml", {PROD: "resources: [../../base/x.yaml]"}),
        ("base/x.yaml", {PROD: "resources: [../../base]", BASE: "patches: [{path: x.yaml}]"}),
        ("envs/x.env", {PROD: "configMapGenerator: [{name: a, envs: [../../envs/x.env]}]"}),
        ("components/tag/kustomization.yaml",
         {PROD: "components: [../../components/tag]", "components/tag/kustomization.yaml": ""}),
        (
            "base/x.yaml",
            {
                PROD: "components: [../../components/tag]",
                "components/tag/kustomization.yaml": "resources: [../../base]",
                BASE: "resources: [x.yaml]",
            },
        ),
        # Helm's values, and the charts that a kustomization renders.
        ("charts/shop/values.yaml", {PROD: "helmGlobals: {chartHome: ../../charts}"}),
        ("values/shop.yaml", {PROD: "helmCharts: [{name: a, valuesFile: ../../values/shop.yaml}]"}),
        (
            "base/charts/shop/values.yaml",
            {PROD: "resources: [../../base]", BASE: "helmCharts: [{name: shop}]"},
        ),
    ],
)  # fmt: skip
def test_an_edit_in_a_base_reaches_the_overlay(edited: str, files: Files) -> None:
    assert _judge(edited, files)[0] is True


@pytest.mark.parametrize(
    ("edited", "files"),
    [
        (BASE, {PROD: "resources: [deployment.yaml]"}),
        (BASE, {}),
        (BASE, {PROD: "resources: [https://git.example.org/base, '/base']"}),
        ("base/x.yaml", {PROD: "resources: [../../base]", BASE: "resources: [y.yaml]"}),
        ("base/x.yaml", {PROD: "resources: [../../base]", BASE: "resources: [../overlays/prod]"}),
        ("overlays/staging/x.yaml", {PROD: "resources: [../../base]", BASE: "resources: []"}),
    ],
)
def test_what_no_kustomization_names_is_not_reached(edited: str, files: Files) -> None:
    assert _judge(edited, files)[0] is False


def test_a_level_is_one_look() -> None:
    files = {
        PROD: "resources: [../../a, ../../b, ../../c]",
        "a/kustomization.yaml": "resources: [../d]",
        "d/kustomization.yaml": "resources: [x.yaml]",
    }
    assert _judge("d/x.yaml", files) == (True, 3)
    assert _judge("overlays/prod/anything.yaml", files) == (True, 0)


def test_kustomizations_that_nobody_can_tell_may_reach_it() -> None:
    assert _judge(BASE, {PROD: "a: &b [1]\nresources: *b"})[0] is True
    many = "\n".join(f"- ../../base{number}" for number in range(100))
    assert _judge(BASE, {PROD: f"resources:\n{many}"})[0] is True
    # What lies beside the manifests and is no mapping.
    assert _judge(BASE, {}, beside={"overlays/prod/.argocd-source.yaml": "- 1"})[0] is True


def test_components_of_the_application_itself_count() -> None:
    source = replace(SOURCE, kustomize={"components": ["../../components/tag"]})
    assert _judge("components/tag/x.yaml", {PROD: ""}, source)[0] is True


def test_a_chart_takes_the_charts_that_it_depends_on() -> None:
    source = replace(SOURCE, path="charts/shop", tool="Helm")
    chart = "dependencies: [{name: common, repository: 'file://../common'}]"
    files = {"charts/shop/Chart.yaml": chart, "charts/common/Chart.yaml": "name: common"}

    assert _judge("charts/common/values.yaml", files, source)[0] is True
    assert _judge("charts/other/values.yaml", files, source)[0] is False
    remote = {"charts/shop/Chart.yaml": "dependencies: [{repository: 'https://a.example.org'}]"}
    assert _judge("charts/common/values.yaml", remote, source)[0] is False


def test_values_files_that_are_named_beside_the_manifests_count() -> None:
    source = replace(SOURCE, path="charts/shop", tool="Helm")
    beside = {"charts/shop/.argocd-source.yaml": "helm: {valueFiles: [/envs/prod.yaml]}"}

    assert _judge("envs/prod.yaml", {}, source, beside=beside)[0] is True
    assert _judge("envs/staging.yaml", {}, source, beside=beside)[0] is False
    named = {"charts/shop/.argocd-source.yaml": "helm: {valueFiles: [values-prod.yaml]}"}
    for environment, is_taken in (("prod", True), ("staging", False)):
        path = f"charts/shop/values-{environment}.yaml"
        assert _judge(path, {}, source, beside=named)[0] is is_taken


def test_plain_manifests_are_those_of_the_folder() -> None:
    source = replace(SOURCE, path="apps", tool="Directory")

    assert _judge("apps/x.yaml", {}, source) == (True, 0)
    assert _judge("apps/deeper/x.yaml", {}, source) == (False, 0)
    assert _judge("base/x.yaml", {}, source) == (False, 0)
    jsonnet = replace(source, directory={"jsonnet": {"libs": ["vendor"]}})
    assert _judge("vendor/x.json", {}, jsonnet) == (True, 0)


@pytest.mark.parametrize("told", [".", "/envs", "/envs/prod.yaml", "../envs", "/envs/*.yaml", "/"])
def test_what_the_owner_says_that_a_plugin_reads_counts(told: str) -> None:
    source = replace(SOURCE, path="app", tool="Plugin")
    assert _judge("envs/prod.yaml", {}, source)[0] is False
    application = replace(APPLICATION_SEEN, generate_paths=(told,))
    assert _judge("envs/prod.yaml", {}, source, application)[0] is (told != ".")


def test_a_name_with_a_variable_in_it_may_be_any() -> None:
    source = replace(SOURCE, path="", ref="values")
    chart = replace(source, ref="", helm={"valueFiles": ["$values/$APP.yaml"]})
    config = replace(RESOLVED.config, edits=(Edit("envs/prod.yaml", "image.tag"),))
    application = replace(APPLICATION_SEEN, sources=(chart, source))

    assert reach.judge(application, source, config, Found({})) is True
