"""What to release: from YAML files as they would be applied, or from a tag and the conventions."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from album_cli.admission import NotAdmittedError, admit
from album_cli.ends import BadInputError, RefusedError
from album_cli.manifests import documents_of
from album_operator.codec import API_VERSION, parse_pipeline, parse_release
from album_operator.decisions import conventions
from album_operator.domain.names import guess_tag
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

KINDS = ("AlbumPipeline", "AlbumRelease")

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
            Halt(
                Reason.TAG_INVALID,
                f"--tag {tag} is not an app's name, `-`, `/` or `@`, and a version, such as "
                "backend-v1.2.3.",
                "For other versions, name a pipeline that says their versioning, and a release, by "
                "-f",
            )
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
        raise RefusedError(resolved)
    return Wish(parsed, resolved)


def _read(name: str) -> Iterator[_Document]:
    shown = "standard input" if name == "-" else name
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        documents = list(documents_of(data))
    except OSError as error:
        raise BadInputError(f"{shown} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInputError(f"{shown} is no YAML: {' '.join(str(error).split())}.") from error
    for number, raw in enumerate(documents, 1):
        if raw is not None:
            yield _check_kind(f"{shown}, document {number}", raw)


def _check_kind(where: str, raw: object) -> _Document:
    if not isinstance(raw, dict) or raw.get("kind") not in KINDS:
        kind = raw.get("kind") if isinstance(raw, dict) else None
        raise BadInputError(
            f"{where}: kind: {kind or 'nothing'} is neither AlbumPipeline nor AlbumRelease."
        )
    if raw.get("apiVersion") != API_VERSION:
        raise BadInputError(f"{where}: apiVersion: it must be {API_VERSION}.")
    return _checked(where, raw)


def _checked(where: str, raw: Mapping[str, Any]) -> _Document:
    """Refuse what the API server would, in its order and with its fields."""
    kind, metadata = raw["kind"], raw.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
        where = f"{where}: {kind} {metadata['name']}"
    try:
        admitted = admit(raw)
    except NotAdmittedError as error:
        raise BadInputError(*(f"{where}: {fault}." for fault in error.faults)) from error
    known = {
        "name": admitted["metadata"]["name"],
        "namespace": admitted["metadata"].get("namespace") or NAMESPACE,
        # What only the API server gives, and no plan looks at.
        "uid": "",
        "generation": 0,
        "resourceVersion": "",
        "creationTimestamp": "1970-01-01T00:00:00Z",
    }
    return _Document(where, kind, {"metadata": known, "spec": admitted["spec"]})
