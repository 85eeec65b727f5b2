"""The build Job: an init container fetches the source, then an engine builds and pushes it."""

from dataclasses import replace
from typing import Any

from album_operator.domain.build_parts import ARCHITECTURE, job_of, node_of
from album_operator.domain.build_pod import PodWish
from album_operator.domain.build_source import OWN_FILES, SourceParts
from album_operator.domain.images import DOCKER_HUB, label_of, registry_of
from album_operator.domain.marks import IMAGE_LABEL
from album_operator.domain.names import BUILDER, FETCH, shorten
from album_operator.domain.quantities import amount_of
from album_operator.domain.release import Release, Resources
from album_operator.domain.resolved import Resolved, ResolvedBuild
from album_operator.render.build_pod import render_metadata, render_pod_spec
from album_operator.render.build_secrets import render_secret_volumes
from album_operator.render.builder import render_builder, render_state_volumes
from album_operator.render.buildkit_modes import render_host_users, secret_mode_of
from album_operator.render.engines import (
    SOURCE,
    TERMINATION_LOG,
    WORKSPACE,
    EngineSettings,
    render_env,
)
from album_operator.render.network import CA_KEY
from album_operator.render.resources import DISK, complete, render_resources

__all__ = ["EngineSettings", "render_job"]

GIT_SECRET = "/var/run/secrets/album/git"  # noqa: S105
"""Where `album_operator.fetch_source` finds the keys of the git credential, one file each."""

PUSH_SECRET = "/var/run/secrets/album/push"  # noqa: S105
"""Where it finds the push credential, for builders that look for it elsewhere than it stands."""

BUILDERS_CONFIG = "/var/run/album/registry"
"""Where it writes that for the builder: in memory, as Secrets are."""

FETCH_CA = "/var/run/secrets/album/ca"

RELEASE_LABEL = "album.dev/release"
"""Label of the Jobs the operator watches."""

KEEP = 86400
"""Seconds a finished Job stays, so that its log can be read for a day."""

RERUNS = 3
"""How often a build begins anew whose Pod a node lost, evicted, or could not take or start."""

NOT_STARTED = 128
"""Exit code that a runtime gives a container it could not start; what builds here has none such.

A program that the image lacks gets it too, and exit codes are all that a rule sees.
"""

FAILURE_RULES: tuple[dict[str, Any], ...] = (
    # A Pod that a drained or full node takes away says nothing about the build. Not `Ignore`: a
    # build that fills its node each time would begin anew until its deadline.
    {"action": "Count", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    # Nothing of the build has run where its container could not be started.
    {"action": "Count", "onExitCodes": {"operator": "In", "values": [NOT_STARTED]}},
    # A container that ended badly does so again. An eviction for what the Pod used beyond its own
    # limits has no condition, and its containers were killed.
    {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [0]}},
)
"""The first that fits says what becomes of the Job; where none does, the Pod counts as a rerun."""

NOBODY = 65532

TMP = "256Mi"
"""Most that lies in the fetching container's /tmp: keys, and what tells git of them."""


def render_job(
    release: Release, resolved: Resolved, attempt: int, engine: EngineSettings
) -> dict[str, Any]:
    """Render the Job of one attempt; the same arguments always give the same Job.

    Args:
        release: the release the Job belongs to; deleting it deletes the Job.
        resolved: what to build, or the part of it that this Job builds.
        attempt: counts from 1; part of the Job's name.
        engine: images and registries.

    Returns:
        A Job (`batch/v1`) as JSON-like values.

    Raises:
        TerminalError: it would build something outside of the source.
    """
    labels = {
        "app.kubernetes.io/managed-by": "album-operator",
        "album.dev/app": shorten(resolved.app),
        "album.dev/pipeline": shorten(resolved.pipeline.name),
        RELEASE_LABEL: shorten(release.ref.name),
        IMAGE_LABEL: label_of(resolved.build.image),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_of(release.ref.name, resolved, attempt),
            "namespace": release.ref.namespace,
            "labels": labels,
            "ownerReferences": [_render_owner(release)],
        },
        "spec": {
            "backoffLimit": RERUNS,
            "podFailurePolicy": {"rules": list(FAILURE_RULES)},
            "activeDeadlineSeconds": int(resolved.build.timeout.total_seconds()),
            "ttlSecondsAfterFinished": KEEP,
            "template": {
                "metadata": render_metadata(resolved.build.pod, labels),
                "spec": _render_pod(resolved, engine),
            },
        },
    }


def _render_owner(release: Release) -> dict[str, Any]:
    return {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "name": release.ref.name,
        "uid": release.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def _render_pod(resolved: Resolved, engine: EngineSettings) -> dict[str, Any]:
    build = complete(resolved.build.resources, engine.build_resources)
    secret_mode = secret_mode_of(resolved.build, engine)
    shared = {
        "imagePullPolicy": engine.image_pull_policy,
        "terminationMessagePath": TERMINATION_LOG,
        # Else only what our own programs write there: the digest, or why nothing was fetched.
        "terminationMessagePolicy": (
            "FallbackToLogsOnError" if resolved.build.failure_log else "File"
        ),
    }
    builder = {
        "name": BUILDER,
        **render_builder(resolved, engine),
        "resources": render_resources(build),
        **shared,
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        **render_pod_spec(_pod_of(resolved.build)),
        "enableServiceLinks": False,
        **render_host_users(resolved.build, engine),
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [{**_render_fetch(resolved, engine, build), **shared}],
        "containers": [builder],
        "volumes": [
            {"name": "source", "emptyDir": {"sizeLimit": build.limits[DISK]}},
            {"name": "tmp", "emptyDir": {"sizeLimit": TMP}},
            # No fsGroup: it would set the group and its set-group-ID bit on the source's folders,
            # and COPY would bring them into the image. So the file is readable for all users of
            # the one container that mounts it.
            {
                "name": "git",
                "secret": {"secretName": resolved.source.secret_name, "defaultMode": 0o444},
            },
            *_render_registry_volumes(resolved, secret_mode),
            *render_secret_volumes(resolved.build.secrets, secret_mode),
            *render_state_volumes(resolved, build.limits[DISK]),
            *engine.network.render_volumes(),
        ],
    }


def _pod_of(build: ResolvedBuild) -> PodWish:
    """Give the wish for the Pod, with the node kaniko needs: it runs the steps as they are."""
    architecture = node_of(build)
    if architecture is None:
        return build.pod
    selector = {ARCHITECTURE: architecture, **build.pod.node_selector}
    return replace(build.pod, node_selector=selector)


def _is_on_docker_hub(resolved: Resolved) -> bool:
    """Tell whether builders find the push credential under one of its registry's names alone."""
    build = resolved.build
    return bool(build.push_secret_name) and registry_of(build.image) == DOCKER_HUB


def _render_registry_volumes(resolved: Resolved, secret_mode: int) -> list[dict[str, Any]]:
    """Render the push credential: as the Secret has it, or as the init container writes it."""
    secret = {
        "secretName": resolved.build.push_secret_name,
        "defaultMode": secret_mode,
        "items": [{"key": ".dockerconfigjson", "path": "config.json"}],
    }
    if not resolved.build.push_secret_name:
        return []
    if not _is_on_docker_hub(resolved):
        return [{"name": "registry", "secret": secret}]
    return [
        {"name": "push", "secret": {**secret, "defaultMode": 0o444}},
        {"name": "registry", "emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}},
    ]


def _render_fetch(resolved: Resolved, engine: EngineSettings, build: Resources) -> dict[str, Any]:
    """Render the init container; it fills the volume that counts as the builder's disk."""
    disk = Resources(
        *(
            {name: text for name, text in part.items() if name == DISK}
            for part in (build.requests, build.limits)
        )
    )
    registry = [
        {"name": "push", "mountPath": PUSH_SECRET, "readOnly": True},
        {"name": "registry", "mountPath": BUILDERS_CONFIG},
    ]
    variables = _render_variables(resolved, engine, build)
    return {
        "name": FETCH,
        "image": engine.operator_image,
        "command": ["python", "-m", "album_operator.fetch_source"],
        "env": [*render_env(variables), *engine.network.render_env(())],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": NOBODY,
            "runAsGroup": NOBODY,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": render_resources(
            complete(complete(resolved.build.fetch_resources, disk), engine.fetch_resources)
        ),
        "volumeMounts": [
            {"name": "source", "mountPath": WORKSPACE},
            {"name": "git", "mountPath": GIT_SECRET, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            *engine.network.render_mounts(FETCH_CA),
            *(registry if _is_on_docker_hub(resolved) else ()),
        ],
    }


def _render_variables(
    resolved: Resolved, engine: EngineSettings, build: Resources
) -> dict[str, str]:
    """Render what `album_operator.fetch_source` is told."""
    source, allowed = resolved.source, ",".join(sorted(engine.allowed_hosts))
    variables = {
        "ALBUM_REPOSITORY": source.repository,
        "ALBUM_COMMIT": source.commit,
        "ALBUM_TAG": source.tag,
        "ALBUM_TARGET": SOURCE,
        "ALBUM_SOURCE_BYTES": str(int(amount_of(build.limits[DISK]))),
        "ALBUM_CONTEXT_DIR": resolved.build.context_dir,
        "ALBUM_DOCKERFILE": resolved.build.dockerfile,
        "ALBUM_INSECURE_HOSTS": ",".join(sorted(engine.insecure_hosts)),
        **_render_parts(resolved.build.source or OWN_FILES),
    }
    if allowed:
        variables["ALBUM_ALLOWED_HOSTS"] = allowed
    if engine.network.ca_configmap is not None:
        variables["ALBUM_CA_FILE"] = f"{FETCH_CA}/{CA_KEY}"
        variables["ALBUM_BUILD_CA_CONFIGMAP"] = engine.network.ca_configmap
    if _is_on_docker_hub(resolved):
        variables["ALBUM_BUILDERS_CONFIG"] = BUILDERS_CONFIG
    return {**variables, "HOME": "/tmp"}  # noqa: S108


def _render_parts(parts: SourceParts) -> dict[str, str]:
    """Render what is wanted beside the commit's own files; nothing where nothing is said."""
    switches = {
        "ALBUM_SUBMODULES": parts.submodules,
        "ALBUM_LFS": parts.lfs,
        "ALBUM_HISTORY": parts.history or None,
    }
    return {name: str(on).lower() for name, on in switches.items() if on is not None}
