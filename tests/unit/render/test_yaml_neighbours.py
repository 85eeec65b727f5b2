"""What outweighs an edit from beside it is refused, with an edit that does; pins stay pins."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit, EditFormat, EditValue
from album_operator.render.values import NotEditableError, edit_values, read_values

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
IMAGE = "ghcr.io/owner/app"
VALUES = {
    EditValue.TAG: f"v2@{NEW}",
    EditValue.DIGEST: NEW,
    EditValue.REFERENCE: f"{IMAGE}:v2@{NEW}",
    EditValue.REPOSITORY: IMAGE,
}


def edits_of(*texts: str) -> Mapping[Edit, str]:
    """Read edits such as `Tag image.tag`; those of an entry begin with `Kustomize`."""
    edits = {}
    for text in texts:
        *head, kind, key = text.split()
        edit = Edit("v.yaml", key, EditValue(kind))
        if "Kustomize" in head:
            edit = replace(edit, format=EditFormat.KUSTOMIZE)
        edits[replace(edit, create="Create" in head)] = VALUES[edit.value]
    return edits


def edited(data: str, *texts: str) -> str:
    return edit_values(data.encode(), edits_of(*texts)).decode()


def refusal(data: str, *texts: str) -> str:
    with pytest.raises(NotEditableError) as caught:
        edited(data, *texts)
    with pytest.raises(NotEditableError):
        read_values(data.encode(), edits_of(*texts))
    assert caught.value.reason is Reason.VALUES_NOT_EDITABLE
    return caught.value.sentence


@pytest.mark.parametrize(
    ("data", "edit", "beside"),
    [
        ("image: {tag: v1, digest: '%s'}", "Tag image.tag", "image.digest"),
        ("image: {tag: v1, sha: %s}", "Tag image.tag", "image.sha"),
        ("image: {tag: v1, sha256: %s}", "Tag image.tag", "image.sha256"),
        ("image: {tag: v1, imageDigest: '%s'}", "Tag image.tag", "image.imageDigest"),
        ("image: {tag: v1}\nimageDigest: '%s'", "Tag image.tag", "imageDigest"),
        ("web: {image: {tag: v1}, digest: '%s'}", "Tag web.image.tag", "web.digest"),
        ("web: {image: {tag: v1}, webImageSha: %s}", "Tag web.image.tag", "web.webImageSha"),
        ("imageTag: v1\nimageDigest: '%s'", "Tag imageTag", "imageDigest"),
        ("image_tag: v1\nimage_digest: '%s'", "Tag image_tag", "image_digest"),
        ("webTag: v1\nwebDigest: '%s'", "Tag webTag", "webDigest"),
        ("imageTag: v1\nimage: {name: app, digest: '%s'}", "Tag imageTag", "image.digest"),
        ("image: {repository: x, digest: '%s'}", "Repository image.repository", "image.digest"),
        ("image: {name: 'x:v1', digest: '%s'}", "Reference image.name", "image.digest"),
        ("image: {digest: '%s'}", "Create Tag image.tag", "image.digest"),
        ("imageDigest: '%s'\nimage:\n  name: x", "Create Tag image.tag", "imageDigest"),
    ],
)
def test_a_digest_outweighs_the_tag_beside_it_whatever_its_key_is_called(
    data: str, edit: str, beside: str
) -> None:
    data = data.replace("%s", OLD) + "\n"
    message = refusal(data, edit)

    assert f"{beside} has the value {OLD} there" in message
    assert f"Remove it, or add an edit of {beside} with value: Digest" in message
    after = edited(data, edit, f"Digest {beside}")
    assert OLD not in after
    assert after.count(NEW) == 1
    assert "v2" in edited(data.replace(OLD, ""), edit) or "Repository" in edit


@pytest.mark.parametrize(
    "data",
    [
        "image: {tag: v1, digest: ''}",
        "image: {tag: v1, digest: }",
        "image: {tag: v1, digest: ~, sha: null, imageSha: false}",
        "image: {tag: v1, pullPolicy: Always}\nchartDigest: 'sha256:0'",
        "image: {tag: v1, sharedImage: x, configDigest: 'sha256:0'}",
        "image: {tag: v1}\nsidecar: {tag: v0, digest: 'sha256:0'}",
        "image: {tag: v1}\nother: {image: {digest: 'sha256:0'}}",
        "image: {tag: v1}\nlist: [{digest: 'sha256:0'}]",
        "image: {tag: v1, sidecar: {digest: 'sha256:0', more: {}}}",
    ],
)
def test_what_is_no_digest_of_the_image_outweighs_nothing(data: str) -> None:
    assert edited(f"{data}\n", "Tag image.tag") == f"{data}\n".replace("v1", '"v2"')


def test_of_two_images_side_by_side_each_has_its_own_digest() -> None:
    data = f"webTag: v1\napiTag: v1\napiDigest: {OLD}\n"
    assert edited(data, "Tag webTag") == data.replace("webTag: v1", 'webTag: "v2"')
    assert "apiDigest has the value" in refusal(data, "Tag apiTag")


def test_a_policy_may_be_set_beside_a_digest() -> None:
    data = f"image: {{pullPolicy: x, digest: '{OLD}'}}\n"
    assert edited(data, "Tag image.pullPolicy") == data.replace(" x,", ' "v2",')


@pytest.mark.parametrize(
    ("data", "beside"),
    [
        (f"image: {{tag: v1, override: '{IMAGE}:v1'}}", "image.override"),
        (f"image: {{tag: v1, repository: '{IMAGE}@{OLD}'}}", "image.repository"),
        (f"image: {{tag: v1, repository: '{IMAGE}@sha256'}}", "image.repository"),
        (f"image: {{tag: v1, fullImageName: '{IMAGE}:v1'}}", "image.fullImageName"),
    ],
)
def test_a_whole_reference_outweighs_the_tag_beside_it(data: str, beside: str) -> None:
    message = refusal(f"{data}\n", "Tag image.tag")

    assert f"{beside} has the value {IMAGE}" in message
    assert f"add an edit of {beside} with value: Reference" in message
    assert f"{IMAGE}:v2" in edited(f"{data}\n", "Tag image.tag", f"Reference {beside}")


def test_the_image_of_a_custom_resource_outweighs_its_version() -> None:
    data = f"spec: {{version: v1, image: '{IMAGE}:v1'}}\n"
    assert "spec.image has the value" in refusal(data, "Tag spec.version")
    assert edited(data, "Reference spec.image") == data.replace(f"{IMAGE}:v1", f"{IMAGE}:v2")
    labels = f"labels: {{name: x, tier: v1}}\nspec: {{image: '{IMAGE}:v1'}}\n"
    assert edited(labels, "Tag labels.tier") == labels.replace("tier: v1", 'tier: "v2"')


@pytest.mark.parametrize(
    ("data", "edit", "after"),
    [
        (f"tag: 'v1@{OLD}'", "Tag tag", f"tag: 'v2@{NEW}'"),
        (f"tag: v1@{OLD} # x", "Tag tag", f'tag: "v2@{NEW}" # x'),
        (f"image: {IMAGE}:v1@{OLD}", "Reference image", f'image: "{IMAGE}:v2@{NEW}"'),
        (f"image: {IMAGE}@{OLD}", "Reference image", f'image: "{IMAGE}:v2@{NEW}"'),
        (f"image: {IMAGE}:v1", "Reference image", f'image: "{IMAGE}:v2"'),
        (f"sha: {OLD.split(':')[1]}", "Digest sha", f'sha: "{NEW.split(":")[1]}"'),
        (f"pin: '@{OLD}'", "Digest pin", f"pin: '@{NEW}'"),
        ("tag: v1", "Tag tag", 'tag: "v2"'),
        ("a: 1", "Create Tag tag", 'a: 1\ntag: "v2"'),
        ("a: 1", "Create Digest digest", f'a: 1\ndigest: "{NEW}"'),
    ],
)
def test_what_is_pinned_stays_pinned_and_to_the_new_image(data: str, edit: str, after: str) -> None:
    assert edited(f"{data}\n", edit) == f"{after}\n"
    assert edited(f"{after}\n", edit) == f"{after}\n"


def test_a_pin_is_not_dropped_where_no_digest_is_known() -> None:
    data = f"tag: v1@{OLD}\n"
    with pytest.raises(NotEditableError, match="is pinned to a digest") as caught:
        edit_values(data.encode(), {Edit("v.yaml", "tag"): "v2"})
    assert "Take the pin out of it" in caught.value.sentence
    unpinned = data.replace(f"@{OLD}", "").encode()
    assert edit_values(unpinned, {Edit("v.yaml", "tag"): "v2"}) == b'tag: "v2"\n'


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (f"image: {{tag: 'v1@{OLD}', digest: ''}}", "Digest image.digest"),
        (f"image: {{tag: 'v1@{OLD}'}}", "Create Digest image.digest"),
        (f"image: {{tag: 'v1@{OLD}'}}\nimageDigest: ''", "Digest imageDigest"),
    ],
)
def test_a_pin_in_the_tag_gives_way_to_the_digest_beside_it(data: str, digest: str) -> None:
    message = refusal(f"{data}\n", digest)

    assert f"image.tag has the value v1@{OLD} there" in message
    assert "Take the digest out of it, or add an edit of image.tag with value: Tag" in message
    after = edited(f"{data}\n", digest, "Tag image.tag")
    assert "tag: 'v2'" in after
    assert after.count(NEW) == 1
    assert OLD not in after
    assert edited(f"{data}\n".replace(f"@{OLD}", ""), digest).count(NEW) == 1


def test_a_pin_in_a_reference_gives_way_to_the_digest_beside_it() -> None:
    data = f"image: {{name: '{IMAGE}:v1@{OLD}', digest: ''}}\n"
    assert "add an edit of image.name with value: Reference" in refusal(data, "Digest image.digest")
    after = edited(data, "Digest image.digest", "Reference image.name")
    assert after == f"image: {{name: '{IMAGE}:v2', digest: '{NEW}'}}\n"


def test_a_pin_of_a_flat_tag_gives_way_to_the_digest_in_the_mapping_beside_it() -> None:
    data = f"imageTag: 'v1@{OLD}'\nimage: {{name: app, digest: ''}}\n"
    after = edited(data, "Tag imageTag", "Digest image.digest")
    assert after == f"imageTag: 'v2'\nimage: {{name: app, digest: '{NEW}'}}\n"


@pytest.mark.parametrize("kind", ["Tag", "Repository"])
def test_the_digest_of_an_entry_outweighs_its_tag_and_its_name(kind: str) -> None:
    data = f"images:\n- name: app\n  newTag: v1\n  newName: x\n  digest: {OLD}\n"
    message = refusal(data, f"Kustomize {kind} app")

    assert f"digest of image app has the value {OLD} there" in message
    assert "Remove it, or add an edit of this entry with value: Digest" in message
    assert OLD not in edited(data, f"Kustomize {kind} app", "Kustomize Digest app")


def test_a_pin_in_the_tag_of_an_entry_gives_way_to_its_digest() -> None:
    data = f"images:\n- name: app\n  newTag: v1@{OLD}\n"
    message = refusal(data, "Kustomize Create Digest app")

    assert f"newTag of image app has the value v1@{OLD} there" in message
    assert "add an edit of this entry with value: Tag" in message
    both = edited(data, "Kustomize Create Digest app", "Kustomize Tag app")
    assert both == f'images:\n- name: app\n  newTag: "v2"\n  digest: "{NEW}"\n'
    alone = edited(data, "Kustomize Tag app")
    assert alone == f'images:\n- name: app\n  newTag: "v2@{NEW}"\n'


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize(
    ("data", "literal"),
    [
        ("image.attributes.tag: v1", "image.attributes.tag"),
        ("image.attributes: {tag: v1}", "image.attributes"),
        ("image: {attributes.tag: v1}", "attributes.tag"),
        ("image: {name: x}\nimage.attributes.tag: v1", "image.attributes.tag"),
        ("'image.attributes.tag': v1", "image.attributes.tag"),
    ],
)
def test_a_key_with_dots_in_it_is_not_doubled_by_several_keys(
    data: str, literal: str, create: bool
) -> None:
    edit = f"{'Create ' if create else ''}Tag image.attributes.tag"
    message = refusal(f"{data}\n", edit)

    assert f"the key {literal} is there as one name with dots in it" in message
    assert edited("image: {attributes: {tag: v1}}\n", edit) == (
        'image: {attributes: {tag: "v2"}}\n'
    )
