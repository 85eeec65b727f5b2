"""What our edits make of a kustomization, rendered by kustomize itself (that in kubectl)."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from album_operator.domain.release import Edit, EditFormat, EditValue
from album_operator.render.proposal import wanted_values
from album_operator.render.values import NotEditableError, edit_values
from testbed.commands import capture
from tests.fakes.builders import DIGEST, IMAGE, RESOLVED

HEAD = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [pod.yaml]\n"
OLD = f"sha256:{'0' * 64}"

FILES = {
    "plain": "images:\n- name: shop\n  newTag: v1.0.0\n",
    "quoted": "images:\n  - newTag: '1.10' # pinned\n    name: \"shop\"\n",
    "flow": "images: [{name: redis, newTag: '7'}, {name: shop, newTag: v1.0.0}]\n",
    "renamed": f"images:\n- name: shop\n  newName: {IMAGE}\n  newTag: v1.0.0\n",
    "digest": f"images:\n- digest: {OLD}\n  name: shop\n",
    "pinned": f"images:\n- name: shop\n  newTag: v1.0.0@{OLD}\n",
    "bare": "images:\n- name: redis\n  newTag: '7'\n- name: shop\n\n# the end\nnamespace: a\n",
    "missing": "namespace: a\n",
}
TAGS = {"plain": "v1.0.0", "quoted": "1.10", "flow": "v1.0.0", "renamed": "v1.0.0"}
WAYS = {
    "tag": (EditValue.TAG,),
    "digest": (EditValue.DIGEST,),
    "both": (EditValue.TAG, EditValue.DIGEST),
    "moved": (EditValue.REPOSITORY, EditValue.TAG),
    "all": (EditValue.REPOSITORY, EditValue.TAG, EditValue.DIGEST),
}
REFUSED = {("digest", "tag"), ("digest", "moved"), ("pinned", "digest")}
"""A digest beside the tag outweighs it, and a pinned tag a digest: there both are edited."""


def _edit(text: str, way: str) -> str:
    edits = tuple(
        Edit("kustomization.yaml", "shop", value, EditFormat.KUSTOMIZE, create=True)
        for value in WAYS[way]
    )
    resolved = replace(RESOLVED, config=replace(RESOLVED.config, edits=edits))
    return edit_values(text.encode(), wanted_values(resolved, DIGEST)).decode()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", FILES)
def test_kustomize_renders_the_image_that_an_edit_wants(
    kubectl: Path, tmp_path: Path, kind: str, way: str
) -> None:
    if (kind, way) in REFUSED:
        with pytest.raises(NotEditableError):
            _edit(FILES[kind], way)
        return
    pod = {"containers": [{"name": "app", "image": "shop:v0.1.0"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"}, "spec": pod}
    (tmp_path / "pod.yaml").write_text(json.dumps(body))
    (tmp_path / "kustomization.yaml").write_text(HEAD + _edit(FILES[kind], way))

    rendered = yaml.safe_load(capture([kubectl, "kustomize", tmp_path], part="kustomize"))

    (container,) = rendered["spec"]["containers"]
    is_moved = EditValue.REPOSITORY in WAYS[way] or kind == "renamed"
    tag = "v1.1.0" if EditValue.TAG in WAYS[way] else TAGS.get(kind)
    is_pinned = EditValue.DIGEST in WAYS[way] or kind == "pinned"
    assert container["image"] == (
        (IMAGE if is_moved else "shop")
        + (f":{tag}" if tag is not None else "")
        + (f"@{DIGEST}" if is_pinned else "")
    )
