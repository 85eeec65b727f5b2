"""The container in which kaniko's executor builds."""

from typing import Any

from album_operator.domain.build_outputs import references
from album_operator.domain.image_labels import labels_of
from album_operator.domain.images import DOCKER_HUB
from album_operator.domain.resolved import Resolved
from album_operator.render.build_cache import KANIKO_CACHE_VARIABLES, kaniko_flags
from album_operator.render.build_secrets import render_secret_mounts, secret_options
from album_operator.render.engines import (
    TERMINATION_LOG,
    WORKSPACE,
    EngineSettings,
    Mirror,
    build_args,
    context_of,
    insecure_hosts_of,
    literal,
    named,
    network_env,
    render_env,
    render_push_mounts,
)

KANIKO_DOCKER_CONFIG = "/kaniko/.docker"
KANIKO_SECRETS = "/kaniko/album-secrets"
# Go reads all files of these folders beside the one bundle it finds (crypto/x509, SSL_CERT_DIR).
KANIKO_CA = "/kaniko/album-ca"
KANIKO_CA_FOLDERS = f"/kaniko/ssl/certs:{KANIKO_CA}"

# What extracting layers and running a Dockerfile's steps as root and other users needs; all of it
# is in the Pod Security level "baseline".
KANIKO_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETFCAP", "SETGID", "SETUID")


def render_kaniko(resolved: Resolved, engine: EngineSettings) -> dict[str, Any]:
    """Render the container, without what all containers share."""
    env = network_env(resolved.build, engine, KANIKO_CA_FOLDERS)
    if resolved.build.cache is not None:
        env += render_env(KANIKO_CACHE_VARIABLES)
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
            *render_push_mounts(resolved.build, KANIKO_DOCKER_CONFIG),
            *render_secret_mounts(resolved.build.secrets, KANIKO_SECRETS),
            *engine.network.render_mounts(KANIKO_CA),
        ],
    }


def _kaniko_args(resolved: Resolved, engine: EngineSettings) -> list[str]:
    build = resolved.build
    context = context_of(build)
    args = [
        f"--context=dir://{context}",
        # A relative path is looked for in kaniko's working directory before the context.
        f"--dockerfile={context}/{build.dockerfile}",
        *(f"--destination={named(image)}" for image in references(build.image, build.tags)),
    ]
    if build.cache is not None:
        args += kaniko_flags(build.cache, named(build.cache.repository))
    args += [f"--build-arg={name}={value}" for name, value in build_args(build, engine).items()]
    args += [f"--secret={option}" for option in secret_options(build.secrets, KANIKO_SECRETS)]
    args += [f"--custom-platform={platform}" for platform in build.platforms]
    if build.target is not None:
        args.append(f"--target={build.target}")
    args += [f"--label={name}={value}" for name, value in labels_of(resolved).items()]
    args.append(f"--digest-file={TERMINATION_LOG}")
    # A registry that limits its rate (429) would end a build of half an hour; kaniko's client tries
    # 5xx again by itself. Not --image-download-retry: each image a mirror lacks would take 7 s.
    args.append("--push-retry=2")
    if build.insecure:
        args.append("--insecure")
    # Not --insecure-pull: it would allow plain HTTP to every registry, docker.io included.
    args += [f"--insecure-registry={host}" for host in insecure_hosts_of(build, engine)]
    args += [_mirror(mirror) for mirror in engine.registry_mirrors]
    return args


def _mirror(mirror: Mirror) -> str:
    """Give the flag of a mirror; kaniko has one of its own for Docker Hub's."""
    if mirror.registry == DOCKER_HUB:
        return f"--registry-mirror={mirror.place}"
    return f"--registry-map={mirror.registry}={mirror.place}"
