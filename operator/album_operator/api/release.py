"""AlbumRelease: one release of one app."""

from typing import ClassVar, Literal

from pydantic import Field

from album_operator.api.metadata import ObjectMeta
from album_operator.api.model import Model, Rule
from album_operator.api.status import ReleaseStatus
from album_operator.api.types import AppName, ObjectName, PipelineName, TagName, Version


class PipelineRef(Model):
    """The AlbumPipeline that says how to release."""

    name: PipelineName = Field(
        description="Name of an AlbumPipeline in the namespace of the release."
    )


class RollbackOf(Model):
    """A release that did not go well."""

    name: ObjectName = Field(
        description="Name of an AlbumRelease of the same app, in the namespace of the release."
    )


def _immutable(field: str) -> Rule:
    # A rule on an optional field itself does not run when the field comes or goes.
    return Rule(
        f"has(self.{field}) == has(oldSelf.{field}) "
        f"&& (!has(self.{field}) || self.{field} == oldSelf.{field})",
        f"{field} cannot be changed, set or removed once the release exists: create another "
        "AlbumRelease for another release.",
        f".{field}",
    )


class ReleaseSpec(Model):
    """What to release.

    Nothing can be changed later but `suspend`, `cancel` to true, and `mode` from Plan to Apply.
    """

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.tag) || has(self.app) || has(self.version)",
            "say what to release: set tag, such as backend-v1.1.0, or app and version.",
            ".tag",
        ),
        Rule(
            "!has(self.tag) || (!has(self.app) && !has(self.version))",
            "tag already says app and version: remove app and version, or remove tag.",
            ".tag",
        ),
        Rule(
            "has(self.tag) || !has(self.app) || has(self.version)",
            "app needs a version beside it, such as v1.1.0.",
            ".version",
        ),
        Rule(
            "has(self.tag) || !has(self.version) || has(self.app)",
            "version needs an app beside it: the name of one of the pipeline's apps.",
            ".app",
        ),
        Rule(
            "self.pipelineRef.name == oldSelf.pipelineRef.name",
            "pipelineRef cannot be changed once the release exists: create another AlbumRelease "
            "for another pipeline.",
            ".pipelineRef",
        ),
        Rule(
            "self.mode == oldSelf.mode || (oldSelf.mode == 'Plan' && self.mode == 'Apply')",
            "mode can only be changed from Plan to Apply: create another AlbumRelease to plan "
            "again.",
            ".mode",
        ),
        _immutable("tag"),
        _immutable("app"),
        _immutable("version"),
        _immutable("allowDowngrade"),
        _immutable("rollbackOf"),
        Rule(
            "self.cancel || !oldSelf.cancel",
            "a release that was cancelled stays so: create another AlbumRelease to release it "
            "after all.",
            ".cancel",
        ),
        Rule(
            "!has(self.rollbackOf) || self.mode == 'Apply'",
            "a rollback is done, and neither planned nor followed: leave mode out.",
            ".mode",
        ),
    )

    pipeline_ref: PipelineRef = Field(
        description="The AlbumPipeline, in the same namespace, that says how to release."
    )
    tag: TagName | None = Field(
        None,
        description=(
            "The git tag to release, such as backend-v1.1.0. The pipeline's tag prefixes split it "
            "into app and version, whose form its versioning says. Give either tag, or app and "
            "version."
        ),
    )
    app: AppName | None = Field(
        None,
        description=(
            "Name of the app to release, one of the pipeline's apps. The git tag is the app's tag "
            "prefix followed by the version."
        ),
    )
    version: Version | None = Field(
        None,
        description=(
            "The version to release, such as v1.1.0 or v1.2.0-rc.1, of the form that the app's "
            "versioning says. It becomes the image's tag "
            "and the value in the config repository as it stands here."
        ),
    )
    mode: Literal["Apply", "Plan", "Follow"] = Field(
        "Apply",
        description=(
            "Apply does the release. Plan only writes what it would do into status.plan; set Apply "
            "afterwards to do it. Follow leaves all of it to others, and proves that they did it: "
            "the image, the commit that sets the value, and the deployment."
        ),
    )
    suspend: bool = Field(
        default=False,
        description=(
            "Stop working on this release until it is set to false again. A build that runs "
            "already goes on; nothing else is begun."
        ),
    )
    cancel: bool = Field(
        default=False,
        description=(
            "Take this release back, for good: its build is stopped, its pull request closed and "
            "its branch deleted. Once it is merged that is refused; a release of the version "
            "before, with rollbackOf, goes back."
        ),
    )
    allow_downgrade: bool = Field(
        default=False,
        description=(
            "Release this version even where a newer one, or one that has no order with it, is "
            "deployed. Without it an older version ends as Superseded and nothing is written."
        ),
    )
    rollback_of: RollbackOf | None = Field(
        None,
        description=(
            "The release that this one takes back: its version, which was Released before, is "
            "released again with the very image it had, although it is older."
        ),
    )


class AlbumRelease(Model):
    """One release of one app: from a git tag to an app that runs it under Argo CD."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.spec.rollbackOf) || self.spec.rollbackOf.name != self.metadata.name",
            "a release does not take itself back: rollbackOf names another one.",
            ".spec.rollbackOf.name",
        ),
        Rule(
            "self.spec.cancel == oldSelf.spec.cancel || !has(self.status) "
            "|| !has(self.status.conditions) "
            "|| !self.status.conditions.exists(c, c.type == 'Merged' && c.status == 'True')",
            "its change is merged, so the release cannot be cancelled any more: to go back, create "
            "an AlbumRelease of the version before with spec.rollbackOf.name of this one.",
            ".spec.cancel",
        ),
    )

    api_version: Literal["album.dev/v1alpha1"] = "album.dev/v1alpha1"
    kind: Literal["AlbumRelease"] = "AlbumRelease"
    metadata: ObjectMeta
    spec: ReleaseSpec = Field(description="What to release.")
    status: ReleaseStatus = Field(
        default_factory=lambda: ReleaseStatus(observed_generation=-1),
        description="What the operator has done so far and where it stands.",
        json_schema_extra={"default": {"observedGeneration": -1}},
    )
