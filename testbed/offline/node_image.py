"""The image of the kind node, made from Debian, kind's own node files and our Go programs.

The recipe follows `images/base/Dockerfile` and `kind build node-image` of kind 0.33. Differences:
a bridge CNI from Debian's plugins (kindnetd's image is not to be had), and what a container needs
that may not set `oom_score_adj`.
"""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from testbed.commands import run, succeeds, wait_until
from testbed.engine import Engine
from testbed.offline import gotools, packages
from testbed.offline.origin import RECIPE_LABEL, Image, obtain
from testbed.offline.recipes import build, debian_digest, debian_image, import_tree, work_folder
from testbed.settings import Settings

REFERENCE = f"docker.io/kindest/node:v{gotools.KUBERNETES}"
# The node image kind 0.33.0 was released with.
PUBLISHED = "docker.io/kindest/node:v1.37.0"

_PART = "image of the kind node"
_HERE = Path(__file__).parent
_REGISTRY = "registry.k8s.io"
# Names as `kubeadm config images list` prints them, but for pause, which containerd's
# configuration in kind's node files names.
_COMPONENTS = {
    "kube-apiserver": f"{_REGISTRY}/kube-apiserver:v{gotools.KUBERNETES}",
    "kube-controller-manager": f"{_REGISTRY}/kube-controller-manager:v{gotools.KUBERNETES}",
    "kube-scheduler": f"{_REGISTRY}/kube-scheduler:v{gotools.KUBERNETES}",
    "kube-proxy": f"{_REGISTRY}/kube-proxy:v{gotools.KUBERNETES}",
    "etcd": f"{_REGISTRY}/etcd:3.7.0-0",
    "coredns": f"{_REGISTRY}/coredns/coredns:v1.14.6",
    "pause": f"{_REGISTRY}/pause:3.10",
}
_PROGRAMS = {
    "bin": ("containerd", "containerd-shim-runc-v2", "ctr", "crictl"),
    "sbin": ("runc",),
    "usrbin": ("kubelet", "kubectl", "kubeadm"),
}
_CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap", "ptp")
_CNI_FOLDER = Path("/usr/lib/cni")
_REGISTRY_HOSTS = """
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
"""


def image() -> Image:
    """Return the node image, under kind's name for it."""
    return Image(REFERENCE, _digest(), _make, pull_reference=PUBLISHED)


def is_made(engine: Engine) -> bool:
    """Say whether the engine's node image was made here, so that it brings its own CNI."""
    template = '{{index .Config.Labels "' + RECIPE_LABEL + '"}}'
    return engine.docker("image", "inspect", "--format", template, REFERENCE) == _digest()


def _digest() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes() + debian_digest().encode())
    for path in sorted(_HERE.glob("dockerfiles/*")) + sorted(_HERE.glob("node/*")):
        if path.stem in ("node", "component", "kube-proxy", "pause", "10-bridge"):
            digest.update(path.read_bytes())
    for name in ("kubernetes", "etcd", "containerd", "runc", "crictl", "coredns", "kind"):
        digest.update(gotools.recipe_hash(gotools.get_set(name)).encode())
    return digest.hexdigest()[:12]


def _make(engine: Engine, settings: Settings) -> None:
    packages.ensure((*packages.IMAGES, *packages.COMPILER), settings)
    log = settings.build_logs / "image-node.log"
    obtain(debian_image(), engine, settings)
    with work_folder(settings) as folder:
        tree = _node_tree(engine, settings, folder, log)
        archive = _component_archive(engine, settings, folder, log)
        _preload(tree, archive, settings, folder, log)
        raw = f"{REFERENCE}-raw"
        import_tree(
            engine,
            tree,
            raw,
            ['ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]', "ENV container=docker"],
            log,
        )
        # `docker import --change` knows no STOPSIGNAL.
        final = folder / "final"
        final.mkdir()
        (final / "Dockerfile").write_text(f"FROM {raw}\nSTOPSIGNAL SIGRTMIN+3\n")
        labels = {RECIPE_LABEL: _digest()}
        build(engine, final / "Dockerfile", final, REFERENCE, log=log, labels=labels)
        engine.docker("rmi", "--no-prune", raw)


def _node_tree(engine: Engine, settings: Settings, folder: Path, log: Path) -> Path:
    context = folder / "node"
    _put_kind_files(context / "root", settings)
    for target, names in _PROGRAMS.items():
        (context / target).mkdir()
        programs = gotools.ensure(names, settings)
        for name in names:
            shutil.copy(programs / name, context / target / name)
    (context / "cni").mkdir()
    for name in _CNI_PLUGINS:
        shutil.copy(_CNI_FOLDER / name, context / "cni" / name)
    tag = f"{settings.name}-node-tree"
    build(engine, _HERE / "dockerfiles" / "node.Dockerfile", context, tag, log=log)
    tree = folder / "tree"
    _export(engine, tag, tree, log)
    engine.docker("rmi", tag)
    return tree


def _put_kind_files(root: Path, settings: Settings) -> None:
    source = gotools.ensure_data("kind", settings) / "images" / "base" / "files"
    shutil.copytree(source, root)
    config = root / "etc/containerd/config.toml"
    text = config.read_text().replace(
        "restrict_oom_score_adj = false", "restrict_oom_score_adj = true"
    )
    config.write_text(text + _REGISTRY_HOSTS)
    unit = root / "etc/systemd/system/containerd.service"
    lines = unit.read_text().splitlines(keepends=True)
    unit.write_text("".join(line for line in lines if not line.startswith("OOMScoreAdjust")))
    (root / "kind/version").write_text(f"v{gotools.KUBERNETES}")
    network = root / "etc/cni/net.d"
    network.mkdir(parents=True)
    shutil.copy(_HERE / "node" / "10-bridge.conflist", network)


def _export(engine: Engine, tag: str, tree: Path, log: Path) -> None:
    container = engine.docker("create", "--network=none", tag, "true")
    archive = tree.with_name("tree.tar")
    engine.docker("export", "--output", str(archive), container)
    engine.docker("rm", "--volumes", container)
    tree.mkdir()
    run(["tar", "-C", tree, "--numeric-owner", "-xpf", archive], part=_PART, log=log)
    archive.unlink()
    # The engine leaves this marker in what it exports; systemd takes the container for Docker's
    # by the variable `container` instead.
    (tree / ".dockerenv").unlink(missing_ok=True)


def _component_archive(engine: Engine, settings: Settings, folder: Path, log: Path) -> Path:
    for name, reference in _COMPONENTS.items():
        context = folder / f"component-{name}"
        target = context / ("" if name in ("coredns", "pause") else "usr/local/bin")
        target.mkdir(parents=True)
        (context / "tmp").mkdir()
        (context / "tmp").chmod(0o1777)
        if name == "pause":
            source = _HERE / "node" / "pause.c"
            run(["gcc", "-static", "-Os", "-o", target / name, source], part=_PART, log=log)
        else:
            shutil.copy(gotools.ensure([name], settings) / name, target / name)
        recipe = (_HERE / "dockerfiles" / "component.Dockerfile").read_text()
        if name == "kube-proxy":
            recipe = (_HERE / "dockerfiles" / "kube-proxy.Dockerfile").read_text()
        elif target == context:
            recipe += f'ENTRYPOINT ["/{name}"]\n'
        dockerfile = folder / f"{name}.Dockerfile"
        dockerfile.write_text(recipe)
        build(engine, dockerfile, context, reference, log=log)
    archive = folder / "components.tar"
    engine.docker("save", "--output", str(archive), *_COMPONENTS.values())
    engine.docker("rmi", *_COMPONENTS.values())
    return archive


def _preload(tree: Path, archive: Path, settings: Settings, folder: Path, log: Path) -> None:
    """Unpack images into the node's containerd, by a containerd of the host with its root there."""
    programs = gotools.ensure(["containerd", "ctr"], settings)
    with tempfile.TemporaryDirectory(dir="/run", prefix="album-testbed-preload-") as state:
        config = folder / "containerd.toml"
        config.write_text(_preload_config(tree / "var/lib/containerd", Path(state)))
        with log.open("ab") as out:
            daemon = subprocess.Popen(
                [programs / "containerd", "--config", config], stdout=out, stderr=out
            )
        try:
            address = ["--address", f"{state}/socket", "--namespace", "k8s.io"]
            ctr: list[str | Path] = [programs / "ctr", *address]
            wait_until(
                lambda: succeeds([*ctr, "version"]),
                part=_PART,
                what="answer (containerd)",
                seconds=30,
                log=log,
            )
            options = ["--local", "--snapshotter", "overlayfs", "--discard-unpacked-layers"]
            run([*ctr, "images", "import", *options, archive], part=_PART, log=log)
            # Without a collection now, the packed layers would be in the image a second time.
            run([*ctr, "content", "prune", "references"], part=_PART, log=log)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(timeout=30)
    archive.unlink()


def _preload_config(root: Path, state: Path) -> str:
    plugins = ("grpc.v1.cri", "cri.v1.images", "cri.v1.runtime", "nri.v1.nri")
    disabled = ", ".join(f'"io.containerd.{name}"' for name in plugins)
    return (
        f'version = 3\nroot = "{root}"\nstate = "{state}/state"\n'
        f'disabled_plugins = [{disabled}]\n[grpc]\naddress = "{state}/socket"\n'
    )
