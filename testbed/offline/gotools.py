"""Go programs of the testbed, built from modules and cached by version and recipe.

A tool set is a folder `go/<set>` beside this file with a `go.mod` of its own, because the
requirements of the sets conflict; `tools.go` imports the programs so that `go mod tidy` keeps them,
or `main.go` is one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed import progress
from testbed.commands import PartError, capture, locked, run
from testbed.settings import Settings, from_environment

# One toolchain for all sets: Kubernetes and Argo CD share most of their compiled packages then.
# It is fetched like a module when the Go on PATH is older.
TOOLCHAIN = "go1.27.0"
KUBERNETES = "1.37.2"
OTHER_KUBERNETES = ("1.31.13", "1.34.4")
"""Versions on which the integration tests are run on demand; the oldest is the oldest we serve."""

# Those a person types, in a folder of their own: the others would hide programs of the machine.
_FOR_SHELLS = ("kubectl", "kind", "helm")

# Of what Prometheus finds targets by: the clients of all clouds are a third of it.
_KUBERNETES_ALONE = "remove_all_sd enable_kubernetes_sd"

_SETS_FOLDER = Path(__file__).parent / "go"


@dataclass(frozen=True)
class ToolSet:
    """Programs that are built from one `go.mod`.

    Attributes:
        name: Folder below `go`.
        programs: Program name to Go import path.
        ldflags: Linker flags.
        tags: Build tags, space separated.
        cgo: Whether C code is compiled in.
        data_module: Module whose files go along with the programs, or empty.
        data: Paths inside that module, copied to `share/<set>/`.
    """

    name: str
    programs: Mapping[str, str]
    ldflags: str = "-s -w"
    tags: str = ""
    cgo: bool = False
    data_module: str = ""
    data: tuple[str, ...] = field(default=())


def _kubernetes_ldflags(version: str) -> str:
    # Without these clients cannot parse the server's version (it would be v0.0.0-master+$Format).
    major, minor, _ = version.split(".")
    flags = ["-s -w"]
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        flags.append(f"-X {package}.gitVersion=v{version}")
        flags.append(f"-X {package}.gitMajor={major} -X {package}.gitMinor={minor}")
    return " ".join(flags)


def _other_kubernetes(version: str) -> ToolSet:
    """Give the control plane of another version; its programs have that of the minor one behind."""
    minor = version.rpartition(".")[0]
    programs = _programs("k8s.io/kubernetes/cmd", "kube-apiserver", "kube-controller-manager")
    named = {f"{name}-{minor}": path for name, path in programs.items()}
    return ToolSet(f"kubernetes-{minor}", named, ldflags=_kubernetes_ldflags(version))


def _helm_ldflags() -> str:
    # Without these it renders for Kubernetes 1.20, which our chart refuses.
    major, minor, _ = KUBERNETES.split(".")
    package = "helm.sh/helm/v3/pkg/chartutil"
    return f"-s -w -X {package}.k8sVersionMajor={major} -X {package}.k8sVersionMinor={minor}"


def _programs(prefix: str, *names: str) -> dict[str, str]:
    return {name: f"{prefix}/{name}" for name in names}


# In the order in which the testbed needs them.
SETS: tuple[ToolSet, ...] = (
    ToolSet(
        "kubernetes",
        _programs(
            "k8s.io/kubernetes/cmd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kube-proxy",
            "kubectl",
            "kubeadm",
        ),
        ldflags=_kubernetes_ldflags(KUBERNETES),
    ),
    ToolSet("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    ToolSet(
        "containerd",
        _programs(
            "github.com/containerd/containerd/v2/cmd",
            "containerd",
            "containerd-shim-runc-v2",
            "ctr",
        ),
    ),
    ToolSet("runc", {"runc": "github.com/opencontainers/runc"}, tags="seccomp", cgo=True),
    ToolSet(
        "crictl",
        {"crictl": "sigs.k8s.io/cri-tools/cmd/crictl"},
        ldflags="-s -w -X sigs.k8s.io/cri-tools/pkg/version.Version=v1.36.0",
    ),
    ToolSet("coredns", {"coredns": "github.com/coredns/coredns"}),
    ToolSet(
        "kind",
        {"kind": "sigs.k8s.io/kind"},
        data_module="sigs.k8s.io/kind",
        data=("images/base/files",),
    ),
    ToolSet("helm", {"helm": "helm.sh/helm/v3/cmd/helm"}, ldflags=_helm_ldflags()),
    # Only tests of the chart use it.
    ToolSet("helm4", {"helm4": "helm.sh/helm/v4/cmd/helm"}),
    ToolSet(
        "argocd",
        {"argocd": "github.com/argoproj/argo-cd/v3/cmd"},
        data_module="github.com/argoproj/argo-cd/v3",
        data=(
            "manifests/core-install-with-hydrator.yaml",
            "entrypoint.sh",
            "hack/gpg-wrapper.sh",
            "hack/git-verify-wrapper.sh",
            "hack/git-ask-pass.sh",
        ),
    ),
    ToolSet(
        "gitea",
        {"gitea": "code.gitea.io/gitea"},
        ldflags="-s -w -X main.Version=1.26.0",
        tags="sqlite sqlite_unlock_notify",
        cgo=True,
        # The built web assets are not part of the module: the API, git over HTTP, pull requests
        # and webhooks work without them, the pages have no style.
        data_module="code.gitea.io/gitea",
        data=("templates", "options", "public"),
    ),
    # Of this version only tests use it: Debian's older one serves the testbed's images.
    ToolSet("registry", {"registry": "github.com/distribution/distribution/v3/cmd/registry"}),
    ToolSet("buildkit", _programs("github.com/moby/buildkit/cmd", "buildkitd", "buildctl")),
    ToolSet(
        "rootlesskit",
        {"rootlesskit": "github.com/rootless-containers/rootlesskit/v3/cmd/rootlesskit"},
    ),
)

ON_DEMAND: tuple[ToolSet, ...] = (
    *map(_other_kubernetes, OTHER_KUBERNETES),
    ToolSet(
        "prometheus",
        _programs("github.com/prometheus/prometheus/cmd", "prometheus", "promtool"),
        tags=_KUBERNETES_ALONE,
    ),
    # A program of our own: what it is made of is in its main.go.
    ToolSet("otelcol", {"otelcol": "."}, tags=_KUBERNETES_ALONE),
)
"""Sets that no testbed needs, so that `up` builds none of them."""

_SET_OF = {program: tools for tools in (*SETS, *ON_DEMAND) for program in tools.programs}


def ensure(programs: Iterable[str], settings: Settings | None = None) -> Path:
    """Make sure that programs are built, and return the folder that holds them.

    Args:
        programs: Names such as `kube-apiserver`, `etcd`, `kubectl`, `gitea`.
        settings: Whose cache to use; read from the environment by default.

    Returns:
        A folder with the programs as `<folder>/<name>`. The data files of a set are below
        `<folder>/share/<set>`: `share/gitea` is Gitea's `STATIC_ROOT_PATH`.

    Raises:
        PartError: A name is unknown, Go is missing or a build failed.
    """
    settings = settings or from_environment()
    names = list(programs)
    unknown = [name for name in names if name not in _SET_OF]
    if unknown:
        known = ", ".join(sorted(_SET_OF))
        raise PartError("Go tools", f"no recipe for {', '.join(unknown)}; known are {known}")
    folder = bin_folder(settings)
    for tools in (*SETS, *ON_DEMAND):
        wanted = [name for name in names if name in tools.programs]
        if wanted:
            with locked(settings.cache / "locks" / f"go-{tools.name}"):
                built = _built(tools, wanted, settings)
                for name in wanted:
                    _link(folder / name, built / name)
                    if name in _FOR_SHELLS:
                        _link(folder / "path" / name, built / name)
                if tools.data:
                    _link(folder / "share" / tools.name, built / "share" / tools.name)
    return folder


def ensure_data(set_name: str, settings: Settings) -> Path:
    """Make sure that the data files of a set are there, without building its programs.

    Args:
        set_name: A set with `data`.
        settings: Whose cache to use.

    Returns:
        The folder `share/<set>`, in which the files have the paths they have in their module.

    Raises:
        PartError: Go is missing or the module cannot be fetched.
    """
    tools = get_set(set_name)
    with locked(settings.cache / "locks" / f"go-{tools.name}"):
        return _built(tools, [], settings) / "share" / tools.name


def module_folder(module: str, settings: Settings, folder: Path) -> Path:
    """Make sure that a module is in the cache, and return its folder.

    Args:
        module: Its path, with `@version` where no `go.mod` says which.
        settings: Whose cache to use.
        folder: Where Go looks for a `go.mod`.

    Raises:
        PartError: Go is missing or the module cannot be fetched.
    """
    _require_go()
    answer = capture(
        ["go", "mod", "download", "-json", module],
        part=f"files of {module}",
        env=build_environment(settings),
        cwd=folder,
    )
    return Path(json.loads(answer)["Dir"])


def bin_folder(settings: Settings) -> Path:
    """Return the folder `ensure` fills; another recipe of any set is another folder."""
    digest = hashlib.sha256("".join(recipe_hash(tools) for tools in SETS).encode())
    return settings.cache / "bin" / digest.hexdigest()[:12]


def recipe_hash(tools: ToolSet) -> str:
    """Return a digest of all that decides what the programs of a set are."""
    digest = hashlib.sha256(f"{TOOLCHAIN} {tools!r}".encode())
    for path in sorted((_SETS_FOLDER / tools.name).iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def get_set(name: str) -> ToolSet:
    """Return the tool set of that name.

    Raises:
        KeyError: There is none.
    """
    return {tools.name: tools for tools in (*SETS, *ON_DEMAND)}[name]


def build_environment(settings: Settings) -> dict[str, str]:
    """Return the variables of every Go build: its toolchain, and caches inside ours."""
    return {
        "GOTOOLCHAIN": TOOLCHAIN,
        "GOFLAGS": "-buildvcs=false",
        "GOMODCACHE": str(settings.cache / "go" / "mod"),
        "GOCACHE": str(settings.cache / "go" / "build"),
    }


def _built(tools: ToolSet, wanted: list[str], settings: Settings) -> Path:
    folder = settings.cache / "tools" / f"{tools.name}-{recipe_hash(tools)}"
    for name in wanted:
        if not (folder / name).exists():
            _require_go()
            with progress.step(f"build {name} (Go, set {tools.name})"):
                _build(tools, name, folder, settings)
    if tools.data and not (folder / "share" / tools.name).exists():
        _copy_data(tools, folder, settings)
    return folder


def _require_go() -> None:
    if shutil.which("go") is None:
        raise PartError(
            "Go tools", "no `go` on PATH: install Go 1.21 or later, it fetches what it needs"
        )


def _build(tools: ToolSet, name: str, folder: Path, settings: Settings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed: a build that is broken off leaves nothing that looks finished.
    partial = folder / f".{name}.partial"
    argv = ["go", "build", "-mod=readonly", "-tags", tools.tags, "-ldflags", tools.ldflags]
    run(
        [*argv, "-o", partial, tools.programs[name]],
        part=f"build of {name}",
        log=settings.build_logs / f"go-{tools.name}.log",
        env={**build_environment(settings), "CGO_ENABLED": "1" if tools.cgo else "0"},
        cwd=_SETS_FOLDER / tools.name,
    )
    partial.rename(folder / name)


def _copy_data(tools: ToolSet, folder: Path, settings: Settings) -> None:
    module = module_folder(tools.data_module, settings, _SETS_FOLDER / tools.name)
    partial = folder / "share" / f".{tools.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    for relative in tools.data:
        source, target = module / relative, partial / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=_copy_writable)
        else:
            _copy_writable(str(source), str(target))
    for path in partial.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    partial.rename(folder / "share" / tools.name)


def _copy_writable(source: str, target: str) -> str:
    # The module cache is read-only and has lost the executable bits: scripts get them back.
    shutil.copyfile(source, target)
    with Path(target).open("rb") as stream:
        is_script = stream.read(2) == b"#!"
    Path(target).chmod(0o755 if is_script else 0o644)
    return target


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.resolve() == target.resolve():
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    partial = link.with_name(f".{link.name}.partial")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(link)
