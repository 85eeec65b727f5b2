"""The container that builds: kaniko's executor, or BuildKit without a daemon of its own."""

import json
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from album_operator.domain.errors import TerminalError
from album_operator.domain.images import registry_named, registry_of
from album_operator.domain.reasons import Reason
from album_operator.domain.release import BuildType, Resources
from album_operator.domain.resolved import Resolved, ResolvedBuild
from album_operator.render import resources
from album_operator.render.build_cache import (
    BUILDKIT_CACHE_SCRIPT,
    buildkit_variables,
    kaniko_flags,
)
from album_operator.render.network import OPEN_NETWORK, JobNetwork

TERMINATION_LOG = "/dev/termination-log"

# kaniko leaves mounts out of its snapshots (GoogleContainerTools/kaniko#2021), so this must be a
# path no Dockerfile writes to; `/workspace`, for one, is a common WORKDIR.
WORKSPACE = "/album"
SOURCE = f"{WORKSPACE}/source"

KANIKO_DOCKER_CONFIG = "/kaniko/.docker"
BUILDKIT_DOCKER_CONFIG = "/var/run/secrets/album/registry"
# Go reads all files of these folders beside the one bundle it finds (crypto/x509, SSL_CERT_DIR).
KANIKO_CA = "/kaniko/album-ca"
KANIKO_CA_FOLDERS = f"/kaniko/ssl/certs:{KANIKO_CA}"
BUILDKIT_CA = "/var/run/secrets/album/ca"
BUILDKIT_CA_FOLDERS = f"/etc/ssl/certs:{BUILDKIT_CA}"
BUILDKIT_STATE = "/var/lib/buildkit"

# What extracting layers and running a Dockerfile's steps as root and other users needs; all of it
# is in the Pod Security level "baseline".
KANIKO_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETFCAP", "SETGID", "SETUID")

# Everything a user can choose comes as an argument or in the environment. buildctl renames its
# metadata file into place, so that file cannot be the termination log. It writes the file with Go's
# json.MarshalIndent by two blanks: only a key of the top level matches, and a quote in any value
# is escaped.
BUILDKIT_SCRIPT = (
    "set -eu\n"
    + BUILDKIT_CACHE_SCRIPT
    + r"""work=$(mktemp -d)
printf '%s' "$BUILDKITD_TOML" >"$work/buildkitd.toml"
export BUILDKITD_FLAGS="--config $work/buildkitd.toml"
buildctl-daemonless.sh build "$@" --metadata-file "$work/metadata.json"
digest=$(sed -n 's/^  "containerimage\.digest": "\(sha256:[0-9a-f]\{64\}\)",\{0,1\}$/\1/p' \
  "$work/metadata.json")
if [ -z "$digest" ]; then
  echo "buildctl left no digest of the pushed image in its metadata file:" >&2
  cat "$work/metadata.json" >&2
  exit 1
fi
printf '%s' "$digest" >"$ALBUM_TERMINATION_LOG"
"""
)


@dataclass(frozen=True)
class EngineSettings:
    """What an admin says of build Jobs; settings of the operator, not of a pipeline.

    Attributes:
        operator_image: the operator's own image, which fetches the source.
        registry_mirrors: `host[:port]` of registries asked before docker.io, in this order.
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        image_pull_policy: of all containers of the Job.
        allow_privileged: whether a builder that needs it gets a privileged container.
        build_resources: of the container that builds, where a pipeline says nothing; its limits
            name `ephemeral-storage`.
        fetch_resources: of the container that fetches the source, without `ephemeral-storage`.
        network: how all of them reach servers.
    """

    operator_image: str
    kaniko_image: str
    buildkit_image: str
    registry_mirrors: tuple[str, ...] = ()
    insecure_hosts: frozenset[str] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()
    image_pull_policy: str = "IfNotPresent"
    allow_privileged: bool = False
    build_resources: Resources = resources.BUILD
    fetch_resources: Resources = resources.FETCH
    network: JobNetwork = OPEN_NETWORK


def literal(text: str) -> str:
    """Escape a command, argument or variable so that the kubelet hands it over as it is.

    The kubelet replaces `$(NAME)` in them and reads `$$` as one `$` (Kubernetes API reference,
    Container v1 core, `args`).
    """
    return text.replace("$", "$$")


def render_env(variables: Mapping[str, str]) -> list[dict[str, str]]:
    """Render environment variables with literal values."""
    return [{"name": name, "value": literal(value)} for name, value in variables.items()]


def render_builder(resolved: Resolved, engine: EngineSettings) -> dict[str, Any]:
    """Render the container that builds and pushes, without what all containers share.

    Raises:
        TerminalError: it would build something outside of the source.
    """
    check_context(resolved.build)
    if resolved.build.type is BuildType.KANIKO:
        return _render_kaniko(resolved, engine)
    return _render_buildkit(resolved, engine)


def render_state_volumes(resolved: Resolved, size: str) -> list[dict[str, Any]]:
    """Render the volumes only the engine itself needs, each of this size at most."""
    if resolved.build.type is BuildType.KANIKO:
        return []
    # An overlay cannot lie on the container's own overlay; on an emptyDir it can.
    return [{"name": "buildkit", "emptyDir": {"sizeLimit": size}}]


def _render_kaniko(resolved: Resolved, engine: EngineSettings) -> dict[str, Any]:
    env = _network_env(resolved.build, engine, KANIKO_CA_FOLDERS)
    return {
        "image": engine.kaniko_image,
        "args": [literal(arg) for arg in _kaniko_args(resolved, engine)],
        **({"env": env} if env else {}),
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": list(KANIKO_CAPABILITIES)},
        },
        "volumeMounts": [
            {"name": "source", "mountPath": WORKSPACE},
            {"name": "registry", "mountPath": KANIKO_DOCKER_CONFIG, "readOnly": True},
            *engine.network.render_mounts(KANIKO_CA),
        ],
    }


def _kaniko_args(resolved: Resolved, engine: EngineSettings) -> list[str]:
    build = resolved.build
    context = _context(build)
    args = [
        f"--context=dir://{context}",
        # A relative path is looked for in kaniko's working directory before the context.
        f"--dockerfile={context}/{build.dockerfile}",
        f"--destination={_named(build.image)}",
    ]
    if build.cache is not None:
        args += kaniko_flags(build.cache, _named(build.cache.repository))
    args += [f"--build-arg={name}={value}" for name, value in _build_args(build, engine).items()]
    if build.target is not None:
        args.append(f"--target={build.target}")
    args += [f"--label={name}={value}" for name, value in _labels(resolved).items()]
    args.append(f"--digest-file={TERMINATION_LOG}")
    # A registry that limits its rate (429) would end a build of half an hour; kaniko's client tries
    # 5xx again by itself. Not --image-download-retry: each image a mirror lacks would take 7 s.
    args.append("--push-retry=2")
    if build.insecure:
        args.append("--insecure")
    # Not --insecure-pull: it would allow plain HTTP to every registry, docker.io included.
    args += [f"--insecure-registry={host}" for host in _insecure_hosts(build, engine)]
    args += [f"--registry-mirror={mirror}" for mirror in engine.registry_mirrors]
    return args


def _render_buildkit(resolved: Resolved, engine: EngineSettings) -> dict[str, Any]:
    command = ["sh", "-c", BUILDKIT_SCRIPT, "album-build"]
    cache, variables = resolved.build.cache, dict[str, str]()
    if cache is not None:
        variables = dict(buildkit_variables(cache, _named(cache.repository)))
    return {
        "image": engine.buildkit_image,
        "command": [literal(word) for word in command],
        "args": [literal(arg) for arg in _buildkit_args(resolved, engine)],
        "env": [
            *render_env(
                {
                    "BUILDKITD_TOML": render_buildkitd_toml(resolved.build, engine),
                    # The default of 10 gives up after 3 s, too short for a busy node; 60 is 43 s.
                    "BUILDCTL_CONNECT_RETRIES_MAX": "60",
                    "DOCKER_CONFIG": BUILDKIT_DOCKER_CONFIG,
                    "ALBUM_TERMINATION_LOG": TERMINATION_LOG,
                    **variables,
                }
            ),
            *_network_env(resolved.build, engine, BUILDKIT_CA_FOLDERS),
        ],
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "privileged": engine.allow_privileged,
        },
        "volumeMounts": [
            {"name": "source", "mountPath": WORKSPACE},
            {"name": "registry", "mountPath": BUILDKIT_DOCKER_CONFIG, "readOnly": True},
            *engine.network.render_mounts(BUILDKIT_CA),
            {"name": "buildkit", "mountPath": BUILDKIT_STATE},
        ],
    }


def _buildkit_args(resolved: Resolved, engine: EngineSettings) -> list[str]:
    build = resolved.build
    context = _context(build)
    directory, filename = posixpath.split(f"{context}/{build.dockerfile}")
    options = [f"filename={filename}"]
    options += [f"build-arg:{name}={value}" for name, value in _build_args(build, engine).items()]
    if build.target is not None:
        options.append(f"target={build.target}")
    options += [f"label:{name}={value}" for name, value in _labels(resolved).items()]
    output = ["type=image", f"name={_named(build.image)}", "push=true"]
    if build.insecure:
        output.append("registry.insecure=true")
    args = ["--frontend", "dockerfile.v0"]
    args += ["--local", f"context={context}", "--local", f"dockerfile={directory}"]
    for option in options:
        args += ["--opt", option]
    return [*args, "--output", _csv(output), "--progress", "plain"]


def render_buildkitd_toml(build: ResolvedBuild, engine: EngineSettings) -> str:
    """Render buildkitd's configuration: mirrors of docker.io and hosts with plain HTTP."""
    registries: dict[str, list[str]] = {}
    if engine.registry_mirrors:
        mirrors = ", ".join(_toml(mirror) for mirror in engine.registry_mirrors)
        registries["docker.io"] = [f"mirrors = [{mirrors}]"]
    for host in _insecure_hosts(build, engine):
        registries.setdefault(host, []).append("http = true")
    return "\n".join(
        "\n".join([f"[registry.{_toml(host)}]", *lines, ""]) for host, lines in registries.items()
    )


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


def _context(build: ResolvedBuild) -> str:
    return posixpath.normpath(f"{SOURCE}/{build.context_dir}")


def _labels(resolved: Resolved) -> dict[str, str]:
    """Give the image's labels (OCI image specification, annotations)."""
    return {
        "org.opencontainers.image.revision": resolved.source.commit,
        "org.opencontainers.image.source": resolved.source.repository,
        "org.opencontainers.image.version": resolved.version,
    }


def _build_args(build: ResolvedBuild, engine: EngineSettings) -> dict[str, str]:
    """Give the build arguments: the pipeline's, and those of the proxy it does not give itself."""
    own = {arg.name: arg.value for arg in build.args}
    return {**engine.network.step_variables(_insecure_hosts(build, engine)), **own}


def _network_env(
    build: ResolvedBuild, engine: EngineSettings, ca_folders: str
) -> list[dict[str, Any]]:
    """Render what the engine itself goes to registries with."""
    network = engine.network
    trust = {"SSL_CERT_DIR": ca_folders} if network.ca_configmap is not None else {}
    return [*render_env(trust), *network.render_env(_insecure_hosts(build, engine))]


def _named(image: str) -> str:
    """Give an image as builders are told it.

    kaniko takes `registry-1.docker.io` for a registry of its own, with a credential of its own.
    """
    host, slash, path = image.partition("/")
    return f"{registry_named(host)}{slash}{path}"


def _insecure_hosts(build: ResolvedBuild, engine: EngineSettings) -> list[str]:
    own = {registry_of(build.image)} if build.insecure else set()
    return sorted(engine.insecure_hosts | own)


def _toml(text: str) -> str:
    """Write a TOML basic string; JSON's, without the pairs of surrogates TOML does not know."""
    return json.dumps(text, ensure_ascii=False)


def _csv(fields: Iterable[str]) -> str:
    """Write one record of comma-separated values (RFC 4180), as buildctl reads `--output`."""
    return ",".join(
        '"' + field.replace('"', '""') + '"' if set(field) & set(',"\r\n') else field
        for field in fields
    )
