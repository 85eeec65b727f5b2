"""The values edits would replace: whether they are of the kind the edits say, and not newer."""

from collections.abc import Mapping
from typing import assert_never

from album_operator.domain.images import (
    is_digest,
    is_reference,
    is_same_image,
    split_pin,
    words_of,
)
from album_operator.domain.misses import join
from album_operator.domain.names import image_tag
from album_operator.domain.reasons import Reason
from album_operator.domain.record import SupersededBy
from album_operator.domain.release import Edit, EditFormat, EditValue, Release
from album_operator.domain.remedy import THEN_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt
from album_operator.domain.versions import (
    EXAMPLES,
    IMAGE_TAG_LENGTH,
    LOOKS_LIKE_VERSION,
    Versioning,
    forms_of,
    is_below,
    is_newer,
    is_version,
    rule_between,
)

IMAGE_WORDS = frozenset({"image", "img"})
REPOSITORY_WORDS = frozenset({"repository", "repo"})
TAG_WORDS = frozenset({"tag", "version"})
NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
"""What reads as null, and the empty text: no chart takes either for a value."""

DIGEST_WORDS = frozenset({"digest", "sha", "sha256"})

ORDERS = {Versioning.SEMVER: "by SemVer", Versioning.NUMERIC: "by its numbers"}

KINDS = {
    EditValue.TAG: "a tag",
    EditValue.DIGEST: "a digest",
    EditValue.REFERENCE: "a whole reference",
    EditValue.REPOSITORY: "a repository",
}


def check(release: Release, resolved: Resolved, current: Mapping[Edit, str]) -> Halt | None:
    """Refuse to replace what is of another kind, and end a release that is older.

    Args:
        release: the release.
        resolved: what it will do.
        current: value at each edit's key, as it stands on the base branch.
    """
    refused = check_kinds(resolved, current)
    if refused is not None or release.allow_downgrade:
        return refused
    return _check_order(resolved, current)


def check_kinds(resolved: Resolved, current: Mapping[Edit, str]) -> Halt | None:
    """Refuse to replace what is of another kind.

    Args:
        resolved: what the release will do.
        current: value at each edit's key, of those that could be read.
    """
    return join(_check_kind(resolved, edit, value) for edit, value in current.items())


def version_in(edit: Edit, value: str) -> str | None:
    """Give the version an edit's value tells of; a digest and a repository tell of none."""
    match edit.value:
        case EditValue.TAG:
            return split_pin(value)[0]
        case EditValue.REFERENCE:
            return image_tag(value)
        case EditValue.DIGEST | EditValue.REPOSITORY:
            return None
        case _:
            assert_never(edit.value)


def find_version(resolved: Resolved, current: Mapping[Edit, str]) -> str | None:
    """Find the version of the app that some edits' values tell of; None where none does.

    Args:
        resolved: what a release of the app does.
        current: value at each edit's key, of those that could be read.
    """
    versions = (
        version_in(edit, value)
        for edit, value in current.items()
        if not is_of_another_image(resolved, edit, value, current)
    )
    # What is longer is no tag, and a text that somebody wrote there.
    return next((one for one in versions if one and len(one) <= IMAGE_TAG_LENGTH), None)


def _check_kind(resolved: Resolved, edit: Edit, value: str) -> Halt | None:
    """Refuse to write one part of an image over another, or over all of it."""
    words = words_of(edit.field)
    if edit.value is EditValue.DIGEST and value in NOTHING:
        return _check_empty_digest(resolved, edit, words)
    kind = _kind(edit.value, value, words, resolved.source.versioning)
    if kind is edit.value:
        return None
    remedy = f"Use value: {kind} in this edit of app {resolved.app} in the pipeline"
    if edit.format is EditFormat.KUSTOMIZE:
        remedy = "Write it as newName, newTag and digest, each with its part alone"
    return Halt(
        Reason.VALUES_NOT_EDITABLE,
        f"{edit.path} holds {value} at {edit.place}, which is {KINDS[kind]}, and value: "
        f"{edit.value} would put {KINDS[edit.value]} in its place.",
        remedy,
    )


def _kind(
    wanted: EditValue, value: str, words: frozenset[str], versioning: Versioning
) -> EditValue:
    """Tell what of an image a value is, as far as it is certain; else what the edit says."""
    is_image = bool(words & IMAGE_WORDS) and not words & TAG_WORDS
    if value in NOTHING or (wanted is EditValue.DIGEST and words & DIGEST_WORDS):
        return wanted
    if is_digest(value):
        return EditValue.DIGEST
    is_pinned_image = is_image and "@" in value and not is_version(split_pin(value)[0], versioning)
    if is_reference(value) or is_pinned_image:
        return EditValue.REFERENCE
    if "/" in value and words & REPOSITORY_WORDS:
        return EditValue.REPOSITORY
    if wanted is EditValue.TAG:
        return EditValue.REFERENCE if is_image and "/" in value else wanted
    return EditValue.TAG if is_version(value, versioning) or words & TAG_WORDS else wanted


def _check_empty_digest(resolved: Resolved, edit: Edit, words: frozenset[str]) -> Halt | None:
    """Refuse to guess whether a chart puts `sha256:` before the digits by itself."""
    if "digest" in words or not words & DIGEST_WORDS:
        return None
    return Halt(
        Reason.VALUES_NOT_EDITABLE,
        f"{edit.path} holds nothing at {edit.place}, and charts with such a key mostly put sha256: "
        "before what stands there themselves.",
        "Write any digest there once in the form the chart wants, which the edit of app "
        f"{resolved.app} will keep",
    )


def _check_order(resolved: Resolved, current: Mapping[Edit, str]) -> Halt | None:
    versioning = resolved.source.versioning
    for edit, value in current.items():
        version = version_in(edit, value)
        if version is None or is_of_another_image(resolved, edit, value, current):
            continue
        if is_newer(version, resolved.version, versioning):
            return _superseded(resolved, edit, value, version)
        is_of_another_form = not is_version(version, versioning)
        is_known = is_below(version, resolved.version) or not LOOKS_LIKE_VERSION.fullmatch(version)
        if is_of_another_form and not is_known:
            return _without_order(resolved, edit, value, version)
    return None


def _superseded(resolved: Resolved, edit: Edit, value: str, version: str) -> Halt:
    """End a release that is older, by the rule that says so."""
    versioning = resolved.source.versioning
    rule = ""
    if versioning is Versioning.SEMVER:
        rule = rule_between(version, resolved.version)
    what = "release it all the same" if rule else "go back on purpose"
    said = (
        f"{edit.path} already holds {value} at {edit.place}, which is newer than "
        f"{resolved.version} {ORDERS[versioning]}; nothing was changed."
    )
    return Halt(
        Reason.SUPERSEDED,
        f"{said} {rule}".rstrip(),
        f"To {what}, create a release with spec.allowDowngrade: true",
        ending=".",
        superseded_by=SupersededBy(version),
    )


def _without_order(resolved: Resolved, edit: Edit, value: str, version: str) -> Halt:
    """Refuse to guess whether a version of another form is older."""
    versioning = resolved.source.versioning
    of_both = [form for form in forms_of(version) if is_version(resolved.version, form)]
    remedy = "To release it all the same, create a release with spec.allowDowngrade: true"
    ending = "."
    if of_both:
        remedy += f"; or set versioning: {of_both[0]} for app {resolved.app} in the pipeline"
        ending = THEN_RETRY
    return Halt(
        Reason.VERSIONS_NOT_COMPARABLE,
        f"{edit.path} holds {value} at {edit.place}, which is no version such as "
        f"{EXAMPLES[versioning]}, as versioning: {versioning} of app {resolved.app} wants them: it "
        f"has no order with {resolved.version}, and nothing was changed.",
        remedy,
        ending=ending,
    )


def is_of_another_image(
    resolved: Resolved, edit: Edit, value: str, current: Mapping[Edit, str]
) -> bool:
    """Tell whether a version is that of a placeholder, which has no order with ours."""
    image = resolved.build.image
    if edit.value is EditValue.REFERENCE:
        return not is_same_image(value, image)
    return any(
        not is_same_image(repository or other.key, image)
        for other, repository in current.items()
        if other.value is EditValue.REPOSITORY
        and (other.path, other.document) == (edit.path, edit.document)
        and (other.format, other.steps[:-1]) == (edit.format, edit.steps[:-1])
        and (repository or other.format is EditFormat.KUSTOMIZE)
    )
