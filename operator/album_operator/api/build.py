"""The part of an AlbumPipeline that says how images are built."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from album_operator.api.build_args import BuildArg, VersionArg
from album_operator.api.build_cache import BuildCache
from album_operator.api.build_outputs import BuildSecret, Platforms, Tags
from album_operator.api.build_pod import BuildPod
from album_operator.api.build_source import BuildSource
from album_operator.api.model import MapList, Model, Rule
from album_operator.api.places import ImageRepository, RegistryHost
from album_operator.api.predicates import matches
from album_operator.api.resources import Resources
from album_operator.api.types import (
    Between,
    BuildType,
    Duration,
    ExistingImage,
    MaybeSecretRef,
    ProofBy,
    SecretRef,
)

REGISTRY_SECRET = "album-registry"  # noqa: S105 - a Secret's name


class Image(Model):
    """Where images are pushed to."""

    registry: RegistryHost = Field(
        "ghcr.io", description="Registry, host with an optional port; ghcr.io by default."
    )
    repository: ImageRepository | None = Field(
        None,
        description=(
            "Path below the registry that the images of all apps begin with; '-' and the app's "
            "name follow. The source repository's <owner>/<name> by default."
        ),
    )
    insecure: bool = Field(
        default=False, description="The registry speaks plain HTTP instead of HTTPS."
    )


Target = Annotated[
    str,
    Field(max_length=128, examples=["release"]),
    Rule(
        matches("[A-Za-z0-9][A-Za-z0-9._-]*"),
        "target must be the name of a build stage: letters, digits, '.', '_' and '-', beginning "
        "with a letter or digit.",
    ),
]


NOT_FOR_EXTERNAL = {
    "args": " || self.args.size() == 0",
    "versionArg": " || self.versionArg == 'VERSION'",
    "target": "",
    "resources": "",
    "cache": "",
    "source": "",
    "fetchResources": "",
    "pod": "",
    "secrets": " || self.secrets.size() == 0",
    "tags": " || self.tags.size() == 0",
    "platforms": " || self.platforms.size() == 0",
    "failureLog": " || !self.failureLog",
    "timeout": " || self.timeout == '30m'",
    "proof": " || self.proof == 'Registry'",
}
"""Fields that have no meaning where nothing is built, and what each may be nevertheless."""

NO_INDEX = (
    "!has(self.platforms) || self.platforms.size() <= 1 || !has(self.type) || self.type != 'Kaniko'"
)
"""Whether the operator has no index to put: one Job builds all."""

BuildTimeout = Annotated[Duration, Between("10s", "24h", "30m")]


class Build(Model):
    """How images are built."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.type) || self.type != 'BuildKit' || !has(self.pushSecretRef) "
            "|| has(self.pushSecretRef.name)",
            "BuildKit has no identity of its own: name a Secret to push with; its credHelpers may "
            "name a program that an admin's image has.",
            ".pushSecretRef",
        ),
        Rule(
            f"{NO_INDEX} || !has(self.proof) || self.proof != 'Builder'",
            "Kaniko builds several platforms by a Job each, and the operator puts their index into "
            "the registry, which it has to read: leave proof out, or set one platform.",
            ".proof",
        ),
        Rule(
            f"{NO_INDEX} || !has(self.pushSecretRef) || has(self.pushSecretRef.name)",
            "Kaniko builds several platforms by a Job each, and the operator, which has no "
            "identity of its own, pushes their index: name a Secret to push with, or set one "
            "platform.",
            ".pushSecretRef",
        ),
        Rule(
            "!has(self.platforms) || !has(self.type) || self.type != 'Kaniko' || !has(self.pod) "
            "|| !has(self.pod.nodeSelector) || !('kubernetes.io/arch' in self.pod.nodeSelector) "
            "|| self.platforms.all(platform, (platform + '/').startsWith("
            "'linux/' + self.pod.nodeSelector['kubernetes.io/arch'] + '/'))",
            "Kaniko runs the steps on its node, so that must be of the platform: leave "
            "kubernetes.io/arch out of pod.nodeSelector, it is added by itself.",
            ".pod.nodeSelector",
        ),
        # Each release keeps them in its status, which is to stay below 16 KB.
        Rule(
            "!has(self.args) || self.args.map(arg, arg.value.size()).sum() <= 4096",
            "the values of all build arguments together must have at most 4096 characters: put "
            "longer texts into a file of the source repository.",
            ".args",
        ),
        *(
            Rule(
                f"!has(self.type) || self.type != 'External' || !has(self.{field}){allowed}",
                f"images of type External are built elsewhere: leave {field} out.",
                f".{field}",
            )
            for field, allowed in NOT_FOR_EXTERNAL.items()
        ),
    )

    type: BuildType = Field(
        "Kaniko",
        description=(
            "The program that builds: Kaniko (default) or BuildKit; External for images that are "
            "built elsewhere: the release waits until the registry has one under its tag with the "
            "label org.opencontainers.image.revision of its commit."
        ),
    )
    existing_image: ExistingImage = Field(
        "Refuse",
        description=(
            "What becomes of an image that is under the release's tag already. One with the label "
            "org.opencontainers.image.revision of the release's commit is used without a build, "
            "one with that of another commit never, nor is it overwritten. Of all others Refuse "
            "(default) stops the release, Adopt takes them as they are."
        ),
    )
    proof: ProofBy = Field(
        "Registry",
        description=(
            "Who is asked what is there and what was pushed: Registry (default), or Builder where "
            "the operator cannot read the registry, such as one whose credential only the build's "
            "Pod has. Then the builder's word alone counts, and an image that is there already is "
            "built again over its tag."
        ),
    )
    read_secret_ref: SecretRef | None = Field(
        None,
        description=(
            "Secret of type kubernetes.io/dockerconfigjson to ask the registry with; the one to "
            "push with by default. Without a credential for the registry it is asked as anybody."
        ),
    )
    image: Image = Field(
        default_factory=Image,
        description="Where images are pushed to.",
        json_schema_extra={"default": {}},
    )
    args: Annotated[list[BuildArg], MapList("name")] = Field(
        default_factory=list,
        max_length=32,
        description=(
            "Build arguments. The one versionArg names is the release's version unless it is given "
            "here."
        ),
    )
    version_arg: VersionArg = Field(
        "VERSION",
        description=(
            "Name of the build argument that is set to the release's version, VERSION by default; "
            "empty for none, where a Dockerfile has another use for it."
        ),
    )
    target: Target | None = Field(
        None, description="Stage of the Dockerfile to build; the last one by default."
    )
    secrets: Annotated[list[BuildSecret], MapList("name")] = Field(
        default_factory=list,
        max_length=16,
        description=(
            "Secrets for steps of the Dockerfile (RUN --mount=type=secret), given as files and "
            "never as arguments. With Kaniko every step of the build can read them all."
        ),
    )
    tags: Tags = Field(
        default_factory=list,
        max_length=8,
        description="Further tags each image is pushed under, such as latest.",
    )
    platforms: Platforms = Field(
        default_factory=list,
        max_length=8,
        description=(
            "Platforms to build for, that of the node by default. Kaniko builds each by a Job of "
            "its own, on a node of it, under the release's tag with -<architecture> behind it, and "
            "the operator makes one image of them; BuildKit builds all on one node."
        ),
    )
    resources: Resources | None = Field(
        None, description="Requests and limits of the container that builds."
    )
    fetch_resources: Resources | None = Field(
        None, description="Requests and limits of the init container that fetches the source."
    )
    pod: BuildPod | None = Field(None, description="What the Pods of builds are like.")
    timeout: BuildTimeout = Field(
        timedelta(minutes=30),
        description="How long a build may take; 30m by default.",
        json_schema_extra={"default": "30m"},
    )
    cache: BuildCache | None = Field(
        None,
        description=(
            "Use the layers of the app's earlier builds, kept in the image's registry; {} for the "
            "defaults. No cache unless it is set."
        ),
    )
    source: BuildSource | None = Field(
        None,
        description=(
            "What of the source repository goes into the build context beside the commit's own "
            "files."
        ),
    )
    push_secret_ref: MaybeSecretRef = Field(
        default_factory=lambda: MaybeSecretRef(name=REGISTRY_SECRET),
        description=(
            "Secret of type kubernetes.io/dockerconfigjson to push with. Who can push a tag to the "
            "source repository can read it during the build, so give it rights on these images "
            "only. album-registry by default; {} for none, where Kaniko pushes to a registry of "
            "Amazon, Google or Azure as the cloud knows pod.serviceAccountName."
        ),
        json_schema_extra={"default": {"name": REGISTRY_SECRET}},
    )
    failure_log: bool = Field(
        False,
        description=(
            "Show the end of a failed build's log in the release's status, in Events and wherever "
            "feedback is written. Known values of the Secrets the release uses are taken out; what "
            "else the build prints, everybody who reads those can see."
        ),
    )
