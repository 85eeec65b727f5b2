"""What the image leaves out is not needed, and its labels are those of this version."""

import re
import subprocess
import sys
import tomllib

import yaml

from album_cli import VERSION
from album_operator import VERSION as OPERATOR_VERSION
from distribution.lock import ROOT

DOCKERFILE = (ROOT / "operator/Dockerfile").read_text("utf-8")

IMPORTS = """
import importlib, pkgutil, sys

class Missing:
    def find_spec(self, name, path, target=None):
        if name.startswith(tuple(sys.argv[1:])):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import album_operator, kubernetes.aio.leaderelection, kopf
for found in pkgutil.walk_packages(album_operator.__path__, "album_operator."):
    if not found.name.endswith("fetch_source.__main__"):
        importlib.import_module(found.name)
print("album_operator.adapters.cluster.cluster" in sys.modules)
"""


def test_the_operator_starts_without_what_the_image_leaves_out_of_the_client() -> None:
    left_out = re.findall(r"site-packages/(kubernetes/client/\w+)", DOCKERFILE)
    assert left_out == ["kubernetes/client/api", "kubernetes/client/models"]
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTS, *(f"{path.replace('/', '.')}." for path in left_out)],
        env={"PYTHONPATH": str(ROOT / "operator")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("True\n", "")


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    manifests = [
        (ROOT / f"manifests/{name}.yaml").read_text("utf-8")
        for name in ("base/deployment", "overlays/default/kustomization")
    ]
    chart = yaml.safe_load((ROOT / "charts/album-release-operator/Chart.yaml").read_text("utf-8"))
    written = re.findall(r"(?:album-operator:|newTag: )([\w.-]+)", "\n".join(manifests))
    assert {chart["version"], chart["appVersion"], OPERATOR_VERSION} == {VERSION}
    assert {project["version"], *re.findall("^ARG VERSION=(.+)$", DOCKERFILE, re.M), *written} == {
        VERSION
    }


def test_the_image_says_what_it_is_in_the_words_of_oci() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.([a-z]+)="([^"]*)"', DOCKERFILE))
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == "${VERSION}"
    assert labels["revision"] == "${REVISION}"
    assert {"title", "description"} <= labels.keys()
