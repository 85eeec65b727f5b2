"""What BuildKit's Pod is like in each of the ways an admin can have it run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from album_operator.domain.builds import BuildKitMode
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import ResolvedBuild
from album_operator.render.engines import EngineSettings

ROOT = {"runAsUser": 0, "runAsGroup": 0}

# Of the user `user` of the published image moby/buildkit:…-rootless, which has the programs too.
ROOTLESS_USER = {"runAsUser": 1000, "runAsGroup": 1000}
ROOTLESS_STATE = "/home/user/.local/share/buildkit"

# Mounts are what seccomp's and AppArmor's default profiles refuse.
UNCONFINED = {
    "seccompProfile": {"type": "Unconfined"},
    "appArmorProfile": {"type": "Unconfined"},
}

# Those BuildKit gives the steps of a Dockerfile, which it must have itself, and the one to mount.
# All of them count in the Pod's own user namespace alone.
OWN_NAMESPACE_CAPABILITIES = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID"),
    *("SYS_ADMIN", "SYS_CHROOT"),
)

# Of newuidmap and newgidmap alone: what runs as another user than root has none.
MAPPING_CAPABILITIES = ("SETGID", "SETUID")

_REFUSE = """refuse() {
  printf 'refused: %s' "$1" >"$ALBUM_TERMINATION_LOG"
  exit 1
}
"""

# An API server or kubelet that does not know `hostUsers` drops it without a word, and then root
# here were the node's. Nothing of a Dockerfile has run yet.
_CHECK_USER_NAMESPACE = (
    _REFUSE
    + """read -r _ outside _ </proc/self/uid_map
[ "$outside" != 0 ] || refuse hostUsers
unshare -m -p -f --mount-proc mount --bind "$ALBUM_STATE" "$ALBUM_STATE" || refuse mounts
"""
)

# buildctl-daemonless.sh waits for a daemon that has ended long ago, longer than half a minute.
_CHECK_ROOTLESS = (
    _REFUSE
    + """for program in rootlesskit newuidmap newgidmap; do
  command -v "$program" >/dev/null || refuse image
done
rootlesskit true || refuse namespaces
rootlesskit mount --bind "$ALBUM_STATE" "$ALBUM_STATE" || refuse mounts
"""
)


@dataclass(frozen=True)
class BuildKitWay:
    """How BuildKit runs in one mode.

    Attributes:
        security: the security context of its container.
        state: the folder it keeps its layers in.
        check: shell that ends a build the node would not let run, before it begins. It leaves
            `refused: ` and a word, which `decisions/build_engine` knows.
        secret_mode: of the files of Secrets: those of the one user its container runs as.
        host_users: whether root in its Pod is root of the node.
        process_sandbox: whether each step has processes and a `/proc` of its own.
    """

    security: Mapping[str, Any]
    state: str
    check: str = ""
    secret_mode: int = 0o400
    host_users: bool = True
    process_sandbox: bool = True


def way_of(engine: EngineSettings) -> BuildKitWay:
    """Give the way an admin has BuildKit run."""
    match engine.buildkit_mode:
        case BuildKitMode.PRIVILEGED:
            return BuildKitWay({**ROOT, "privileged": engine.allow_privileged}, "/var/lib/buildkit")
        case BuildKitMode.USER_NAMESPACE:
            capabilities = {"drop": ["ALL"], "add": list(OWN_NAMESPACE_CAPABILITIES)}
            return BuildKitWay(
                {
                    **ROOT,
                    **UNCONFINED,
                    "privileged": False,
                    "procMount": "Unmasked",
                    "capabilities": capabilities,
                },
                "/var/lib/buildkit",
                _CHECK_USER_NAMESPACE,
                host_users=False,
            )
        case BuildKitMode.ROOTLESS:
            capabilities = {"drop": ["ALL"], "add": list(MAPPING_CAPABILITIES)}
            return BuildKitWay(
                {
                    **ROOTLESS_USER,
                    **UNCONFINED,
                    "privileged": False,
                    "runAsNonRoot": True,
                    "capabilities": capabilities,
                },
                ROOTLESS_STATE,
                _CHECK_ROOTLESS,
                # No fsGroup, which would change the source's folders. Nobody else is in the
                # container: the steps have file systems of their own.
                secret_mode=0o444,
                process_sandbox=False,
            )
        case _:
            assert_never(engine.buildkit_mode)


def secret_mode_of(build: ResolvedBuild, engine: EngineSettings) -> int:
    """Give the mode of the Secrets' files that the builder reads."""
    return way_of(engine).secret_mode if build.type is BuildType.BUILDKIT else 0o400


def render_host_users(build: ResolvedBuild, engine: EngineSettings) -> dict[str, bool]:
    """Render whether the Pod has a user namespace of its own; Kubernetes' default is none."""
    if build.type is not BuildType.BUILDKIT or way_of(engine).host_users:
        return {}
    return {"hostUsers": False}
