"""What the values say that edits would replace: of which kind they are, and of which version."""

from dataclasses import replace

import pytest

from album_operator.decisions import edits
from album_operator.domain.reasons import Reason
from album_operator.domain.record import SupersededBy
from album_operator.domain.release import Edit, EditFormat, EditValue
from album_operator.domain.resolved import Resolved
from album_operator.domain.versions import Versioning
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

    expected = SupersededBy(newer) if newer is not None else None
    assert (halt.superseded_by if halt is not None else None) == expected


def _of(version: str, versioning: Versioning) -> Resolved:
    source = replace(RESOLVED.source, tag=f"backend-{version}", versioning=versioning)
    return replace(RESOLVED, version=version, source=source)


@pytest.mark.parametrize(
    ("versioning", "current", "ours", "said"),
    [
        ("SemVer", "2024.11.03", "2024.04.01", "newer than 2024.04.01 by SemVer; nothing was"),
        ("SemVer", "v1.2.0-rc9", "v1.2.0-rc10", "rc10 comes before rc9; only digits that stand"),
        ("SemVer", "v1.2.0", "v1.2.0-1", "what follows a - is a pre-release"),
        ("Numeric", "2024.11.03", "2024.04.01", "newer than 2024.04.01 by its numbers; nothing"),
        ("Numeric", "v738", "v737", "newer than v737 by its numbers"),
        ("Numeric", "0.8.3.1", "0.8.3", "newer than 0.8.3 by its numbers"),
    ],
)
def test_an_older_release_is_told_by_which_rule_and_how_to_go_on(
    versioning: str, current: str, ours: str, said: str
) -> None:
    resolved = _of(ours, Versioning(versioning))
    halt = edits.check(RELEASE, resolved, {EDIT: current})

    assert halt is not None
    assert halt.reason is Reason.SUPERSEDED
    assert halt.superseded_by == SupersededBy(current)
    assert said in halt.sentence
    assert halt.sentence.endswith("create a release with spec.allowDowngrade: true.")
    on_purpose = replace(RELEASE, allow_downgrade=True)
    assert edits.check(on_purpose, resolved, {EDIT: current}) is None


@pytest.mark.parametrize(
    ("versioning", "current", "ours"),
    [
        ("SemVer", "2024.04.01", "2024.11.03"),
        ("SemVer", "v1.2.0-rc.9", "v1.2.0-rc.10"),
        ("SemVer", "main-1.2", "v1.0.0"),
        ("SemVer", "3f2a1b9", "v1.0.0"),
        ("SemVer", "4829103", "v1.0.0"),
        ("SemVer", "1.27", "v1.28.0"),
        ("SemVer", "1.27-alpine", "v2.0.0-rc.1"),
        ("SemVer", "2024.11", "2024.12.1"),
        ("SemVer", "1.2.3.4", "v1.2.4"),
        ("SemVer", "737", "v1000.0.0"),
        ("Numeric", "v1.2.0-rc.1", "v737"),
        ("Numeric", "v736", "v737"),
        ("Numeric", "2024.9.30", "2024.10.01"),
        ("Numeric", "1.0", "1.0.0"),
        ("Numeric", "latest", "v737"),
        ("Numeric", "v737", "v737"),
    ],
)
def test_what_is_older_or_no_version_is_replaced(versioning: str, current: str, ours: str) -> None:
    assert edits.check(RELEASE, _of(ours, Versioning(versioning)), {EDIT: current}) is None


@pytest.mark.parametrize(
    ("versioning", "current", "ours", "other"),
    [
        ("SemVer", "2024.11", "2024.11.1", "Numeric"),
        ("SemVer", "2024.11", "2024.10.1", "Numeric"),
        ("SemVer", "1.27", "v1.1.0", "Numeric"),
        ("SemVer", "20241103", "v1.0.0", "Numeric"),
        ("SemVer", "v737", "v1.0.0", "Numeric"),
        ("SemVer", "v737", "v1.0.0-rc.1", None),
        ("SemVer", "1.27-alpine", "v1.0.0", None),
        ("SemVer", "2024.11.03a", "2024.04.01", None),
        ("Numeric", "v1.2.0-rc.1", "v1.2.0", "SemVer"),
        ("Numeric", "v737.2.0-rc.1", "v737", None),
        ("Numeric", f"2024.11-beta@{DIGEST}", "2024.11", None),
    ],
)
def test_versions_of_two_forms_have_no_order_and_that_is_said(
    versioning: str, current: str, ours: str, other: str | None
) -> None:
    resolved = _of(ours, Versioning(versioning))
    halt = edits.check(RELEASE, resolved, {EDIT: current})

    assert halt is not None
    assert halt.reason is Reason.VERSIONS_NOT_COMPARABLE
    assert f"{VALUES} holds {current} at image.tag" in halt.sentence
    assert f"has no order with {ours}" in halt.sentence
    assert (f"or set versioning: {other} for app backend" in halt.sentence) is (other is not None)
    on_purpose = replace(RELEASE, allow_downgrade=True)
    assert edits.check(on_purpose, resolved, {EDIT: current}) is None
    if other is not None:
        mended = edits.check(RELEASE, _of(ours, Versioning(other)), {EDIT: current})
        assert mended is None or mended.reason is Reason.SUPERSEDED


def test_a_version_of_another_form_and_image_has_no_order_and_needs_none() -> None:
    edit = replace(EDIT, key="image", value=EditValue.REFERENCE)

    assert edits.check(RELEASE, RESOLVED, {edit: "nginx:1.27"}) is None
    assert edits.check(RELEASE, RESOLVED, {edit: f"{IMAGE}:1.27"}) is not None


def test_a_number_may_be_the_tag_where_versions_are_numbers() -> None:
    current = {_edit("Repository", "image.name"): "2048"}

    assert edits.check(RELEASE, RESOLVED, current) is None
    halt = edits.check(RELEASE, _of("v737", Versioning.NUMERIC), current)
    assert halt is not None
    assert "which is a tag" in halt.sentence


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


@pytest.mark.parametrize(
    ("current", "version"),
    [
        ({}, None),
        ({"Tag": "v1.0.0"}, "v1.0.0"),
        ({"Tag": PINNED}, "v2.0.0"),
        ({"Tag": "latest"}, "latest"),
        ({"Tag": ""}, None),
        ({"Tag": "a" * 129}, None),
        ({"Digest": DIGEST}, None),
        ({"Digest": DIGEST, "Tag": "v1.0.0"}, "v1.0.0"),
        ({"Reference": f"{IMAGE}:v1.0.0"}, "v1.0.0"),
        ({"Reference": "nginx:1.27.0"}, None),
        ({"Repository": "nginx", "Tag": "1.27.0"}, None),
        ({"Repository": IMAGE, "Tag": "v1.0.0"}, "v1.0.0"),
    ],
)
def test_the_version_of_the_app_is_what_an_edit_of_its_own_image_tells(
    current: dict[str, str], version: str | None
) -> None:
    values = {_edit(kind, f"image.{kind.lower()}"): value for kind, value in current.items()}
    assert edits.find_version(RESOLVED, values) == version
