"""The reference lists what there is, all of it and nothing else."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from album_operator.adapters.cluster.lease import ADDRESS
from album_operator.api.crd import render_crds
from album_operator.api.types import DIFF_LENGTH, MESSAGE_LENGTH
from album_operator.codec.text import REFRESH
from album_operator.domain import marks
from album_operator.domain.applications import CONSENT
from album_operator.domain.reasons import TRANSIENT, Reason
from album_operator.domain.record import StepName
from album_operator.domain.remedy import RETRY
from album_operator.metrics.declared import ALL
from album_operator.render import app_notice, sync_policy
from album_operator.serving.webhooks import STATUS
from album_operator.settings import read_settings
from tests.unit.docs.documents import code_spans, items, read, rows, section

REFERENCE = read("docs/reference.md")

CRDS: dict[str, dict[str, Any]] = {
    crd["spec"]["names"]["kind"]: crd["spec"] for crd in map(yaml.safe_load, render_crds().values())
}
KINDS = sorted(CRDS)

Schema = dict[str, Any]

FIELD = re.compile(r"`((?:spec|status)\.[^`]+)`")


def _schema(kind: str) -> Schema:
    schema: Schema = CRDS[kind]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _fields(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Give path and schema of every field that holds a value and no further fields."""
    below = schema.get("items", schema)
    if below is not schema:
        path += "[]"
    for name, field in below.get("properties", {}).items():
        whole = f"{path}.{name}".removeprefix(".")
        if "properties" in field or "properties" in field.get("items", {}):
            yield from _fields(field, whole)
        elif whole.startswith(("spec.", "status.")):
            yield whole, field


def _listed(kind: str) -> dict[str, str]:
    """Give what the reference says of each field: the item from its name to the next name."""
    listed = {}
    for item in items(section(REFERENCE, kind)):
        # The names an item is about stand before its colon, each maybe with words in brackets.
        head = item.split("): ")[0].split("`: ")[0] + "`"
        found = list(FIELD.finditer(head))
        for index, name in enumerate(found):
            end = found[index + 1].start() if index + 1 < len(found) else len(item)
            listed[name[1]] = item[name.end() : end]
    return listed


def _defaults(schema: Schema, path: str = "") -> Iterator[tuple[str, object]]:
    """Give path and default of every field, those that come from an object's default included."""
    for name, field in schema.get("properties", {}).items():
        whole = f"{path}.{name}".removeprefix(".")
        default = field.get("default")
        if isinstance(default, dict):
            yield from ((f"{whole}.{key}", value) for key, value in default.items())
        elif default is not None:
            yield whole, default
        yield from _defaults(field, whole)
        yield from _defaults(field.get("items", {}), f"{whole}[]")


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_kind_is_listed_and_no_other(kind: str) -> None:
    assert sorted(_listed(kind)) == sorted(path for path, _ in _fields(_schema(kind)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_of_a_field_is_told(kind: str) -> None:
    listed = _listed(kind)
    wrong = {
        path: default
        for path, default in _defaults(_schema(kind))
        if path.startswith("spec.")
        and f"default `{str(default).lower() if isinstance(default, bool) else default}`"
        not in listed[path]
    }
    assert wrong == {}


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_has_a_default_in_the_text_only(kind: str) -> None:
    known = dict(_defaults(_schema(kind)))
    assert [
        path for path, said in _listed(kind).items() if "default `" in said and path not in known
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_string_of_a_field_is_told(kind: str) -> None:
    listed = _listed(kind)
    wrong = [
        path
        for path, field in _fields(_schema(kind))
        if path.startswith("spec.")
        and field.get("type") == "string"
        and "enum" not in field
        and "duration" not in listed[path]
        and f"up to {field['maxLength']} characters" not in listed[path]
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_required_fields_are_marked(kind: str) -> None:
    def required(schema: Schema, path: str = "") -> Iterator[str]:
        for name, field in schema.get("properties", {}).items():
            whole = f"{path}.{name}".removeprefix(".")
            inner = field.get("items", field)
            if name in schema.get("required", []) and "properties" not in inner:
                yield whole
            yield from required(inner, f"{whole}[]" if inner is not field else whole)

    defaults = dict(_defaults(_schema(kind)))
    # The name of a Secret is required where a Secret is named at all, which has a default.
    wanted = {
        path
        for path in required(_schema(kind))
        if path.startswith("spec.")
        and path not in defaults
        and not path.lower().endswith("secretref.name")
    }
    assert wanted == {path for path, said in _listed(kind).items() if "required)" in said}


def test_every_reason_is_explained_once_and_none_that_does_not_exist() -> None:
    explained = [cells[0].strip("`") for cells in rows(section(REFERENCE, "Reasons"))]
    assert sorted(explained) == sorted(Reason)


def test_the_transient_reasons_are_those_that_are_retried() -> None:
    explained = {
        cells[0].strip("`")
        for heading in ("Transient", "A bug of the operator")
        for cells in rows(section(REFERENCE, heading))
    }
    assert explained == set(TRANSIENT)


def test_every_reason_that_stops_a_release_has_a_way_out() -> None:
    for heading in ("A person must act", "Ended"):
        for cells in rows(section(REFERENCE, heading)):
            assert len(cells) == 3
            assert all(cell.endswith(".") for cell in cells[1:])


def test_every_step_is_a_condition() -> None:
    conditions = [
        cells[0].strip("`")
        for cells in rows(section(REFERENCE, "Conditions"))
        if cells[0].startswith("`")
    ]
    assert conditions == list(StepName)


@pytest.mark.parametrize("kind", KINDS)
def test_every_printed_column_is_named_in_its_order(kind: str) -> None:
    columns = CRDS[kind]["versions"][0]["additionalPrinterColumns"]
    text = code_spans(section(REFERENCE, "Columns"))
    start = text.index(f"kubectl get {CRDS[kind]['names']['plural']}") + 1
    named = [word for word in text[start : start + len(columns) + 1] if word != "-o wide"]
    assert named[: len(columns)] == [column["name"] for column in columns]


def test_short_names_and_selectable_fields_are_those_of_the_crds() -> None:
    for kind, crd in CRDS.items():
        assert f"Short name `{crd['names']['shortNames'][0]}`" in section(REFERENCE, kind)
        for field in crd["versions"][0].get("selectableFields", []):
            assert field["jsonPath"].removeprefix(".") in section(REFERENCE, "Columns")


def test_annotations_and_labels_are_those_of_the_code() -> None:
    known = {
        CONSENT,
        sync_policy.PREVIOUS_POLICY,
        sync_policy.APPLIED_POLICY,
        sync_policy.REFRESH,
        sync_policy.REFRESH_TIMESTAMP,
        RETRY,
        REFRESH,
        marks.APP_LABEL,
        marks.PIPELINE_LABEL,
        marks.PULL_REQUEST_LINK,
        *app_notice.KEYS,
        marks.REQUESTED_BY,
        marks.TRIGGER_LABEL,
        marks.KEEP,
        marks.ROLLBACK_LABEL,
        f"{marks.LIFT_PREFIX}<app>",
        "album.dev/release",
        ADDRESS,
    }
    cells = rows(section(REFERENCE, "Annotations and labels"))
    assert {name for row in cells for name in code_spans(row[1])} == known


def test_limits_are_those_of_the_code() -> None:
    limits = section(REFERENCE, "Limits")
    assert f"at most {MESSAGE_LENGTH} characters and a diff {DIFF_LENGTH}" in limits


class _Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(ALBUM_NAMESPACES="album", ALBUM_OPERATOR_IMAGE="album-operator:1")
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - signature of dict
        # A proxy's variables are read in either spelling.
        self.names.add(key.upper())
        return super().get(key, default)


def _documented_settings() -> dict[str, str]:
    table = rows(section(REFERENCE, "Settings of the operator"))
    return {cells[0].strip("`"): cells[1].strip("`") for cells in table}


def test_every_setting_is_listed_and_no_other() -> None:
    asked = _Asked()
    read_settings(asked)
    assert set(_documented_settings()) == asked.names


def test_settings_have_the_defaults_the_reference_tells() -> None:
    told = {
        name: "" if value == "none" else value
        for name, value in _documented_settings().items()
        if value != "required"
    }
    least = _Asked()
    assert read_settings({**least, **told}) == read_settings(least)


def test_the_company_of_the_install_is_one_the_operator_takes() -> None:
    text = section(read("docs/install.md"), "A company's network")
    shown = dict(re.findall(r"--from-literal=([A-Z_]+)=(\S+)", text))
    settings = read_settings({**_Asked(), **shown})
    assert settings.proxies.find("https://git.example.org/o/n") is not None
    assert settings.proxies.find("https://registry.example.org/v2/") is None
    assert settings.engine.network.ca_configmap in re.findall(r"create configmap (\S+)", text)
    secrets = re.findall(r"create secret generic (\S+)", text)
    shown |= {"HTTPS_PROXY": re.findall(r"HTTPS_PROXY=(http://\S+@\S+)", text)[0]}
    shown |= {"ALBUM_BUILD_PROXY_SECRET": re.findall(r"PROXY_SECRET=([a-z-]+)", text)[0]}
    assert read_settings({**_Asked(), **shown}).engine.network.proxy_secret in secrets


def test_every_answer_to_a_webhook_is_listed_with_its_status() -> None:
    answers = rows(section(REFERENCE, "Answers to webhooks"))
    listed = {cells[0].strip("`"): int(cells[1]) for cells in answers}
    assert listed == STATUS


def test_every_metric_is_listed_with_its_labels_and_no_other() -> None:
    listed = [
        (name.strip("`"), kind, tuple(re.findall("`([a-z]+)`", labels)))
        for name, kind, labels, _ in rows(section(REFERENCE, "Metrics"))
    ]
    assert listed == [(one.name, one.kind, one.labels) for one in ALL]
