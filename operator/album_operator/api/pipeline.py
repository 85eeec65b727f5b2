"""AlbumPipeline: how the apps of one source repository are released."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from album_operator.api.metadata import ObjectMeta
from album_operator.api.model import MapList, Model, Rule
from album_operator.api.resources import Resources
from album_operator.api.types import (
    ApiURL,
    AppName,
    Between,
    BranchName,
    BuildType,
    ContextDir,
    DockerfilePath,
    Duration,
    FilePath,
    ForgeType,
    ImageName,
    ImageRepository,
    KeyPath,
    Label,
    ObjectName,
    RegistryHost,
    RepositoryURL,
    SecretRef,
    TagPrefix,
)

GIT_SECRET = "album-git"  # noqa: S105 - a Secret's name
REGISTRY_SECRET = "album-registry"  # noqa: S105 - a Secret's name


class Source(Model):
    """The repository that holds the apps' source."""

    repository: RepositoryURL = Field(
        description="URL of the git repository that is built, https:// or http://."
    )
    secret_ref: SecretRef = Field(
        default_factory=lambda: SecretRef(name=GIT_SECRET),
        description=(
            "Secret with the git credential: keys url (where the token may be sent), token and, "
            "optionally, username. album-git by default."
        ),
        json_schema_extra={"default": {"name": GIT_SECRET}},
    )


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


ArgName = Annotated[
    str,
    Field(max_length=64, examples=["GO_VERSION"]),
    Rule(
        "self.matches(r'^[A-Za-z_][A-Za-z0-9_]*$')",
        "a build argument's name must be letters, digits and '_', not beginning with a digit.",
    ),
    Rule(
        "!self.upperAscii().matches(r'^(LD_.*|BASH_ENV)$')",
        "build arguments named LD_* or BASH_ENV would change how every command of the build runs: "
        "choose another name.",
    ),
    Rule(
        "!self.upperAscii().matches(r'^(.*_)?(TOKEN|PASSWORD|SECRET)$')",
        "build arguments stay readable in the image's history, so they must not hold secrets: "
        "choose a name that does not end with TOKEN, PASSWORD or SECRET.",
    ),
]

ArgValue = Annotated[
    str,
    Field(max_length=1024),
    Rule(
        r"!self.matches(r'[\x00-\x1f\x7f]')",
        "a build argument's value must be one line without control characters.",
    ),
    # Kubernetes expands `$(NAME)` in a container's arguments.
    Rule(
        "!self.contains('$(')",
        "a build argument's value must not contain $(, which Kubernetes would expand: write the "
        "value out.",
    ),
]


class BuildArg(Model):
    """One build argument (ARG of the Dockerfile)."""

    name: ArgName = Field(description="Name of the ARG.")
    value: ArgValue = Field(description="Its value.")


Target = Annotated[
    str,
    Field(max_length=128, examples=["release"]),
    Rule(
        "self.matches(r'^[A-Za-z0-9][A-Za-z0-9._-]*$')",
        "target must be the name of a build stage: letters, digits, '.', '_' and '-', beginning "
        "with a letter or digit.",
    ),
]


class Build(Model):
    """How images are built."""

    type: BuildType = Field(
        "Kaniko", description="The program that builds: Kaniko (default) or BuildKit."
    )
    image: Image = Field(
        default_factory=Image,
        description="Where images are pushed to.",
        json_schema_extra={"default": {}},
    )
    args: Annotated[list[BuildArg], MapList("name")] = Field(
        default_factory=list,
        max_length=32,
        description="Build arguments beside VERSION, which is set to the release's version.",
    )
    target: Target | None = Field(
        None, description="Stage of the Dockerfile to build; the last one by default."
    )
    resources: Resources | None = Field(
        None, description="Requests and limits of the container that builds."
    )
    timeout: Annotated[Duration, Between("10s", "24h", "30m")] = Field(
        timedelta(minutes=30),
        description="How long a build may take; 30m by default.",
        json_schema_extra={"default": "30m"},
    )
    push_secret_ref: SecretRef = Field(
        default_factory=lambda: SecretRef(name=REGISTRY_SECRET),
        description=(
            "Secret of type kubernetes.io/dockerconfigjson to push with. Who can push a tag to the "
            "source repository can read it during the build, so give it rights on these images "
            "only. album-registry by default."
        ),
        json_schema_extra={"default": {"name": REGISTRY_SECRET}},
    )


class Forge(Model):
    """Where pull requests are opened."""

    type: ForgeType = Field("Gitea", description="Kind of the forge.")
    api_url: ApiURL | None = Field(
        None,
        alias="apiURL",
        description=(
            "Base URL of the forge's API; /api/v1 on the host of the config repository by default."
        ),
    )
    secret_ref: SecretRef | None = Field(
        None,
        description=(
            "Secret with the token for the API, with the same keys as for git; config.secretRef "
            "by default."
        ),
    )


AuthorName = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Rule(
        r"!self.matches(r'[<>\x00-\x1f\x7f]') && self.matches(r'[^ .,:;\x22\x27]')",
        "the author's name must be one line without '<' and '>', as git writes it into commits.",
    ),
]

AuthorEmail = Annotated[
    str,
    Field(max_length=254),
    Rule(
        r"self.matches(r'^[^@<>\s\x00-\x1f\x7f]+@[^@<>\s\x00-\x1f\x7f]+$')",
        "the author's email must be an address such as releases@example.org.",
    ),
]


class Author(Model):
    """Author of the commits in the config repository."""

    name: AuthorName = Field("Album Release Operator", description="Name of the commits' author.")
    # RFC 2606 reserves `.invalid`: it never belongs to anybody.
    email: AuthorEmail = Field(
        "album-operator@album.invalid", description="Email address of the commits' author."
    )


class Config(Model):
    """The repository Argo CD reads, where releases are proposed."""

    repository: RepositoryURL | None = Field(
        None,
        description=(
            "URL of the git repository with the Helm values; the source repository's URL with "
            "-config at the end by default."
        ),
    )
    branch: BranchName | None = Field(
        None,
        description=(
            "Branch pull requests are merged into; the repository's default branch by default."
        ),
    )
    secret_ref: SecretRef = Field(
        default_factory=lambda: SecretRef(name=GIT_SECRET),
        description="Secret with the git credential to push branches with; album-git by default.",
        json_schema_extra={"default": {"name": GIT_SECRET}},
    )
    forge: Forge = Field(
        default_factory=Forge,
        description="Where pull requests are opened.",
        json_schema_extra={"default": {}},
    )
    author: Author = Field(
        default_factory=Author,
        description="Author of the commits.",
        json_schema_extra={"default": {}},
    )


class SyncPolicy(Model):
    """Sync policy the Applications get. A field that is left out is left as it is."""

    self_heal: bool | None = Field(
        None,
        description=(
            "Sets automated.selfHeal: whether Argo CD undoes changes made in the cluster by hand."
        ),
    )
    apply_out_of_sync_only: bool | None = Field(
        None,
        description="Sets the sync option ApplyOutOfSyncOnly; other sync options are kept.",
    )
    prune: bool | None = Field(
        None,
        description=(
            "Sets automated.prune: whether Argo CD deletes what is no longer in the repository."
        ),
    )


class ArgoCD(Model):
    """The Applications and how they are to sync."""

    namespace: Label = Field(
        "argocd",
        description="Namespace of the Application an app has by convention; argocd by default.",
    )
    sync_policy: SyncPolicy = Field(
        default_factory=lambda: SyncPolicy(self_heal=True, apply_out_of_sync_only=True),
        description=(
            "Sync policy the Applications get. If you write it, only the fields you write are set; "
            "selfHeal and applyOutOfSyncOnly are true if you do not."
        ),
        json_schema_extra={"default": {"selfHeal": True, "applyOutOfSyncOnly": True}},
    )
    settle: Annotated[Duration, Between("0s", "1h", "60s")] = Field(
        timedelta(seconds=60),
        description=(
            "How long the app must stay Healthy before the release counts as deployed; 60s by "
            "default."
        ),
        json_schema_extra={"default": "60s"},
    )
    timeout: Annotated[Duration, Between("10s", "24h", "15m")] = Field(
        timedelta(minutes=15),
        description=(
            "How long after the merge the app may take to run the new version; 15m by default."
        ),
        json_schema_extra={"default": "15m"},
    )


class Edit(Model):
    """One value a release changes."""

    path: FilePath = Field(description="Path of the YAML file in the config repository.")
    key: KeyPath = Field(description="Names on the way to the value, joined by dots.")
    value: Literal["Tag"] = Field("Tag", description="What is written: Tag, the image's tag.")


class ApplicationRef(Model):
    """An Argo CD Application."""

    namespace: Label = Field(description="Namespace of the Application.")
    name: ObjectName = Field(description="Name of the Application.")


class App(Model):
    """One app of the source repository."""

    name: AppName = Field(description="Name of the app.")
    tag_prefix: TagPrefix | None = Field(
        None,
        description=(
            "What the app's git tags have before the version; the app's name and '-' by default."
        ),
    )
    context_dir: ContextDir | None = Field(
        None,
        description="Directory of the source that is built; the app's name by default, '.' is all.",
    )
    dockerfile: DockerfilePath | None = Field(
        None, description="Path of the Dockerfile below contextDir; Dockerfile by default."
    )
    image: ImageName | None = Field(
        None,
        description=(
            "Image of the app with its registry and without a tag; "
            "<build.image.registry>/<build.image.repository>-<app> by default."
        ),
    )
    edits: Annotated[list[Edit], MapList("path", "key")] = Field(
        default_factory=list,
        max_length=16,
        description=(
            "Values a release of the app changes; image.tag in <app>/values.yaml by default."
        ),
    )
    applications: Annotated[list[ApplicationRef], MapList("namespace", "name")] = Field(
        default_factory=list,
        max_length=16,
        description=(
            "Argo CD Applications that run the app; <source repository's name>-<app> in "
            "argocd.namespace by default."
        ),
    )


class PipelineSpec(Model):
    """How the apps of one source repository are released."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.apps.all(a, self.apps.exists_one(b, "
            "(has(a.tagPrefix) ? a.tagPrefix : a.name + '-') == "
            "(has(b.tagPrefix) ? b.tagPrefix : b.name + '-')))",
            "two apps have the same tagPrefix (by default the app's name and '-'), so a tag would "
            "not say which to release: give each app another one.",
            ".apps",
        ),
    )

    source: Source = Field(description="The repository that holds the apps' source.")
    build: Build = Field(
        default_factory=Build,
        description="How images are built.",
        json_schema_extra={"default": {}},
    )
    config: Config = Field(
        default_factory=Config,
        description="The repository Argo CD reads, where releases are proposed.",
        json_schema_extra={"default": {}},
    )
    argocd: ArgoCD = Field(
        default_factory=ArgoCD,
        description="The Applications and how they are to sync.",
        json_schema_extra={"default": {}},
    )
    apps: Annotated[list[App], MapList("name")] = Field(
        min_length=1, max_length=64, description="The apps of the source repository."
    )


class AlbumPipeline(Model):
    """How the apps of one source repository are released."""

    rules: ClassVar[tuple[Rule, ...]] = (
        # The operator labels releases with their pipeline; a label's value has at most 63.
        Rule(
            "self.metadata.name.size() <= 63",
            "metadata.name must have at most 63 characters: it becomes the value of a label.",
        ),
    )

    api_version: Literal["album.dev/v1alpha1"] = "album.dev/v1alpha1"
    kind: Literal["AlbumPipeline"] = "AlbumPipeline"
    metadata: ObjectMeta
    spec: PipelineSpec = Field(description="How to release.")
