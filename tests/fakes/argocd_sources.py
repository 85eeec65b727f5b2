"""What Argo CD's repository server makes of a source, as far as a release can tell."""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.fakes.git_history import File
from tests.fakes.plain import read_yaml

Raw = dict[str, Any]

TEMPLATE = re.compile(r"{{ \.Values\.([a-z.]+) }}")


VARIABLE = re.compile(r"{{ \.([a-z]+) }}")

KINDS = frozenset({"Application", "ApplicationSet"})


def sources_of(raw: Raw) -> list[Raw]:
    """Give the sources that an Application syncs; several outweigh one, a hydrator all."""
    spec: Raw = raw["spec"]
    if "sourceHydrator" in spec:
        dry, sync = spec["sourceHydrator"]["drySource"], spec["sourceHydrator"]["syncSource"]
        target = {"path": sync["path"], "targetRevision": sync["targetBranch"]}
        return [{"repoURL": sync.get("repoURL", dry["repoURL"]), **target}]
    return list(spec.get("sources") or [spec["source"]])


def image_of(source: Raw, files: Mapping[str, File]) -> str:
    """Give the image that a kustomization or a chart renders: of a folder, or of a repository."""
    kustomization = f"{source.get('path')}/kustomization.yaml"
    manifest = f"{source.get('path')}/manifest.yaml"
    if manifest in files:
        return str(read_yaml(files[manifest].data)["image"])
    if kustomization in files:
        (image,) = _kustomized(kustomization, files)
        return f"{image['name']}:{image['newTag']}"
    helm = source.get("helm", {})
    values: Raw = {}
    if "path" in source:
        values = read_yaml(files[f"{source['path']}/values.yaml"].data)
    for name in helm.get("valueFiles", ()):
        # All sources of a test are one repository: `$ref/` is its root.
        path = posixpath.normpath(posixpath.join(f"/{source['path']}", re.sub(r"^\$\w+", "", name)))
        values["image"] |= read_yaml(files[path.lstrip("/")].data)["image"]
    values |= helm.get("valuesObject") or read_yaml(helm.get("values", "")) or {}
    for parameter in helm.get("parameters", ()):
        if parameter["name"] == "image.tag":
            values["image"]["tag"] = parameter["value"]
    image = values["image"]
    pin = f"@{image['digest']}" if "digest" in image else ""
    return f"{image['repository']}:{image['tag']}{pin}"


def _kustomized(path: str, files: Mapping[str, File]) -> list[Raw]:
    """Give the images of a kustomization, and of those below it."""
    known = read_yaml(files[path].data)
    folders = (posixpath.join(posixpath.dirname(path), name) for name in known.get("resources", ()))
    below = (posixpath.normpath(f"{folder}/kustomization.yaml") for folder in folders)
    found = [image for one in below if one in files for image in _kustomized(one, files)]
    return [*found, *known.get("images", ())]


def render_applications(source: Raw, files: Mapping[str, File]) -> list[Raw]:
    """Give the Applications among the manifests of a folder, or of the chart in it."""
    folder = f"{source.get('path')}/"
    values = (
        read_yaml(files[f"{folder}values.yaml"].data) if f"{folder}values.yaml" in files else {}
    )
    found = []
    for path in sorted(files):
        if path.startswith(folder) and path != f"{folder}values.yaml":
            text = TEMPLATE.sub(lambda name: _at(values, name[1]), files[path].data.decode())
            found += [one for one in _documents(text) if one.get("kind") in KINDS]
    return found


def applications_of(made: Raw) -> list[Raw]:
    """Give what an ApplicationSet makes of the elements of a list."""
    template = json.dumps(made["spec"]["template"])
    return [
        json.loads(_filled(template, element))
        for element in made["spec"]["generators"][0]["list"]["elements"]
    ]


def _filled(template: str, element: Raw) -> str:
    return VARIABLE.sub(lambda name: str(element[name[1]]), template)


def _documents(text: str) -> Iterator[Raw]:
    return (one for one in yaml.safe_load_all(text) if isinstance(one, dict))


def _at(values: Raw, key: str) -> str:
    node: Any = values
    for name in key.split("."):
        node = node[name]
    return str(node)
