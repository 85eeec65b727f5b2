"""How tests and the demo get at a running testbed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import cluster, engine, gitea, registry, state
from testbed.commands import PartError, capture
from testbed.engine import Engine
from testbed.offline import gotools, recipes
from testbed.settings import Settings, from_environment
from testbed.state import ForgeKind, State

_MIRRORED = ("docker.io", "quay.io", "ghcr.io", "gcr.io", "registry.k8s.io", "public.ecr.aws")


@dataclass(frozen=True)
class Testbed:
    """A testbed that is up.

    Attributes:
        settings: Its name and folders.
        kubeconfig: Path of the cluster's kubeconfig, with all rights.
        bin_folder: Folder with kubectl, kube-apiserver, etcd, gitea, helm and so on.
        docker_host: Address of the Docker Engine.
        registry: `host:port`, the same in Pods, on the node and on the host; plain HTTP.
        forge: Which forge it has.
        forge_url: URL of the forge, the same everywhere; plain HTTP, without a slash at its end.
        forge_user: Owner of the repositories.
        forge_token: That user's access token: what the operator gets.
        reviewer: Another user, who merges.
        reviewer_token: The reviewer's access token.
        webhook_secret: What the forge signs its webhooks with.
        audit_log: Path of the API server's audit log, JSON lines.
        buildkitd_config: Path of a buildkitd.toml: base images come from the registry.
    """

    __test__ = False  # pytest takes a class of this name for tests

    settings: Settings
    kubeconfig: Path
    bin_folder: Path
    docker_host: str
    registry: str
    forge: ForgeKind
    forge_url: str
    forge_user: str
    forge_token: str
    reviewer: str
    reviewer_token: str
    webhook_secret: str
    audit_log: Path
    buildkitd_config: Path

    @classmethod
    def from_settings(cls, settings: Settings | None = None) -> Testbed:
        """Return the testbed of the settings, of the environment by default.

        Raises:
            PartError: It is not up.
        """
        settings = settings or from_environment()
        known, docker = _known(settings)
        return cls(
            settings=settings,
            kubeconfig=cluster.kubeconfig(settings),
            bin_folder=gotools.bin_folder(settings),
            docker_host=docker.host,
            registry=known.registry,
            forge=known.forge,
            forge_url=known.forge_url,
            forge_user=gitea.OWNER,
            forge_token=gitea.token(gitea.OWNER, known),
            reviewer=gitea.REVIEWER,
            reviewer_token=gitea.token(gitea.REVIEWER, known),
            webhook_secret=known.secret(gitea.WEBHOOK_SECRET),
            audit_log=cluster.audit_log(settings),
            buildkitd_config=settings.state / "buildkitd.toml",
        )

    @property
    def node_address(self) -> str:
        """Where NodePorts are reached from the host."""
        return cluster.node_address(self._engine(), self.settings)

    def env(self) -> Mapping[str, str]:
        """Return the variables by which programs find the testbed's parts."""
        path = os.environ.get("PATH", os.defpath)
        tools = str(self.bin_folder / "path")
        return {
            "TESTBED_NAME": self.settings.name,
            "KUBECONFIG": str(self.kubeconfig),
            "DOCKER_HOST": self.docker_host,
            "PATH": path if tools in path.split(":") else f"{tools}:{path}",
            "TESTBED_BIN": str(self.bin_folder),
            "TESTBED_REGISTRY": self.registry,
            "TESTBED_FORGE_URL": self.forge_url,
            "TESTBED_FORGE_API_URL": f"{self.forge_url}{self.forge.api_path}",
            "TESTBED_FORGE_TYPE": self.forge.type,
            "TESTBED_FORGE_USER": self.forge_user,
            "TESTBED_FORGE_TOKEN": self.forge_token,
            "TESTBED_REVIEWER": self.reviewer,
            "TESTBED_REVIEWER_TOKEN": self.reviewer_token,
            "TESTBED_NODE_ADDRESS": self.node_address,
            "TESTBED_AUDIT_LOG": str(self.audit_log),
            "TESTBED_BUILDKITD_CONFIG": str(self.buildkitd_config),
        }

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl with all rights and return its output.

        Raises:
            PartError: kubectl failed; the message has its last words.
        """
        return cluster.kubectl(self.settings, *arguments, stdin=stdin)

    def helm(self, *arguments: str, stdin: str | None = None) -> str:
        """Run Helm with all rights and return its output.

        Raises:
            PartError: Helm failed; the message has its last words.
        """
        program = gotools.ensure(["helm"], self.settings) / "helm"
        env = {"KUBECONFIG": str(self.kubeconfig)}
        return capture([program, *arguments], part="helm", env=env, stdin=stdin, timeout=300)

    def load_image(self, archive: Path) -> None:
        """Put the images of an archive, as `docker save` writes it, into the node.

        Raises:
            PartError: The node refused the archive.
        """
        cluster.load_image(archive, self._engine(), self.settings)

    def build_and_push(
        self,
        dockerfile: Path,
        context: Path,
        name: str,
        build_args: Mapping[str, str] | None = None,
    ) -> str:
        """Build an image with the engine and push it to the registry.

        Args:
            dockerfile: The Dockerfile.
            context: Folder of the build context.
            name: Name in the registry without its address: `album/album-app-backend:v1.0.0`.
            build_args: Values for the Dockerfile's `ARG`s.

        Returns:
            The image's whole name, `<registry>/<name>`.

        Raises:
            PartError: The build or the push failed.
        """
        reference = f"{self.registry}/{name}"
        docker = self._engine()
        log = self.settings.logs / "build.log"
        recipes.build(
            docker, dockerfile, context, reference, log=log, build_args=dict(build_args or {})
        )
        registry.push(reference, name, docker, self.settings)
        return reference

    def write_buildkitd_config(self) -> None:
        """Write the buildkitd.toml that takes base images from the registry over plain HTTP."""
        self.buildkitd_config.write_text(buildkitd_config(self.registry))

    def _engine(self) -> Engine:
        return Engine(self.docker_host, is_ours=False)


def buildkitd_config(registry_address: str) -> str:
    """Return the text of a buildkitd.toml by which public images come from a registry.

    Args:
        registry_address: `host:port` of the registry, which speaks plain HTTP.
    """
    tables = [f'[registry."{registry_address}"]\nhttp = true\n']
    tables += [f'[registry."{host}"]\nmirrors = ["{registry_address}"]\n' for host in _MIRRORED]
    return "\n".join(tables)


def _known(settings: Settings) -> tuple[State, Engine]:
    known = state.load(settings)
    docker = engine.find(settings)
    if docker is None or f"{gitea.REVIEWER} token" not in known.secrets:
        raise PartError(
            f"testbed {settings.name}", "is not up; bring it up with: python -m testbed up"
        )
    return known, docker
