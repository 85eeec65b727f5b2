"""What a source of an Application takes of the config repository, by what it tells itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from album_operator.decisions import application
from album_operator.decisions.sources import leaves_out, may_take, takes
from album_operator.domain.applications import ApplicationSeen, ApplicationSource
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Document, Edit
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt
from tests.fakes.builders import APPLICATION, APPLICATION_SEEN, CONFIG, RESOLVED

PROD = "envs/prod/backend.yaml"
CHART = "https://charts.example.org"


def _at(
    path: str, ref: str = "", tool: str = "", directory: Mapping[str, object] | None = None
) -> ApplicationSource:
    return ApplicationSource(CONFIG, path, "main", ref=ref, tool=tool, directory=directory or {})


def _helm(*names: str, path: str = "charts/backend") -> ApplicationSource:
    return replace(_at(path, tool="Helm"), helm={"valueFiles": list(names)})


def _of(*sources: ApplicationSource) -> ApplicationSeen:
    return replace(APPLICATION_SEEN, sources=sources)


def _editing(path: str, key: str = "image.tag") -> Resolved:
    edit = Edit(path, key, document=Document(kind="Application", name="backend"))
    return replace(RESOLVED, config=replace(RESOLVED.config, edits=(edit,)))


REF = _at("", ref="values")
WITH_CHART = replace(_helm(f"$values/{PROD}", path=""), repository=CHART)


@pytest.mark.parametrize(
    "sources",
    [
        (_helm("../../envs/prod/backend.yaml"),),
        (_helm("values.yaml", "/envs/prod/backend.yaml"),),
        (_helm("../../envs/./prod//backend.yaml", path="./charts/backend/"),),
        (replace(_helm(), helm={"fileParameters": [{"name": "a", "path": f"/{PROD}"}]}),),
        (WITH_CHART, REF),
        (REF, WITH_CHART),
        (_helm("$values/envs/prod/backend.yaml"), REF),
        (WITH_CHART, _at("charts/backend", ref="values")),
    ],
    ids=range(8),
)
def test_a_values_file_is_taken_wherever_in_the_repository_it_is(
    sources: tuple[ApplicationSource, ...],
) -> None:
    resolved = _editing(PROD)
    source = application.find_source(_of(*sources), resolved)

    assert source is not None
    assert takes(source, sources, resolved.config, PROD)
    assert application.takes_itself(_of(*sources), resolved)
    # The revision that counts is that of the source it is taken from.
    assert source.repository == CONFIG
    assert not any(s.ref for s in sources) or bool(source.ref)


@pytest.mark.parametrize(
    "name", ["$values/envs/staging/backend.yaml", "$other/envs/prod/backend.yaml", "values.yaml"]
)
def test_a_source_that_only_lends_files_lends_those_that_are_named(name: str) -> None:
    chart = replace(_helm(name, path=""), repository=CHART)
    halt = application.check(APPLICATION, _of(chart, REF), [], _editing(PROD))

    assert isinstance(halt, Halt)
    assert halt.reason is Reason.APPLICATION_MISMATCH
    assert "at ref values" in halt.message
    assert PROD in halt.message


@pytest.mark.parametrize("name", ["$values/envs/*/backend.yaml", "$values/$ARGOCD_APP_NAME.yaml"])
def test_of_a_name_nobody_can_tell_any_file_may_be_meant(name: str) -> None:
    chart = replace(_helm(name, path=""), repository=CHART)

    assert application.find_source(_of(chart, REF), _editing(PROD)) is REF
    assert may_take(REF, (chart, REF), RESOLVED.config)


@pytest.mark.parametrize(
    ("tool", "directory", "may"),
    [
        ("Kustomize", {}, True),
        ("Helm", {}, True),
        ("Plugin", {}, True),
        ("", {}, True),
        ("Directory", {"recurse": True}, False),
        ("Directory", {"jsonnet": {"libs": ["vendor"]}}, True),
    ],
)
def test_plain_manifests_are_those_of_the_folder(
    tool: str, directory: dict[str, Any], *, may: bool
) -> None:
    source = _at("overlays/prod", tool=tool, directory=directory)

    assert not takes(source, (source,), RESOLVED.config, "base/deployment.yaml")
    assert may_take(source, (source,), RESOLVED.config) is may
    found = application.find_source(_of(source), _editing("base/deployment.yaml"))
    assert found is (source if may else None)


@pytest.mark.parametrize(
    ("path", "directory", "is_left_out"),
    [
        ("apps/backend.yaml", {}, False),
        ("apps/backend.json", {}, False),
        ("apps/backend.txt", {}, True),
        ("apps/backend.txt", {"disableExtensionFilter": True}, False),
        ("apps/prod/backend.yaml", {}, True),
        ("apps/prod/backend.yaml", {"recurse": True}, False),
        ("apps/prod/backend.yaml", {"recurse": True, "exclude": "prod/*"}, True),
        ("apps/prod/backend.yaml", {"recurse": True, "exclude": "{stage,prod}/*"}, True),
        ("apps/prod/backend.yaml", {"recurse": True, "exclude": "stage/*"}, False),
        ("apps/prod/backend.yaml", {"recurse": True, "include": "*.yaml"}, False),
        ("apps/backend.yaml", {"include": "front???.yaml"}, True),
        ("apps/backend.yaml", {"include": "back???.yaml"}, False),
        ("apps/backend.yaml", {"include": "a,b"}, True),
        # What only Argo CD's own matching can tell is let be.
        ("apps/backend.yaml", {"include": "[fg]*"}, False),
        ("apps/backend.yaml", {"exclude": "{back*"}, False),
        ("apps/prod/backend.yaml", {"jsonnet": {}}, False),
    ],
)
def test_which_manifests_of_a_folder_are_read_is_told(
    path: str, directory: dict[str, Any], *, is_left_out: bool
) -> None:
    source = _at("apps", tool="Directory", directory=directory)
    assert leaves_out(source, (source,), RESOLVED.config, path) is is_left_out


@pytest.mark.parametrize(
    ("path", "names", "is_left_out"),
    [
        ("charts/backend/values.yaml", ["values-prod.yaml"], False),
        ("charts/backend/values-prod.yaml", ["values-prod.yaml"], False),
        ("charts/backend/values-staging.yaml", ["values-prod.yaml"], True),
        ("charts/backend/values-staging.yaml", [], True),
        ("charts/backend/staging.yaml", ["prod.yaml"], True),
        ("charts/backend/envs/staging.yaml", ["envs/prod.yaml"], True),
        ("charts/backend/envs/staging.yaml", [], False),
        ("charts/backend/files/staging.yaml", ["envs/prod.yaml"], False),
        ("charts/backend/envs/values-eu.yaml", ["envs/values-us.yaml"], True),
        # As templates read them (`.Files.Get`).
        ("charts/backend/config.yaml", ["values.yaml", "values-prod.yaml"], False),
        ("charts/backend/Chart.yaml", ["values-prod.yaml"], False),
        ("charts/backend/.argocd-source-shop.yaml", ["prod.yaml"], False),
        ("charts/backend/notes.txt", ["prod.yaml"], False),
        ("charts/backend/values-staging.yaml", ["values-*.yaml"], False),
    ],
)
def test_the_values_of_another_environment_are_none_of_a_charts(
    path: str, names: list[str], *, is_left_out: bool
) -> None:
    source = _helm(*names)
    assert leaves_out(source, (source,), RESOLVED.config, path) is is_left_out


def test_a_plugin_takes_what_is_in_its_folder() -> None:
    source = _at("backend", tool="Plugin")

    assert takes(source, (source,), RESOLVED.config, "backend/any/thing.cue")
    assert not leaves_out(source, (source,), RESOLVED.config, "backend/any/thing.cue")


def test_an_edit_of_a_source_is_the_app_of_apps_to_render_and_any_other_the_apps() -> None:
    child = replace(_of(_at("charts/backend", tool="Helm")), name="backend")
    parent = _of(_at("overlays/apps", tool="Kustomize"))
    parent = replace(parent, name="apps", renders={child.ref: "Synced"})

    for key, expected in (("spec.source.helm.values.tag", parent), ("image.tag", None)):
        resolved = _editing("base/backend.yaml", key=key)
        assert application.find_parent(child, [child, parent, None], resolved) is expected
    kustomize = _editing("base/kustomization.yaml", key="shop")
    assert application.find_parent(child, [child, parent], kustomize) is None

    # Where the child cannot take it, the app of apps is all there is.
    plain = replace(child, sources=(_at("manifests", tool="Directory"),))
    assert application.find_parent(plain, [plain, parent], kustomize) is parent
    # One that has the file in its folder is certain.
    sure = replace(parent, sources=(_at("base"),))
    assert application.find_parent(child, [child, parent, sure], kustomize) is sure
