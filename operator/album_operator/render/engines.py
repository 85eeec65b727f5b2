"""What both engines have in common: an admin's settings, the paths, and what is built."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from album_operator.domain.build_pod import SAFE_RULES, PodRules
from album_operator.domain.builds import BuildKitMode
from album_operator.domain.errors import TerminalError
from album_operator.domain.images import DOCKER_HUB, registry_named, registry_of
from album_operator.domain.reasons import Reason
from album_operator.domain.registry_access import KANIKO_PROGRAMS
from album_operator.domain.release import BuildType, Resources
from album_operator.domain.resolved import ResolvedBuild
from album_operator.render import resources
from album_operator.render.network import OPEN_NETWORK, JobNetwork

TERMINATION_LOG = "/dev/termination-log"

# kaniko leaves mounts out of its snapshots (GoogleContainerTools/kaniko#2021), so this must be a
# path no Dockerfile writes to; `/workspace`, for one, is a common WORKDIR.
WORKSPACE = "/album"
SOURCE = f"{WORKSPACE}/source"


@dataclass(frozen=True)
class Mirror:
    """A registry that is asked before another one, which is asked for what the mirror lacks.

    Attributes:
        place: `host[:port]`, and the path below it that repositories are put behind.
        registry: the one whose images it has, by the one name that is used here.
    """

    place: str
    registry: str = DOCKER_HUB


@dataclass(frozen=True)
class EngineSettings:
    """What an admin says of build Jobs; settings of the operator, not of a pipeline.

    Attributes:
        operator_image: the operator's own image, which fetches the source.
        registry_mirrors: of base images, in the order in which they are asked.
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        image_pull_policy: of all containers of the Job.
        buildkit_mode: how BuildKit's Pods run.
        allow_privileged: whether they get a privileged container, where that is the mode.
        build_resources: of the container that builds, where a pipeline says nothing; its limits
            name `ephemeral-storage`.
        fetch_resources: of the container that fetches the source, without `ephemeral-storage`.
        network: how all of them reach servers.
        pods: how much of their Pods a pipeline may choose.
        buildkit_programs: credential helpers in BuildKit's image, such as `ecr-login`.
    """

    operator_image: str
    kaniko_image: str
    buildkit_image: str
    registry_mirrors: tuple[Mirror, ...] = ()
    insecure_hosts: frozenset[str] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()
    image_pull_policy: str = "IfNotPresent"
    buildkit_mode: BuildKitMode = BuildKitMode.PRIVILEGED
    allow_privileged: bool = False
    build_resources: Resources = resources.BUILD
    fetch_resources: Resources = resources.FETCH
    network: JobNetwork = OPEN_NETWORK
    pods: PodRules = SAFE_RULES
    buildkit_programs: frozenset[str] = frozenset()

    @property
    def buildkit(self) -> BuildKitMode | None:
        """How BuildKit's Pods run; None where no pipeline may build with it."""
        is_refused = self.buildkit_mode is BuildKitMode.PRIVILEGED and not self.allow_privileged
        return None if is_refused else self.buildkit_mode

    def programs_of(self, engine: BuildType) -> frozenset[str]:
        """Give the credential helpers that an engine's image has."""
        return KANIKO_PROGRAMS if engine is BuildType.KANIKO else self.buildkit_programs


def literal(text: str) -> str:
    """Escape a command, argument or variable so that the kubelet hands it over as it is.

    The kubelet replaces `$(NAME)` in them and reads `$$` as one `$` (Kubernetes API reference,
    Container v1 core, `args`).
    """
    return text.replace("$", "$$")


def render_env(variables: Mapping[str, str]) -> list[dict[str, str]]:
    """Render environment variables with literal values."""
    return [{"name": name, "value": literal(value)} for name, value in variables.items()]


def check_context(build: ResolvedBuild) -> None:
    """Refuse to build anything but the source: beside it, the credential to push with is mounted.

    Raises:
        TerminalError: the context or the Dockerfile lies outside.
    """
    paths = {"contextDir": build.context_dir, "dockerfile": build.dockerfile}
    for field, path in paths.items():
        normal = posixpath.normpath(path)
        if posixpath.isabs(path) or normal.split("/", 1)[0] == "..":
            raise TerminalError(
                Reason.STATUS_INVALID,
                f"status.resolved.build.{field} leads out of the source, which no pipeline can "
                "say.",
                "Find out who writes to albumreleases/status",
            )


def context_of(build: ResolvedBuild) -> str:
    """Give the folder that is built."""
    return posixpath.normpath(f"{SOURCE}/{build.context_dir}")


def build_args(build: ResolvedBuild, engine: EngineSettings) -> dict[str, str]:
    """Give the build arguments: the pipeline's, and those of the proxy it does not give itself."""
    own = {arg.name: arg.value for arg in build.args}
    return {**engine.network.step_variables(insecure_hosts_of(build, engine)), **own}


def network_env(
    build: ResolvedBuild, engine: EngineSettings, ca_folders: str
) -> list[dict[str, Any]]:
    """Render what the engine itself goes to registries with."""
    network = engine.network
    trust = {"SSL_CERT_DIR": ca_folders} if network.ca_configmap is not None else {}
    return [*render_env(trust), *network.render_env(insecure_hosts_of(build, engine))]


def render_push_mounts(build: ResolvedBuild, folder: str) -> list[dict[str, Any]]:
    """Render where the credential to push with is, if there is one."""
    if not build.push_secret_name:
        return []
    return [{"name": "registry", "mountPath": folder, "readOnly": True}]


def named(image: str) -> str:
    """Give an image as builders are told it.

    kaniko takes `registry-1.docker.io` for a registry of its own, with a credential of its own.
    """
    host, slash, path = image.partition("/")
    return f"{registry_named(host)}{slash}{path}"


def insecure_hosts_of(build: ResolvedBuild, engine: EngineSettings) -> list[str]:
    """Give `host[:port]` of the registries that are spoken to in plain HTTP."""
    own = {registry_of(build.image)} if build.insecure else set()
    return sorted(engine.insecure_hosts | own)
