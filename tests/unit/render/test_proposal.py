"""The change a release proposes: which files its edits change, and the commit of them."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from album_operator.domain.release import Edit, EditValue, Release
from album_operator.domain.resolved import Resolved
from album_operator.render import proposal

DIGEST = "sha256:" + "ab" * 32
VALUES, OTHER = "backend/values.yaml", "prod/values.yaml"
FILES = {
    VALUES: b'image:\n  tag: "v1.0.0"\n  digest: "sha256:old"\n',
    OTHER: b"image: registry.example.org/owner/x:v1.0.0\nrepository: registry.example.org/x\n",
}

EDITS = (
    Edit(VALUES, "image.tag"),
    Edit(VALUES, "image.digest", EditValue.DIGEST),
    Edit(OTHER, "image", EditValue.REFERENCE),
    Edit(OTHER, "repository", EditValue.REPOSITORY),
)


def edited_files(
    resolved: Resolved, files: Mapping[str, bytes], digest: str
) -> Mapping[str, bytes]:
    return proposal.edit(proposal.wanted_values(resolved, digest), files).files


@pytest.fixture
def wide(resolved: Resolved) -> Resolved:
    """Give a release of edits of each kind in two files."""
    return replace(resolved, config=replace(resolved.config, edits=EDITS))


def test_each_file_is_named_once_and_each_value_read() -> None:
    assert proposal.edited_paths(EDITS) == [VALUES, OTHER]
    current = proposal.edit(dict.fromkeys(EDITS, "v9"), FILES).current
    assert [current[edit] for edit in EDITS[:2]] == ["v1.0.0", "sha256:old"]


def test_each_edit_writes_its_part_of_the_image(wide: Resolved) -> None:
    edited = edited_files(wide, FILES, DIGEST)
    assert edited[VALUES] == f'image:\n  tag: "v1.1.0"\n  digest: "{DIGEST}"\n'.encode()
    image = "registry.example.org/owner/album-app-backend"
    assert edited[OTHER] == f'image: "{image}:v1.1.0"\nrepository: "{image}"\n'.encode()


def test_a_tag_and_a_reference_that_are_pinned_are_pinned_to_the_new_image(wide: Resolved) -> None:
    old = f"sha256:{'0' * 64}"
    files = {
        VALUES: f"image:\n  tag: v1.0.0@{old}\n".encode(),
        OTHER: f"image: x/y@{old}\nrepository: x/y\n".encode(),
    }
    edits = (EDITS[0], EDITS[2])
    pinning = replace(wide, config=replace(wide.config, edits=edits))

    edited = edited_files(pinning, files, DIGEST)

    image = "registry.example.org/owner/album-app-backend"
    assert edited[VALUES] == f'image:\n  tag: "v1.1.0@{DIGEST}"\n'.encode()
    assert edited[OTHER] == f'image: "{image}:v1.1.0@{DIGEST}"\nrepository: x/y\n'.encode()


def test_a_file_that_holds_all_of_it_already_is_not_changed(wide: Resolved) -> None:
    once = {**FILES, **edited_files(wide, FILES, DIGEST)}
    assert edited_files(wide, once, DIGEST) == {}


def test_the_commit_is_the_same_each_time(release: Release, resolved: Resolved) -> None:
    made = proposal.change(release, resolved, DIGEST, "1" * 40, FILES)
    assert made == proposal.change(release, resolved, DIGEST, "1" * 40, FILES)
    assert (made.base_commit, made.branch, made.date) == (
        "1" * 40,
        resolved.config.branch,
        release.created_at,
    )
    assert not made.extends_branch
    assert replace(made, expected="1" * 40).extends_branch
