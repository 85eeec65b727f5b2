"""What to release: from YAML files as they would be applied, or from a tag and the conventions."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from album_cli.ends import BadInputError, RefusedError
from album_operator.api.model import Model
from album_operator.api.pipeline import PipelineSpec
from album_operator.api.release import ReleaseSpec
from album_operator.api.types import ObjectName, PipelineName
from album_operator.codec import API_VERSION, parse_pipeline, parse_release
from album_operator.decisions import conventions
from album_operator.domain.names import guess_tag
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

SPECS: Mapping[str, type[Model]] = {"AlbumPipeline": PipelineSpec, "AlbumRelease": ReleaseSpec}


class _NameOfPipeline(Model):
    """Metadata of an AlbumPipeline, as far as a plan asks of them."""

    name: PipelineName


class _NameOfRelease(Model):
    """Metadata of an AlbumRelease."""

    name: ObjectName


NAMES: Mapping[str, type[Model]] = {
    "AlbumPipeline": _NameOfPipeline,
    "AlbumRelease": _NameOfRelease,
}

NAMESPACE = "default"
NAME = "album"


@dataclass(frozen=True)
class Wish:
    """A release, and what the conventions make of it and its pipeline."""

    release: Release
    resolved: Resolved

    @property
    def config_repository(self) -> str:
        """URL of the config repository, by the pipeline or by convention."""
        return self.resolved.config.repository


@dataclass(frozen=True)
class _Document:
    """One resource of a file.

    Attributes:
        where: file and kind, for messages.
        raw: the resource, with the metadata the API server would have given it.
    """

    where: str
    kind: str
    raw: Mapping[str, Any]

    @property
    def name(self) -> str:
        name: str = self.raw["metadata"]["name"]
        return name


def from_tag(tag: str, source: str, *, allow_downgrade: bool) -> Wish:
    """Make the release of a tag, with the smallest pipeline its app can have.

    Raises:
        BadInputError: the source is no URL.
        RefusedError: the tag has no version.
    """
    if "://" not in source:
        raise BadInputError(
            f"--source {source} is no URL such as https://git.example.org/owner/app."
        )
    found = guess_tag(tag)
    if found is None:
        raise RefusedError(
            Reason.TAG_INVALID,
            f"--tag {tag} is not an app's name, `-`, `/` or `@`, and a version, such as "
            "backend-v1.2.3.",
            "For other versions, name a pipeline that says their versioning, and a release, by -f",
        )
    app = {"name": found.app, "tagPrefix": tag.removesuffix(found.version)}
    pipeline = {"source": {"repository": source}, "apps": [app]}
    release = {"pipelineRef": {"name": NAME}, "tag": tag, "allowDowngrade": allow_downgrade}
    options = "the options"
    return _resolve(
        _checked(options, {"kind": "AlbumRelease", "metadata": {"name": NAME}, "spec": release}),
        _checked(options, {"kind": "AlbumPipeline", "metadata": {"name": NAME}, "spec": pipeline}),
    )


def from_files(names: Sequence[str]) -> Wish:
    """Read one AlbumRelease and its AlbumPipeline.

    Raises:
        BadInputError: a file cannot be read, or what is in it would not be admitted.
        RefusedError: the tag or app belongs to no app of the pipeline.
    """
    documents = [document for name in names for document in _read(name)]
    releases = [document for document in documents if document.kind == "AlbumRelease"]
    if len(releases) != 1:
        raise BadInputError(
            f"the files hold {len(releases)} AlbumReleases, and one is planned at a time."
        )
    release = releases[0]
    wanted = release.raw["spec"]["pipelineRef"]["name"]
    pipelines = [document for document in documents if document.kind == "AlbumPipeline"]
    named = [pipeline for pipeline in pipelines if pipeline.name == wanted]
    if len(named) != 1:
        raise BadInputError(
            f"{release.where}: spec.pipelineRef.name: the files hold {len(named)} AlbumPipelines "
            f"named {wanted}, and one is needed. Name its file with another -f."
        )
    return _resolve(release, named[0])


def _resolve(release: _Document, pipeline: _Document) -> Wish:
    parsed: Release = parse_release(release.raw)
    known: Pipeline = parse_pipeline(pipeline.raw)
    resolved = conventions.resolve(parsed, known)
    if isinstance(resolved, Halt):
        raise RefusedError(resolved.reason, resolved.message, resolved.remedy)
    return Wish(parsed, resolved)


def _read(name: str) -> Iterator[_Document]:
    shown = "standard input" if name == "-" else name
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        documents = list(yaml.safe_load_all(data))
    except OSError as error:
        raise BadInputError(f"{shown} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInputError(f"{shown} is no YAML: {' '.join(str(error).split())}.") from error
    for number, raw in enumerate(documents, 1):
        if raw is not None:
            yield _check_kind(f"{shown}, document {number}", raw)


def _check_kind(where: str, raw: object) -> _Document:
    if not isinstance(raw, dict) or raw.get("kind") not in SPECS:
        kind = raw.get("kind") if isinstance(raw, dict) else None
        raise BadInputError(
            f"{where}: kind: {kind or 'nothing'} is neither AlbumPipeline nor AlbumRelease."
        )
    if raw.get("apiVersion") != API_VERSION:
        raise BadInputError(f"{where}: apiVersion: it must be {API_VERSION}.")
    return _checked(where, raw)


def _checked(where: str, raw: Mapping[str, Any]) -> _Document:
    """Refuse what is not of the model's shape, has unknown fields, or says too much or little."""
    kind = raw["kind"]
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        raise BadInputError(f"{where}: metadata.name: it must be a text.")
    where = f"{where}: {kind} {name}"
    _admitted(where, NAMES[kind], metadata, "metadata")
    spec = _admitted(where, SPECS[kind], raw.get("spec"), "spec")
    for path in _unknown(raw["spec"], spec.model_dump(by_alias=True, exclude_unset=True), "spec"):
        raise BadInputError(f"{where}: {path}: there is no such field.")
    if isinstance(spec, ReleaseSpec):
        _check_release(where, spec)
    known = {
        "name": name,
        "namespace": metadata.get("namespace") or NAMESPACE,
        # What only the API server gives, and no plan looks at.
        "uid": "",
        "generation": 0,
        "resourceVersion": "",
        "creationTimestamp": "1970-01-01T00:00:00Z",
    }
    return _Document(where, kind, {"metadata": known, "spec": raw["spec"]})


def _admitted(where: str, model: type[Model], raw: object, top: str) -> Model:
    """Read a part of a resource, or refuse it with the field that is wrong."""
    try:
        return model.admit(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field, said = _path(top, first["loc"]), first["msg"].removeprefix("Value error, ")
        raise BadInputError(f"{where}: {field}: {said.rstrip('.')}.") from error


def _check_release(where: str, spec: ReleaseSpec) -> None:
    """Ask for a tag, or app and version; in a cluster the CRD's rules do."""
    given = (spec.tag is not None, spec.app is not None, spec.version is not None)
    if given not in {(True, False, False), (False, True, True)}:
        raise BadInputError(
            f"{where}: spec.tag: say what to release by tag, or by app and version, not by both."
        )


def _unknown(raw: object, known: object, path: str) -> Iterator[str]:
    """Give the fields that were read from no model."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for name, value in raw.items():
            if name in known:
                yield from _unknown(value, known[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(raw, list) and isinstance(known, list):
        for index, (value, item) in enumerate(zip(raw, known, strict=True)):
            yield from _unknown(value, item, f"{path}[{index}]")


def _path(top: str, location: Sequence[str | int]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join([top, *parts])
