"""What outweighs an edit's value is found where Argo CD would take it, and nowhere else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from album_operator.decisions.helm_values import Files, parse_parameter
from album_operator.decisions.kustomize_images import Image, parse_image
from album_operator.decisions.overrides import Outweighing, differs, files_of, inline_texts
from album_operator.domain.applications import ApplicationSeen, ApplicationSource
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.keys import Index
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Document, Edit, EditFormat, EditValue
from album_operator.domain.verdict import Halt
from album_operator.render.proposal import wanted_values
from album_operator.render.yaml_plain import read_plain
from tests.fakes.builders import APPLICATION_SEEN, CONFIG, EDIT, IMAGE, RESOLVED, VALUES

OLD = "sha256:" + "a" * 64
NEW = "sha256:" + "b" * 64
DIGEST = Edit(VALUES, "image.digest", EditValue.DIGEST)
KUSTOMIZATION = "backend/kustomization.yaml"
ENTRY = Edit(KUSTOMIZATION, "shop", format=EditFormat.KUSTOMIZE)
CHART = ApplicationSource(
    "https://charts.example.org", "", "1.2.3", place="spec.sources[0]",
    helm={"valueFiles": [f"$values/{VALUES}"]},
)  # fmt: skip
REF = ApplicationSource(CONFIG, "", "main", place="spec.sources[1]", ref="values")

Helm = Mapping[str, Any]


def with_sources(*sources: ApplicationSource) -> ApplicationSeen:
    return replace(APPLICATION_SEEN, sources=sources)


def with_helm(**helm: object) -> ApplicationSeen:
    return with_sources(replace(APPLICATION_SEEN.sources[0], helm=helm))


def with_images(*images: str, path: str = "backend") -> ApplicationSeen:
    source = replace(APPLICATION_SEEN.sources[0], path=path, kustomize={"images": list(images)})
    return with_sources(source)


def find(
    application: ApplicationSeen,
    texts: Mapping[str, str] | None = None,
    edits: tuple[Edit, ...] = (EDIT,),
    digest: str = UNKNOWN_DIGEST,
    *,
    own: bool = False,
) -> Halt | None:
    """Look for what outweighs some edits, as the step does it; `own` are those of its manifest."""
    resolved = replace(RESOLVED, config=replace(RESOLVED.config, edits=edits))
    data = {path: text.encode() for path, text in (texts or {}).items()}
    there = {path: data[path] for path in files_of(application, resolved) if path in data}
    files = Files(there, {text: read_plain(text) for text in there.values()})
    inline = {text: read_plain(text) for text in inline_texts(application, files)}
    files = Files(there, {**files.plain, **inline})
    wanted = wanted_values(resolved, digest)
    return Outweighing(application, resolved, wanted, files, edits if own else ()).check()


def parameter(value: str, name: str = "image.tag", **more: object) -> dict[str, object]:
    return {"name": name, "value": value, **more}


def test_an_application_that_says_nothing_outweighs_nothing() -> None:
    assert find(APPLICATION_SEEN) is None


@pytest.mark.parametrize(
    ("helm", "origin"),
    [
        ({"parameters": [parameter("v1.0.0")]}, "parameters"),
        ({"parameters": [parameter("v1.0.0", forceString=True)]}, "parameters"),
        ({"parameters": [parameter("v1.1.0"), parameter("v1.0.0")]}, "parameters"),
        (
            {"parameters": [parameter("v1.0.0", forceString=True), parameter("v1.1.0")]},
            "parameters",
        ),
        ({"parameters": [parameter("")]}, "parameters"),
        ({"parameters": [parameter("ghcr.io/a/b:v1.0.0", "image")]}, "parameters"),
        ({"valuesObject": {"image": {"tag": "v1.0.0"}}}, "valuesObject"),
        ({"valuesObject": {"image": {"tag": None}}}, "valuesObject"),
        ({"valuesObject": {"image": None}}, "valuesObject"),
        ({"valuesObject": {"image": {"tag": 1}}}, "valuesObject"),
        ({"valuesObject": {"image": {"tag": True}}}, "valuesObject"),
        ({"values": "image:\n  tag: v1.0.0\n"}, "values"),
        (
            {"valuesObject": {"image": {"tag": "v1.0.0"}}, "values": "image: {tag: v1.1.0}"},
            "valuesObject",
        ),
        (
            {"parameters": [parameter("v1.0.0")], "valuesObject": {"image": {"tag": "v1.1.0"}}},
            "parameters",
        ),
    ],
)
def test_helms_own_values_outweigh_those_of_files(helm: Helm, origin: str) -> None:
    halt = find(with_helm(**helm))

    assert halt is not None
    assert halt.reason is Reason.OVERRIDDEN_ELSEWHERE
    assert f"in its spec.source.helm.{origin}, which outweighs it" in halt.message
    assert halt.remedy == "Remove it where the Application is written"


def test_a_name_with_dots_is_one_name() -> None:
    dotted = replace(EDIT, key=r"image\.tag")
    assert find(with_helm(valuesObject={"image": {"tag": "v1.0.0"}}), edits=(dotted,)) is None
    assert find(with_helm(valuesObject={"image.tag": "v1.0.0"}), edits=(dotted,)) is not None


def test_what_outweighs_is_named_with_place_key_and_both_values() -> None:
    halt = find(with_helm(parameters=[parameter("v1.0.0")]))

    assert halt is not None
    assert halt.message == (
        "backend/values.yaml would set image.tag to v1.1.0, but Application "
        "argocd/album-app-backend has v1.0.0 for image.tag in its spec.source.helm.parameters, "
        "which outweighs it: the change would never run."
    )


@pytest.mark.parametrize(
    "helm",
    [
        {"parameters": [parameter("v1.1.0")]},
        {"parameters": [parameter("v1.0.0"), parameter("v1.1.0")]},
        {"parameters": [parameter("v1.0.0"), parameter("v1.1.0", forceString=True)]},
        {"parameters": [parameter("v1.0.0", "sidecar.image.tag")]},
        {"parameters": [parameter("v1.0.0", "image.tag.more")]},
        {"parameters": [parameter("v1.0.0", "image.pullPolicy")]},
        {"parameters": [parameter("v1.0.0", "image.tag,b"), {"value": "v1.0.0"}]},
        {"parameters": [parameter("$ARGOCD_APP_SOURCE_TARGET_REVISION")]},
        {"parameters": [parameter("v1.1.0")], "valuesObject": {"image": {"tag": "v1.0.0"}}},
        {"parameters": "odd", "fileParameters": None, "valueFiles": {}},
        {"valuesObject": {"image": {"tag": "v1.1.0"}}},
        {"valuesObject": {"image": {"repository": "x"}, "tag": "v1.0.0"}},
        {"valuesObject": {"image": ["tag"]}},
        {"valuesObject": {"image": {"tag": {"a": "b"}}}},
        {"valuesObject": {}, "values": "image: {tag: v1.0.0}"},
        {"values": "image: {tag: v1.1.0}"},
        {"values": "image: &x {tag: v1.0.0}\nother: *x"},
        {"values": "{{ no yaml"},
        {"values": "only words"},
        {"values": ""},
        {"fileParameters": [{"name": "image.tag", "path": "not/there"}]},
        {"fileParameters": [{"name": "image.tag", "path": "../../outside"}]},
        {"fileParameters": [{"name": "a,b", "path": "x"}]},
        {"valueFiles": ["values.yaml", "https://example.org/values.yaml"]},
        {"valueFiles": ["values.yaml", "envs/*.yaml"]},
        {"valueFiles": ["values.yaml", "$unknown/values.yaml"]},
        {"valueFiles": ["values.yaml", "not-there.yaml"], "ignoreMissingValueFiles": True},
    ],
)
def test_the_same_value_another_key_and_what_cannot_be_told_outweigh_nothing(helm: Helm) -> None:
    assert find(with_helm(**helm)) is None


def test_a_later_values_file_outweighs_and_may_be_edited_instead() -> None:
    application = with_helm(valueFiles=["values.yaml", "../envs/prod.yaml", "/more.yaml"])
    prod = {"envs/prod.yaml": "image: {tag: v1.0.0}\n"}
    halt = find(application, prod)

    assert halt is not None
    assert "has v1.0.0 for image.tag in envs/prod.yaml, which" in halt.message
    assert halt.remedy.endswith("name that file under edits of app backend in the pipeline")
    instead = (replace(EDIT, path="envs/prod.yaml"),)
    assert find(application, prod, instead) is None
    assert find(application, {**prod, "more.yaml": "image: {tag: v1.1.0}\n"}) is None
    assert find(application, {**prod, "more.yaml": "image: [tag"}) is None


def test_all_values_files_outweigh_the_charts_own() -> None:
    prod = {"backend/prod.yaml": "image: {tag: v1.0.0}\n"}

    assert find(with_helm(valueFiles=["prod.yaml"]), prod) is not None
    assert find(with_helm(valueFiles=["prod.yaml", "values.yaml"]), prod) is None


def test_the_content_of_a_file_parameter_outweighs_all_else() -> None:
    helm = {
        "fileParameters": [{"name": "image.tag", "path": "tag.txt"}],
        "parameters": [parameter("v1.1.0")],
    }
    halt = find(with_helm(**helm), {"backend/tag.txt": "v1.0.0"})

    assert halt is not None
    assert "has v1.0.0 for image.tag in its spec.source.helm.fileParameters" in halt.message
    assert find(with_helm(**helm), {"backend/tag.txt": "v1.1.0"}) is None


def test_values_of_another_sources_chart_are_outweighed_there() -> None:
    chart = replace(CHART, helm={**CHART.helm, "parameters": [parameter("v1.0.0")]})
    halt = find(with_sources(chart, REF))

    assert halt is not None
    assert "in its spec.sources[0].helm.parameters" in halt.message
    assert find(with_sources(CHART, REF)) is None
    assert find(with_sources(CHART, replace(REF, target_revision="other"))) is None


def test_one_source_that_takes_our_value_is_enough() -> None:
    chart = replace(CHART, helm={**CHART.helm, "parameters": [parameter("v1.0.0")]})

    assert find(with_sources(chart, replace(CHART, place="spec.sources[2]"), REF)) is None


@pytest.mark.parametrize("branch", ["other", "v1", "refs/heads/other"])
def test_a_source_of_another_branch_takes_nothing_of_ours(branch: str) -> None:
    source = replace(
        APPLICATION_SEEN.sources[0],
        target_revision=branch,
        helm={"parameters": [parameter("v1.0.0")]},
    )
    assert find(with_sources(source)) is None


@pytest.mark.parametrize(
    ("name", "text", "key", "field"),
    [
        (
            ".argocd-source.yaml",
            "helm: {parameters: [{name: image.tag, value: v1.0.0}]}",
            "image.tag",
            "helm.parameters",
        ),
        (
            ".argocd-source-album-app-backend.yaml",
            "helm:\n  parameters:\n  - name: image.tag\n    value: v1.0.0\n    forcestring: true\n",
            "image.tag",
            "helm.parameters",
        ),
        (
            ".argocd-source.yaml",
            "helm: {valuesObject: {image: {tag: v1.0.0}}}",
            "image.tag",
            "helm.valuesObject",
        ),
        (
            ".argocd-source.yaml",
            "helm: {values: 'image: {tag: v1.0.0}'}",
            "image.tag",
            "helm.values",
        ),
    ],
)
def test_a_file_beside_the_values_is_named(name: str, text: str, key: str, field: str) -> None:
    halt = find(APPLICATION_SEEN, {f"backend/{name}": text})

    assert halt is not None
    assert f"has v1.0.0 for {key} in {field} of backend/{name}, which" in halt.message
    assert halt.remedy == "Remove it there"


@pytest.mark.parametrize(
    "files",
    [
        {".argocd-source.yaml": "helm: {parameters: [{name: image.tag, value: v1.1.0}]}"},
        {".argocd-source.yaml": "helm: {releaseName: shop}"},
        {".argocd-source.yaml": ""},
        {".argocd-source.yaml": "- a list"},
        {".argocd-source.yaml": "helm: [x"},
        {".argocd-source-other.yaml": "helm: {parameters: [{name: image.tag, value: v1.0.0}]}"},
        {
            ".argocd-source.yaml": "helm: {parameters: [{name: image.tag, value: v1.0.0}]}",
            ".argocd-source-album-app-backend.yaml": "helm: {parameters: []}",
        },
        {
            ".argocd-source.yaml": "helm: {parameters: [{name: image.tag, value: v1.0.0}]}",
            ".argocd-source-album-app-backend.yaml": "helm: {parameters: ~}",
        },
    ],
)
def test_files_beside_the_values_that_outweigh_nothing(files: Mapping[str, str]) -> None:
    assert find(APPLICATION_SEEN, {f"backend/{name}": text for name, text in files.items()}) is None


def test_a_file_beside_the_values_takes_the_place_of_the_applications_own_list() -> None:
    application = with_helm(parameters=[parameter("v1.0.0")])
    other = "helm: {parameters: [{name: replicas, value: '2'}]}"

    assert find(application, {"backend/.argocd-source.yaml": other}) is None
    assert find(application, {"backend/.argocd-source.yaml": "kustomize: {namePrefix: x-}"})


def test_what_a_file_beside_the_values_says_of_values_files_is_not_followed() -> None:
    files = {
        "backend/.argocd-source.yaml": "helm: {valueFiles: [values.yaml, prod.yaml]}",
        "backend/prod.yaml": "image: {tag: v1.0.0}",
    }
    assert find(APPLICATION_SEEN, files) is None


@pytest.mark.parametrize(
    ("controller", "name"),
    [("argocd", "album-app-backend"), ("gitops", "argocd_album-app-backend")],
)
def test_an_application_outside_argo_cds_namespace_has_it_in_its_files_name(
    controller: str, name: str
) -> None:
    application = replace(APPLICATION_SEEN, controller_namespace=controller)

    assert f"backend/.argocd-source-{name}.yaml" in files_of(application, RESOLVED)


@pytest.mark.parametrize("path", ["", "../outside", "a/.git/b", "bad\nname"])
def test_no_file_is_asked_for_where_none_can_be(path: str) -> None:
    source = replace(APPLICATION_SEEN.sources[0], path=path)

    assert files_of(with_sources(source), RESOLVED) == frozenset()


def test_where_the_base_branch_is_not_known_yet_each_may_be_it() -> None:
    source = replace(APPLICATION_SEEN.sources[0], target_revision="refs/heads/main")
    unknown = replace(RESOLVED, config=replace(RESOLVED.config, base_branch=""))

    assert "backend/.argocd-source.yaml" in files_of(with_sources(source), unknown)


@pytest.mark.parametrize(
    ("helm", "key"),
    [
        ({"parameters": [parameter(OLD, "image.digest")]}, "image.digest"),
        ({"valuesObject": {"image": {"sha": "a" * 64}}}, "image.sha"),
        ({"values": f"image: {{tag: v1.1.0, imageDigest: '{OLD}'}}"}, "image.imageDigest"),
    ],
)
def test_a_digest_beside_the_tag_outweighs_it(helm: Helm, key: str) -> None:
    halt = find(with_helm(**helm))

    assert halt is not None
    assert f"for {key} in its spec.source.helm." in halt.message


@pytest.mark.parametrize(
    "helm",
    [
        {"valuesObject": {"image": {"digest": ""}}},
        {"valuesObject": {"image": {"digest": {"a": "b"}}}},
        {"valuesObject": {"image": {"chartDigest": OLD}}},
        {"valuesObject": {"digest": OLD}},
        {"parameters": [parameter("", "image.digest")], "values": f"image: {{digest: '{OLD}'}}"},
        {"parameters": [parameter("$DIGEST", "image.digest")]},
    ],
)
def test_a_digest_that_is_none_or_of_something_else_outweighs_no_tag(helm: Helm) -> None:
    assert find(with_helm(**helm)) is None


def test_a_digest_outweighs_ours_unless_it_is_ours() -> None:
    application = with_helm(parameters=[parameter(OLD, "image.digest")])
    both = (EDIT, DIGEST)
    halt = find(application, edits=both)

    assert halt is not None
    assert "would set image.digest, but" in halt.message
    assert find(application, edits=both, digest=NEW) is not None
    assert find(application, edits=both, digest=OLD) is None


NAMED = replace(EDIT, key="containers[name=app].image.tag")
FIRST = replace(EDIT, key="containers[0].image.tag")


def listed(*names: str, tag: str = "v1.0.0") -> dict[str, object]:
    return {"containers": [{"name": name, "image": {"tag": tag}} for name in names]}


@pytest.mark.parametrize(
    ("helm", "edit", "value"),
    [
        ({"valuesObject": listed("app")}, NAMED, "v1.0.0"),
        ({"valuesObject": listed("side", "app")}, NAMED, "v1.0.0"),
        ({"values": "containers: [{name: app, image: {tag: v1.0.0}}]"}, FIRST, "v1.0.0"),
        ({"valuesObject": listed("side")}, NAMED, "nothing"),
        ({"valuesObject": {"containers": []}}, FIRST, "nothing"),
        ({"valuesObject": {"containers": None}}, FIRST, "nothing"),
        ({"parameters": [parameter("v1.0.0", "containers[0].image.tag")]}, FIRST, "v1.0.0"),
        ({"parameters": [parameter("{a,b}", "containers")]}, NAMED, "{a,b}"),
        ({"valuesObject": listed("app", "app")}, NAMED, None),
        ({"valuesObject": listed("app", tag="v1.1.0")}, NAMED, None),
        ({"valuesObject": {"containers": {"app": {}}}}, FIRST, None),
        ({"parameters": [parameter("v1.0.0", "containers[0].image.tag")]}, NAMED, None),
        ({"parameters": [parameter("v1.0.0", "containers[1].image.tag")]}, FIRST, None),
        ({"parameters": [parameter("v1.0.0", "other[0].image.tag")]}, NAMED, None),
    ],
)
def test_a_list_is_taken_whole_and_its_items_are_found_as_an_edit_names_them(
    helm: Helm, edit: Edit, value: str | None
) -> None:
    halt = find(with_helm(**helm), edits=(edit,))

    assert (halt is not None) is (value is not None)
    if halt is not None:
        assert f"has {value} for containers" in halt.message


def test_a_digest_beside_a_tag_in_a_list_outweighs_it() -> None:
    containers = [{"name": "app", "image": {"tag": "v1.1.0", "digest": OLD}}]
    halt = find(with_helm(valuesObject={"containers": containers}), edits=(NAMED,))

    assert halt is not None
    assert f"has {OLD} for containers[name=app].image.digest" in halt.message


@pytest.mark.parametrize(
    ("value", "present", "is_other"),
    [
        (EditValue.TAG, "v1.1.0", False),
        (EditValue.TAG, f"v1.1.0@{NEW}", False),
        (EditValue.TAG, f"v1.1.0@{OLD}", True),
        (EditValue.TAG, OLD, True),
        (EditValue.DIGEST, NEW, False),
        (EditValue.DIGEST, NEW.removeprefix("sha256:"), False),
        (EditValue.DIGEST, "", True),
        (EditValue.REPOSITORY, IMAGE, False),
        (EditValue.REPOSITORY, "ghcr.io/owner/other", True),
        (EditValue.REFERENCE, f"{IMAGE}:v1.1.0", False),
        (EditValue.REFERENCE, f"{IMAGE}:v1.0.0", True),
    ],
)
def test_each_kind_of_value_is_compared_as_what_it_is(
    value: EditValue, present: str, is_other: bool
) -> None:
    ours = {
        EditValue.TAG: f"v1.1.0@{NEW}",
        EditValue.DIGEST: NEW,
        EditValue.REPOSITORY: IMAGE,
        EditValue.REFERENCE: f"{IMAGE}:v1.1.0@{NEW}",
    }[value]
    assert differs(replace(EDIT, value=value), present, ours) is is_other


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("shop:v1", Image("shop", "", "v1", "")),
        ("shop=ghcr.io/a/shop:v1", Image("shop", "ghcr.io/a/shop", "v1", "")),
        ("shop=r.example:5000/a/shop", Image("shop", "r.example:5000/a/shop", "", "")),
        (f"shop@{OLD}", Image("shop", "", "", OLD)),
        (f"shop=b:v1@{OLD}", Image("shop", "b", "v1", OLD)),
        ("shop=*:v1", Image("shop", "*", "v1", "")),
        ("shop=:v1", Image("shop", "", "v1", "")),
        ("shop=b:", Image("shop", "b", "", "")),
        (":v1", None),
        ("shop", None),
        ("shop=a=b", None),
        ("shop:$ARGOCD_APP_REVISION", None),
        ("$NAME=shop:v1", None),
        ("", None),
    ],
)
def test_an_image_is_read_as_kustomize_reads_it(text: str, image: Image | None) -> None:
    assert parse_image(text) == image


@pytest.mark.parametrize(
    ("image", "value"),
    [
        ("shop:v1.0.0", "v1.0.0"),
        (f"shop={IMAGE}:v1.0.0", "v1.0.0"),
        (f"shop={IMAGE}", "nothing"),
        (f"shop@{OLD}", OLD),
        (f"{IMAGE[:-1]}z:v1.0.0", None),
        ("shop:v1.1.0", None),
        ("shop=other:*", None),
        ("other:v1.0.0", None),
    ],
)
def test_an_image_of_the_application_takes_the_place_of_the_entry(
    image: str, value: str | None
) -> None:
    halt = find(with_images("first:v1", image), edits=(ENTRY,))

    assert (halt is not None) is (value is not None)
    if halt is not None:
        assert f"has {value} for newTag of image shop in its spec.source.kustomize.images" in (
            halt.message
        )


@pytest.mark.parametrize(
    ("value", "image", "is_lost"),
    [
        (EditValue.DIGEST, f"shop@{NEW}", False),
        (EditValue.DIGEST, f"shop@{OLD}", True),
        (EditValue.DIGEST, "shop:v1.1.0", True),
        (EditValue.DIGEST, "shop:v1.1.0@*", False),
        (EditValue.REPOSITORY, f"shop={IMAGE}:v1.0.0", False),
        (EditValue.REPOSITORY, "shop:v1.1.0", True),
        (EditValue.TAG, "shop:v1.1.0@*", False),
        (EditValue.TAG, f"shop:v1.1.0@{OLD}", True),
    ],
)
def test_each_part_of_an_entry_is_judged_alone(value: EditValue, image: str, is_lost: bool) -> None:
    halt = find(with_images(image), edits=(replace(ENTRY, value=value),), digest=NEW)

    assert (halt is not None) is is_lost


@pytest.mark.parametrize(
    ("value", "image", "is_lost"),
    [
        (EditValue.TAG, f"{IMAGE}:v1.0.0", True),
        (EditValue.TAG, f"{IMAGE}:v1.1.0", False),
        (EditValue.TAG, f"{IMAGE}=other", False),
        (EditValue.TAG, "shop:v1.0.0", False),
        (EditValue.DIGEST, f"{IMAGE}:v1.1.0", True),
        (EditValue.DIGEST, f"{IMAGE}@{NEW}", False),
        (EditValue.DIGEST, f"{IMAGE}:*", False),
        (EditValue.REPOSITORY, f"{IMAGE}=other:v1.1.0", True),
        (EditValue.REPOSITORY, f"{IMAGE}:v1.1.0", False),
    ],
)
def test_an_image_of_an_overlay_comes_after_the_entry_of_its_base(
    value: EditValue, image: str, is_lost: bool
) -> None:
    edit = replace(ENTRY, value=value, path="base/kustomization.yaml")
    halt = find(with_images(image, path="overlays/prod"), edits=(edit,), digest=NEW)

    assert (halt is not None) is is_lost


def test_the_order_of_names_decides_between_two_entries_of_one_image() -> None:
    application = with_images(f"{IMAGE}:v1.0.0")

    assert find(application, edits=(replace(ENTRY, key="app"),)) is not None
    assert find(application, edits=(replace(ENTRY, key="shop"),)) is None


@pytest.mark.parametrize(
    ("image", "is_lost"),
    [
        (f"{IMAGE}:v1.0.0", True),
        (f"{IMAGE}@{OLD}", True),
        (f"{IMAGE}:v1.1.0", False),
        (f"{IMAGE}=other:v1.1.0", True),
    ],
)
def test_an_image_of_the_application_changes_a_reference_in_a_manifest(
    image: str, is_lost: bool
) -> None:
    edit = Edit("backend/deployment.yaml", "image", EditValue.REFERENCE)

    assert (find(with_images(image), edits=(edit,)) is not None) is is_lost


def test_an_entry_of_another_sources_folder_is_not_judged_by_this_ones_images() -> None:
    prod = replace(with_images(f"{IMAGE}:v1.0.0").sources[0], path="prod")
    stage = replace(APPLICATION_SEEN.sources[0], path="backend", place="spec.sources[1]")

    assert find(with_sources(prod, stage), edits=(ENTRY,)) is None


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("image.tag", ("image", "tag")),
        ("containers[0].image", ("containers", Index(0), "image")),
        (r"labels.app\.kubernetes\.io/version", ("labels", "app.kubernetes.io/version")),
        ("a,b", None),
        ("a={b}", None),
        ("a..b", None),
        ("", None),
    ],
)
def test_a_parameters_name_is_read_as_helm_reads_it(name: str, way: tuple[str, ...] | None) -> None:
    assert parse_parameter(name) == way


@pytest.mark.parametrize(
    ("application", "document", "is_refused"),
    [
        (APPLICATION_SEEN, Document(index=1), True),
        (with_helm(valueFiles=["values.yaml"]), Document(index=2), True),
        (with_sources(CHART, REF), Document(index=1), True),
        (APPLICATION_SEEN, Document(index=0), False),
        (APPLICATION_SEEN, Document(kind="Values", name="x"), False),
        (with_sources(replace(CHART, helm={}), REF), Document(index=1), False),
    ],
)
def test_a_document_of_a_values_file_that_helm_does_not_read_is_refused(
    application: ApplicationSeen, document: Document, *, is_refused: bool
) -> None:
    halt = find(application, edits=(replace(EDIT, document=document),))

    assert (halt is not None) is is_refused
    if halt is not None:
        assert halt.reason is Reason.VALUES_NOT_EDITABLE
        assert "Helm reads the first document of one alone: image.tag of document" in halt.message


INLINE = {"image": {"tag": "v1.0.0"}}
SET_OLD = {"name": "image.tag", "value": "v1.0.0"}


@pytest.mark.parametrize(
    ("helm", "field", "said"),
    [
        ({"valuesObject": INLINE, "parameters": [SET_OLD]}, "valuesObject", "v1.0.0 for image.tag"),
        ({"values": "x", "parameters": [SET_OLD]}, "values", "in its spec.source.helm.parameters"),
        ({"values": "x", "valuesObject": INLINE}, "values", "in its spec.source.helm.valuesObject"),
        ({"values": "x", "valuesObject": {"a": 1}}, "values", "nothing for image.tag in its spec"),
        ({"valuesObject": INLINE, "parameters": [{**SET_OLD, "name": "image"}]}, "valuesObject",
         "v1.0.0 for image in its"),
        ({"valuesObject": INLINE}, "valuesObject", None),
        ({"values": "x"}, "values", None),
        ({"valuesObject": INLINE, "values": "x"}, "valuesObject", None),
        ({"values": "x", "valuesObject": {"image": {"tag": "v1.1.0"}}}, "values", None),
        ({"values": "x", "valuesObject": {"image": []}}, "values", None),
        ({"valuesObject": INLINE, "parameters": [{**SET_OLD, "value": "v1.1.0"}]}, "valuesObject",
         None),
        ({"valuesObject": INLINE, "parameters": [{**SET_OLD, "value": "$A"}]}, "valuesObject",
         None),
    ],
)  # fmt: skip
def test_what_outweighs_a_value_of_the_application_itself_is_told(
    helm: Helm, field: str, said: str | None
) -> None:
    edit = Edit("apps/shop.yaml", f"spec.source.helm.{field}.image.tag")
    chart = replace(CHART, place="spec.source", helm=helm)
    halt = find(with_sources(chart), edits=(edit,), own=True)

    assert (halt is None) is (said is None)
    if halt is not None and said is not None:
        assert halt.reason is Reason.OVERRIDDEN_ELSEWHERE
        assert said in halt.message
        assert halt.remedy == "Remove it where the Application is written"
    assert find(with_sources(chart), edits=(edit,)) is None


@pytest.mark.parametrize(
    "key", ["spec.sources[1].helm.valuesObject.image.tag", "spec.sources[7].helm.values.image.tag"]
)
def test_a_value_of_one_of_several_sources_is_outweighed_by_that_one(key: str) -> None:
    helm = {"valuesObject": INLINE, "parameters": [SET_OLD]}
    application = with_sources(REF, replace(CHART, place="spec.sources[1]", helm=helm))
    halt = find(application, edits=(Edit("apps/shop.yaml", key),), own=True)

    assert (halt is not None) is ("[1]" in key)


def test_parameters_that_the_release_sets_too_outweigh_nothing() -> None:
    helm = {"valuesObject": INLINE, "parameters": [SET_OLD]}
    edits = tuple(
        Edit("apps/shop.yaml", f"spec.source.helm.{key}")
        for key in ("valuesObject.image.tag", "parameters[name=image.tag].value")
    )
    assert find(with_sources(replace(CHART, helm=helm)), edits=edits, own=True) is None


def test_a_value_of_a_dry_source_is_outweighed_by_what_is_beside_it() -> None:
    helm = {"valuesObject": INLINE, "parameters": [SET_OLD]}
    place = "spec.sourceHydrator.drySource"
    edit = Edit("apps/shop.yaml", f"{place}.helm.valuesObject.image.tag")
    halt = find(with_sources(replace(CHART, place=place, helm=helm)), edits=(edit,), own=True)

    assert halt is not None
    assert f"its {place}.helm.parameters" in halt.message
