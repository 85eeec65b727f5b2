"""ImageReady: the further tags of an image that is there, put where a build would have put them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from album_operator.decisions import image
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.image_labels import BUILD, SOURCE, VERSION
from album_operator.domain.names import is_same_repository, join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageRecord, Record
from album_operator.domain.registry import ImageSeen
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, Done, PutTags
from album_operator.domain.versions import is_newer, is_version


@dataclass(frozen=True)
class Standing:
    """What the further tags of a release stand for.

    Attributes:
        tags: None for one that stands for nothing.
        may_push: the push Secret tells a credential for their registry.
    """

    tags: Mapping[str, ImageSeen | None] = field(default_factory=dict)
    may_push: bool = False


def place(
    record: Record,
    resolved: Resolved,
    taken: ImageRecord,
    standing: Standing,
    aliases: HostAliases = NO_ALIASES,
) -> Done | Act[PutTags]:
    """Go on with an image that was there once its further tags stand for it, as far as they shall.

    Args:
        record: what the release achieved.
        resolved: what it does.
        taken: the image.
        standing: what its further tags stand for.
        aliases: which hosts are one, as an admin tells.
    """
    others = {
        tag: seen
        for tag, seen in standing.tags.items()
        if seen is None or seen.digest != taken.digest
    }
    due = {
        tag: seen.digest if seen is not None else None
        for tag, seen in others.items()
        if seen is None or _is_behind(resolved, seen, aliases)
    }
    if due and standing.may_push:
        message = f"Letting {_name(due)} stand for {taken.reference}@{taken.digest}."
        return Act(PutTags(taken.digest, due), Reason.TAGGING, message)
    notes = [_of_no_credential(resolved, due)] if due else []
    notes += [
        f"Further tag {tag} is left where it is, at {_what(seen)}."
        for tag, seen in others.items()
        if seen is not None and tag not in due
    ]
    return image.take(record, taken, notes)


def _is_behind(resolved: Resolved, seen: ImageSeen, aliases: HostAliases) -> bool:
    """Tell whether an image is an operator's, of this source and of no newer version."""
    version, versioning = seen.labels.get(VERSION, ""), resolved.source.versioning
    # A base image hands its labels down; those of another source tell nothing of ours.
    source, ours = seen.labels.get(SOURCE, ""), resolved.source.repository
    return (
        BUILD in seen.labels
        and is_same_repository(source, ours, aliases, ignores_case=True)
        and is_version(version, versioning)
        and not is_newer(version, resolved.version, versioning)
    )


def _name(tags: Mapping[str, str | None]) -> str:
    return f"further tag{'s' if len(tags) > 1 else ''} {join_words(tags)}"


def _of_no_credential(resolved: Resolved, due: Mapping[str, str | None]) -> str:
    secret = resolved.build.push_secret_name
    why = f"Secret {secret} tells the operator none" if secret else "there is no push Secret"
    return f"For want of a credential to push with ({why}), it was not given {_name(due)}."


def _what(seen: ImageSeen) -> str:
    """Say what an image tells of itself, if it is an operator's."""
    version = seen.labels.get(VERSION, "") if BUILD in seen.labels else ""
    return f"version {version[:128]}" if version else "an image that does not tell its version"
