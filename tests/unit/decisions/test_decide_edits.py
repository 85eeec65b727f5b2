"""What the values say that edits would replace: of which kind they are, and of which version."""

from dataclasses import replace

import pytest

from album_operator.decisions import edits
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit, EditFormat, EditValue
from tests.fakes.builders import DIGEST, EDIT, IMAGE, RELEASE, RESOLVED, VALUES

PINNED = f"v2.0.0@{DIGEST}"
KINDS = {str(kind): kind for kind in EditValue}


def _edit(kind: str, key: str) -> Edit:
    return Edit(VALUES, key, KINDS[kind])


def _entry(kind: str) -> Edit:
    return Edit("k.yaml", "app", KINDS[kind], EditFormat.KUSTOMIZE)


@pytest.mark.parametrize(
    ("kind", "current", "newer"),
    [
        (EditValue.TAG, "v2.0.0", "v2.0.0"),
        (EditValue.TAG, PINNED, "v2.0.0"),
        (EditValue.TAG, f"v1.0.0@{DIGEST}", None),
        (EditValue.TAG, "latest", None),
        (EditValue.REFERENCE, f"{IMAGE}:v2.0.0", "v2.0.0"),
        (EditValue.REFERENCE, f"{IMAGE}:v2.0.0@{DIGEST}", "v2.0.0"),
        (EditValue.REFERENCE, f"{IMAGE}:v1.0.0", None),
        (EditValue.REFERENCE, f"{IMAGE}@{DIGEST}", None),
        (EditValue.REFERENCE, "", None),
        (EditValue.REFERENCE, "nginx:1.27.0", None),
        (EditValue.REFERENCE, f"registry.example.org:5000/app:v2.0.0@{DIGEST}", None),
        (EditValue.DIGEST, DIGEST, None),
        (EditValue.REPOSITORY, "ghcr.io/owner/other", None),
    ],
)
def test_only_a_version_of_our_own_image_can_be_newer(
    kind: EditValue, current: str, newer: str | None
) -> None:
    halt = edits.check(RELEASE, RESOLVED, {replace(EDIT, key="image", value=kind): current})

    assert (halt.superseded_by if halt is not None else None) == newer


@pytest.mark.parametrize(
    ("repository", "is_newer"),
    [
        (IMAGE, True),
        ("nginx", False),
        ("ghcr.io/owner/other", False),
        # Whose the tag is nobody says, so it counts as ours.
        ("", True),
    ],
)
def test_the_tag_of_a_placeholder_has_no_order_with_ours(repository: str, is_newer: bool) -> None:
    current = {
        _edit("Tag", "image.tag"): "v2.0.0",
        _edit("Repository", "image.repository"): repository,
        _edit("Repository", "other.repository"): "quay.io/x/y",
    }

    assert (edits.check(RELEASE, RESOLVED, current) is not None) is is_newer


@pytest.mark.parametrize("new_name", ["nginx", ""])
def test_the_tag_of_an_entry_that_gets_a_new_name_has_no_order_with_ours(new_name: str) -> None:
    current = {_entry("Tag"): "2.0.0", _entry("Repository"): new_name}

    assert edits.check(RELEASE, RESOLVED, current) is None
    assert edits.check(RELEASE, RESOLVED, {_entry("Tag"): "2.0.0"}) is not None


@pytest.mark.parametrize(
    ("edit", "current", "what", "use"),
    [
        ("Tag image", f"{IMAGE}:v1.0.0", "a whole reference", "Reference"),
        ("Tag image", "registry.example.org:5000/acme/app:v1.0.0", "a whole ref", "Reference"),
        ("Tag image", "nginx:1.27.0", "a whole reference", "Reference"),
        ("Tag image", f"nginx@{DIGEST}", "a whole reference", "Reference"),
        ("Tag image", "acme/app", "a whole reference", "Reference"),
        ("Tag app.image.tag", f"acme/app:1.0@{DIGEST}", "a whole reference", "Reference"),
        ("Tag image.repository", "ghcr.io/acme/app", "a repository", "Repository"),
        ("Tag image.tag", DIGEST, "a digest", "Digest"),
        ("Tag image.tag", f"@{DIGEST}", "a digest", "Digest"),
        ("Tag image.tag", "0" * 64, "a digest", "Digest"),
        ("Reference image.tag", "latest", "a tag", "Tag"),
        ("Reference app.version", "1.2.0", "a tag", "Tag"),
        ("Reference image.repository", "ghcr.io/acme/app", "a repository", "Repository"),
        ("Reference image.digest", DIGEST, "a digest", "Digest"),
        ("Repository image", f"{IMAGE}:v1.0.0", "a whole reference", "Reference"),
        ("Repository image", f"{IMAGE}@{DIGEST}", "a whole reference", "Reference"),
        ("Repository image.repository", "foo@sha256", None, None),
        ("Repository image", "foo@sha256", "a whole reference", "Reference"),
        ("Repository image.name", "v1.2.0", "a tag", "Tag"),
        ("Digest image.tag", "latest", "a tag", "Tag"),
        ("Digest image.pin", "v1.0.0", "a tag", "Tag"),
        ("Digest image", f"{IMAGE}:v1.0.0", "a whole reference", "Reference"),
        ("Tag image.tag", "v1.0.0", None, None),
        ("Tag image.tag", f"v1.0.0@{DIGEST}", None, None),
        ("Tag image.tag", "", None, None),
        ("Tag redis.address", "redis:6379", None, None),
        ("Tag url", "https://example.org/a:b", None, None),
        ("Tag chart.version", "1.0.0", None, None),
        ("Reference image", "nginx", None, None),
        ("Reference image", f"{IMAGE}:v1.0.0@{DIGEST}", None, None),
        ("Repository image", "ghcr.io/owner/old", None, None),
        ("Repository image.repository", "app", None, None),
        ("Digest image.digest", "to be filled in", None, None),
        ("Digest image.sha", "0" * 64, None, None),
        ("Digest image.pin", "none", None, None),
        ("Digest image.digest", "", None, None),
        ("Digest image.pin", "", None, None),
    ],
)
def test_a_part_of_an_image_is_not_put_in_the_place_of_another(
    edit: str, current: str, what: str | None, use: str | None
) -> None:
    kind, key = edit.split()
    release = replace(RELEASE, allow_downgrade=True)
    halt = edits.check(release, RESOLVED, {_edit(kind, key): current})

    assert (halt is None) is (what is None)
    if halt is not None:
        assert halt.reason is Reason.VALUES_NOT_EDITABLE
        assert f"{VALUES} holds {current} at {key}, which is {what}" in halt.sentence
        assert f"Use value: {use} in this edit of app backend" in halt.sentence
        assert edits.check(release, RESOLVED, {_edit(str(use), key): current}) is None


@pytest.mark.parametrize(
    ("kind", "current"),
    [("Tag", "nginx:1.27"), ("Tag", DIGEST), ("Repository", f"{IMAGE}:v1.0.0")],
)
def test_a_field_of_a_kustomization_that_holds_more_than_its_part_is_refused(
    kind: str, current: str
) -> None:
    halt = edits.check(RELEASE, RESOLVED, {_entry(kind): current})

    assert halt is not None
    assert f"at {_entry(kind).place}" in halt.sentence
    assert "Write it as newName, newTag and digest" in halt.sentence


@pytest.mark.parametrize("current", ["", "~", "null"])
@pytest.mark.parametrize("key", ["image.sha", "imageSha256"])
def test_how_a_chart_wants_its_digest_is_not_guessed(key: str, current: str) -> None:
    edit = _edit("Digest", key)
    halt = edits.check(RELEASE, RESOLVED, {edit: current})

    assert halt is not None
    assert halt.reason is Reason.VALUES_NOT_EDITABLE
    assert "Write any digest there once" in halt.sentence
    assert edits.check(RELEASE, RESOLVED, {edit: "0" * 64}) is None
