"""What is read and written of an Application is what the CRD of each supported Argo CD has there.

The CRDs come with Argo CD's Go modules. The reader is given an Application in which every field of
the CRD is set, and tells itself what it asks for, so no list of fields can be out of date.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from album_operator.adapters.cluster.application_sources import DIRECTORY, IMAGES, VALUES
from album_operator.adapters.cluster.applications import parse_application
from album_operator.domain.applications import GENERATE_PATHS
from album_operator.domain.argocd import SyncPolicyWish
from album_operator.render.operation import start_patch
from album_operator.render.sync_policy import REFRESH, patch_for
from testbed.offline import gotools
from tests.contract.argocd_crds import MODULE, VERSIONS, module_of
from tests.fakes.builders import APPLICATION_SEEN, RELEASE, raw_application

NOT_EVERYWHERE = {
    # All sources are read alike; a dry one lends no files.
    "spec.sourceHydrator.drySource.ref",
    # Since v3.6; before it, manifests are always in the repository of the dry source.
    "spec.sourceHydrator.syncSource.repoURL",
}

TESTBEDS = Path(gotools.__file__).parent / "go" / "argocd" / "go.mod"

Raw = dict[str, Any]


@pytest.fixture(scope="module", params=VERSIONS)
def module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of Argo CD's module."""
    return module_of(request.param, tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="module")
def schema(module: Path) -> Raw:
    crd = yaml.safe_load((module / "manifests" / "crds" / "application-crd.yaml").read_text())
    (version,) = crd["spec"]["versions"]
    assert (version["name"], version["served"]) == ("v1alpha1", True)
    found: Raw = version["schema"]["openAPIV3Schema"]
    return found


class Asked(Mapping[str, Any]):
    """An object of an Application that notes what is asked for and not there."""

    def __init__(self, held: Raw, path: str, missing: set[str]) -> None:
        self._held, self._path, self._missing = held, path, missing

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - JSON
        if key not in self._held:
            self._missing.add(f"{self._path}.{key}")
        return self._held[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


def _fill(schema: Raw, path: str, missing: set[str]) -> Any:  # noqa: ANN401 - JSON
    """Make a value with every field that a schema has."""
    match schema.get("type"):
        case "object" if "properties" in schema:
            inside = schema["properties"].items()
            held = {key: _fill(one, f"{path}.{key}", missing) for key, one in inside}
            return Asked(held, path, missing)
        case "object":
            return {}
        case "array":
            return [_fill(schema["items"], f"{path}[]", missing)]
        case "string":
            is_time = schema.get("format") == "date-time"
            return "2026-11-20T12:00:00Z" if is_time else schema.get("enum", ["word"])[0]
        case "boolean":
            return True
        case _:
            return 1


def _at(schema: Raw, *way: str) -> Raw:
    """Give the schema of a field, through the items of lists."""
    for key in way:
        schema = schema.get("items", schema)["properties"][key]
    return schema


def test_the_testbeds_argo_cd_is_one_of_them() -> None:
    assert any(f"require {MODULE} {version}\n" in TESTBEDS.read_text() for version in VERSIONS)


@pytest.mark.parametrize("without", [(), ("sourceHydrator",), ("sourceHydrator", "sources")])
def test_all_that_is_read_is_there_and_of_the_kind_it_is_taken_for(
    schema: Raw, without: tuple[str, ...]
) -> None:
    missing: set[str] = set()
    parts = {key: value for key, value in schema["properties"].items() if key != "metadata"}
    held = {key: _fill(part, key, missing) for key, part in parts.items()}
    held["metadata"] = raw_application()["metadata"]
    held["spec"] = Asked({**held["spec"], **dict.fromkeys(without)}, "spec", missing)
    seen = parse_application(Asked(held, "", missing))

    assert missing - NOT_EVERYWHERE == set()
    assert len(seen.sources) == 1
    assert bool(seen.hydration) is not bool(without)
    assert seen.operation is not None
    assert seen.images == ("word",)


def test_a_field_that_a_version_dropped_would_be_told(schema: Raw) -> None:
    missing: set[str] = set()
    status = dict(schema["properties"]["status"]["properties"])
    del status["reconciledAt"]
    held = {
        "metadata": raw_application()["metadata"],
        "spec": _fill(schema["properties"]["spec"], "spec", missing),
        "status": _fill({"type": "object", "properties": status}, "status", missing),
    }
    parse_application(Asked(held, "", missing))

    assert missing - NOT_EVERYWHERE == {"status.reconciledAt", ".operation"}


@pytest.mark.parametrize("place", [("source",), ("sources",), ("sourceHydrator", "drySource")])
def test_what_a_source_says_of_files_and_values_is_there(
    schema: Raw, place: tuple[str, ...]
) -> None:
    source = _at(schema, "spec", *place)
    helm, kustomize = _at(source, "helm"), _at(source, "kustomize")

    assert helm["properties"].keys() >= VALUES
    assert kustomize["properties"].keys() >= IMAGES
    assert {"recurse", "include", "exclude", "jsonnet"} <= DIRECTORY
    assert DIRECTORY - {"disableExtensionFilter"} <= _at(source, "directory")["properties"].keys()
    assert _at(helm, "valuesObject")["x-kubernetes-preserve-unknown-fields"] is True
    words = {"valueFiles": helm, "images": kustomize, "components": kustomize}
    for key, where in words.items():
        assert _at(where, key)["items"]["type"] == "string"
    for way in (("parameters", "name"), ("parameters", "value"), ("fileParameters", "path")):
        assert _at(helm, *way)["type"] == "string"
    assert _at(helm, "parameters", "forceString")["type"] == "boolean"


def test_all_that_is_written_is_there(schema: Raw) -> None:
    wish = SyncPolicyWish(self_heal=True, apply_out_of_sync_only=True, prune=True)
    for patch in (patch_for(APPLICATION_SEEN, wish), start_patch(APPLICATION_SEEN, RELEASE, 1)):
        assert list(_unknown(patch, schema, "")) == []


def _unknown(value: object, schema: Raw, path: str) -> Iterator[str]:
    if path == ".metadata" or "properties" not in schema.get("items", schema):
        return
    for item in value if isinstance(value, list) else [value]:
        for key, inside in item.items() if isinstance(item, dict) else ():
            known = schema.get("items", schema)["properties"].get(key)
            if known is None:
                yield f"{path}.{key}"
            else:
                yield from _unknown(inside, known, f"{path}.{key}")


def test_annotations_and_words_are_argo_cds_own(module: Path, schema: Raw) -> None:
    annotations = module / "pkg/apis/application/v1alpha1/application_annotations.go"
    for name in (REFRESH, GENERATE_PATHS):
        assert f'"{name}"' in annotations.read_text()
    operation = _at(schema, "status", "sourceHydrator", "currentOperation")
    assert "Failed" in _at(operation, "phase")["enum"]
