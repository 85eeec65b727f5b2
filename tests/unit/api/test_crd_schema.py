"""Properties every CRD of ours must have, whatever fields it has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from album_operator.api.crd import main, render_crds

CRDS = Path(__file__).parents[3] / "crds"

# `kubectl apply` keeps the object in an annotation, and annotations end at this many bytes.
ANNOTATION_LIMIT = 262_144

Schema = dict[str, Any]

TEXTS = render_crds()


def _crd(name: str) -> dict[str, Any]:
    crd: dict[str, Any] = yaml.safe_load(TEXTS[name])
    return crd


def _schema(name: str) -> Schema:
    schema: Schema = _crd(name)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _nodes(node: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Walk over all schemas, except the parts the API server itself validates."""
    yield path, node
    for name, field in node.get("properties", {}).items():
        if path or name in {"spec", "status"}:
            yield from _nodes(field, f"{path}.{name}")
    if "items" in node:
        yield from _nodes(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from _nodes({"description": ".", **node["additionalProperties"]}, f"{path}{{}}")


ALL_NODES = [
    pytest.param(node, id=f"{name.split('_')[1].split('.')[0]}{path}")
    for name in TEXTS
    for path, node in _nodes(_schema(name))
]


@pytest.mark.parametrize("node", ALL_NODES)
def test_every_schema_is_structural(node: Schema) -> None:
    assert not node.keys() & {"$ref", "$defs", "title", "anyOf", "oneOf", "allOf", "const"}
    assert not {"additionalProperties", "properties"} <= node.keys()
    assert node.get("type") != "null"
    assert node.get("default", "") is not None
    assert "type" in node or node.get("x-kubernetes-int-or-string")


@pytest.mark.parametrize("node", ALL_NODES)
def test_every_string_and_list_is_bounded(node: Schema) -> None:
    if node.get("type") == "string" and "enum" not in node:
        assert node["maxLength"] <= 8192
    if node.get("x-kubernetes-int-or-string"):
        assert node["maxLength"] <= 64
    if node.get("type") == "array":
        assert node["maxItems"] <= 64
    if "additionalProperties" in node:
        assert node["maxProperties"] <= 16


@pytest.mark.parametrize("node", ALL_NODES)
def test_every_list_of_objects_is_a_map_whose_keys_are_always_there(node: Schema) -> None:
    if node.get("type") == "array" and node["items"]["type"] == "object":
        if {"document", "operator", "remedy"} & node["items"]["properties"].keys():
            # Edits of two documents differ by an object, and only scalars can be keys of a map; two
            # tolerations may be of one taint, and two misses have one reason.
            assert node["x-kubernetes-list-type"] == "atomic"
            return
        assert node["x-kubernetes-list-type"] == "map"
        fields = node["items"]["properties"]
        always = {name for name, field in fields.items() if "default" in field}
        always.update(node["items"]["required"])
        assert set(node["x-kubernetes-list-map-keys"]) <= always


@pytest.mark.parametrize("node", ALL_NODES)
def test_every_field_is_described_in_a_sentence(node: Schema) -> None:
    assert node["description"].endswith(".")
    assert "\n" not in node["description"]


@pytest.mark.parametrize("node", ALL_NODES)
def test_every_rule_says_what_to_do_in_a_sentence(node: Schema) -> None:
    for rule in node.get("x-kubernetes-validations", []):
        assert rule["message"].endswith(".")
        assert len(rule["message"]) > 40
        assert "\n" not in rule["message"]


@pytest.mark.parametrize("node", ALL_NODES)
def test_every_required_field_exists_and_has_no_default(node: Schema) -> None:
    for name in node.get("required", []):
        assert "default" not in node["properties"][name]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_crd_is_small_enough_for_a_plain_apply(text: str) -> None:
    assert len(text.encode()) < ANNOTATION_LIMIT


def test_rendering_twice_gives_the_same_bytes() -> None:
    assert render_crds() == TEXTS


def test_a_crd_has_no_yaml_aliases() -> None:
    for text in TEXTS.values():
        assert not {type(event) for event in yaml.parse(text)} & {yaml.AliasEvent}


def test_both_kinds_are_named_as_documented() -> None:
    names = {name: _crd(name)["spec"]["names"] for name in TEXTS}

    assert {n["kind"]: n["shortNames"] for n in names.values()} == {
        "AlbumRelease": ["arel"],
        "AlbumPipeline": ["apipe"],
    }
    assert all(n["categories"] == ["album"] for n in names.values())
    assert all(_crd(name)["spec"]["group"] == "album.dev" for name in names)
    assert all(_crd(name)["spec"]["scope"] == "Namespaced" for name in names)


def test_a_new_object_has_a_status_that_speaks_of_no_generation() -> None:
    for name in TEXTS:
        assert _crd(name)["spec"]["versions"][0]["subresources"] == {"status": {}}
        assert _schema(name)["properties"]["status"]["default"] == {"observedGeneration": -1}


def test_each_field_of_a_release_but_suspend_is_immutable() -> None:
    spec = _schema("album.dev_albumreleases.yaml")["properties"]["spec"]
    paths = {r["fieldPath"] for r in spec["x-kubernetes-validations"] if "oldSelf" in r["rule"]}

    assert paths == {f".{name}" for name in spec["properties"]} - {".suspend"}


def test_the_checked_in_crds_are_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(CRDS)]) == 0, capsys.readouterr().err


def test_a_crd_changed_by_hand_is_told_with_a_diff(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    path = tmp_path / "album.dev_albumreleases.yaml"
    path.write_text(path.read_text().replace("- arel", "- ar"))

    assert main(["--check", str(tmp_path)]) == 1

    diff = capsys.readouterr().err
    assert "-    - ar\n" in diff
    assert "+    - arel\n" in diff
    assert "run `make crds`" in diff


@pytest.mark.parametrize("name", ["album.dev_albumreleases.yaml", "album.dev_left_over.yaml"])
def test_a_crd_too_few_or_too_many_is_drift(tmp_path: Path, name: str) -> None:
    assert main([str(tmp_path)]) == 0
    path = tmp_path / name
    if path.exists():
        path.unlink()
    else:
        path.write_text("left over\n")

    assert main(["--check", str(tmp_path)]) == 1
