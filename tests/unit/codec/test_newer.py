"""Fields and words of a newer version are told, and the rest is read."""

from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from album_operator.api.model import Model
from album_operator.codec import parse_pipeline, parse_release, parse_status, render_status
from album_operator.codec.newer import read_known
from tests.fakes.builders import NOW, RECORD, RELEASE, RESOLVED, raw_pipeline, raw_release

Raw = dict[str, Any]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"signing": {}}, "spec.signing"),
        ({"build": {"sbom": True}}, "spec.build.sbom"),
        ({"build": {"type": "Nix"}}, "spec.build.type"),
        ({"apps": [{"name": "backend"}, {"name": "web", "slots": 2}]}, "spec.apps[1].slots"),
    ],
)
def test_what_a_pipeline_of_a_newer_version_says_is_told_by_its_path(spec: Raw, path: str) -> None:
    pipeline = parse_pipeline(raw_pipeline(**spec))
    assert pipeline.newer == path
    assert pipeline.apps[0].name == "backend"
    assert parse_pipeline(raw_pipeline()).newer == ""


def test_the_first_of_several_is_told_and_none_of_them_is_read() -> None:
    edits = [{"path": "values.yaml", "key": "image.tag", "value": "Signature"}]
    apps = [{"name": "backend", "edits": edits, "canary": {}}]
    pipeline = parse_pipeline(raw_pipeline(apps=apps, build={"type": "Nix"}))
    assert pipeline.newer == "spec.build.type"
    assert [app.name for app in pipeline.apps] == ["backend"]


def test_what_a_release_of_a_newer_version_says_is_told_by_its_path() -> None:
    assert parse_release(raw_release(tag="a/v1", mode="Promote")).newer == "spec.mode"
    assert parse_release(raw_release(tag="a/v1", until="2027")).newer == "spec.until"
    assert parse_release(raw_release()).newer == ""


def test_what_no_version_knows_is_not_read() -> None:
    with pytest.raises(ValidationError, match="tag"):
        parse_release(raw_release(tag=7))


class _One(Model):
    kind: Literal["One"]


class _Other(Model):
    kind: Literal["Other"]


class _Owner(Model):
    part: Annotated[_One | _Other, Field(discriminator="kind")]


def test_a_field_that_is_not_found_by_its_path_is_no_reason_to_look_for_ever() -> None:
    assert read_known(_Owner, {"part": {"kind": "One"}})[1] == ""
    with pytest.raises(ValidationError, match="more"):
        read_known(_Owner, {"part": {"kind": "One", "more": 1}})


def test_a_spec_that_lacks_what_it_needs_is_none_of_any_version() -> None:
    raw = raw_pipeline()
    del raw["spec"]["source"]["repository"]
    with pytest.raises(ValidationError, match="repository"):
        parse_pipeline(raw)


def test_a_status_of_a_newer_version_is_read_where_nothing_is_done_by_it() -> None:
    status = render_status(RELEASE, replace(RECORD, resolved=RESOLVED), NOW)
    assert parse_status({**status, "attestation": {"by": "somebody"}}).resolved == RESOLVED

    status["resolved"]["build"]["sbom"] = True
    read = parse_status(status)
    assert read.resolved is None
    assert read.fault == (
        "status.resolved.build.sbom: this version of the operator does not know it."
    )
