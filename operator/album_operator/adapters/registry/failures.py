"""What a registry can refuse or fail at, as the operator's errors: one sentence for each."""

from datetime import timedelta

from album_operator.domain.errors import (
    StaleError,
    TerminalError,
    TransientError,
    UnansweredError,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace
from album_operator.slots import Shares

SHARES = Shares(total=16, namespace=6, host=8, pair=4, own=1)
"""How many requests are on their way at once."""


def unavailable(
    place: ImagePlace, said: str, retry_after: timedelta | None = None
) -> UnansweredError:
    """Say that the registry could not be asked now."""
    message = f"Registry {place.registry} cannot answer now: {said}."
    return UnansweredError(Reason.REGISTRY_UNAVAILABLE, message, said, retry_after)


def garbage(place: ImagePlace, said: str) -> UnansweredError:
    """Say that an answer is not what a registry gives."""
    return unavailable(place, f"its answer makes no sense, {said}")


def limited(place: ImagePlace, said: str, retry_after: timedelta | None) -> TransientError:
    """Say that the registry wants fewer requests."""
    message = f"Registry {place.registry} limits requests: {said}."
    return TransientError(Reason.RATE_LIMITED, message, retry_after)


def refused(place: ImagePlace, said: str) -> TerminalError:
    """Say that the registry does not let us read a repository, or that there is none.

    Several answer alike for both, so that nobody learns which repositories there are.
    """
    credential = place.credential
    if credential is None:
        return TerminalError(
            Reason.CREDENTIALS_REFUSED,
            f"Registry {place.registry} lets nobody read {place.repository} without a credential, "
            f"or there is no such repository: {said}.",
            "Name a Secret that may read it in spec.build.readSecretRef of the pipeline, or, where "
            "only the build's Pod has a credential, set spec.build.proof: Builder",
        )
    parts = {"name": credential.username, "password": credential.password}
    longer = [part for part, value in parts.items() if value[-1:].isspace()]
    hint = f" The {longer[0]} there ends with a blank or a line break." if longer else ""
    return TerminalError(
        Reason.CREDENTIALS_REFUSED,
        f"Registry {place.registry} does not let the user of Secret {credential.secret} read "
        f"{place.repository}, or there is no such repository: {said}.{hint}",
        "Give that user the right to pull there and make the repository if the registry makes none "
        "at a push, or put a working credential into the Secret",
    )


def foreign_realm(place: ImagePlace, realm: str) -> TerminalError:
    """Say that the registry wants its credential shown to a host not known to be its own."""
    secret = place.credential.secret if place.credential is not None else ""
    return TerminalError(
        Reason.HOST_NOT_ALLOWED,
        f"Registry {place.registry} lets {realm} make its tokens, and Secret {secret} does not say "
        "that its credential may go there.",
        f"If that is right, add an entry for {realm} to the Secret's auths",
    )


def plain_realm(place: ImagePlace, realm: str) -> TerminalError:
    """Say that the credential would be shown to everyone on the way."""
    return TerminalError(
        Reason.HOST_NOT_ALLOWED,
        f"Registry {place.registry} lets {realm} make its tokens in plain HTTP.",
        "Have the registry name an https address, or have an admin add that host to the operator's "
        "ALBUM_INSECURE_HOSTS",
    )


def other_registry(place: ImagePlace) -> TerminalError:
    """Say that a credential is for another registry than the image's."""
    credential = place.credential
    secret, own = (credential.secret, credential.registry) if credential is not None else ("", "")
    return TerminalError(
        Reason.HOST_NOT_ALLOWED,
        f"Secret {secret} is for {own}, so it is not shown to {place.registry}.",
        "Name another Secret in the pipeline, or correct its image",
    )


def redirected(place: ImagePlace, host: str) -> TerminalError:
    """Say that a manifest is elsewhere, which whoever answers could claim of any image."""
    return TerminalError(
        Reason.HOST_NOT_ALLOWED,
        f"Registry {place.registry} sends whoever asks for {place.repository} to {host}, where "
        "nothing proves that it is the same image.",
        "Name the registry that holds the image in the pipeline",
    )


def not_pushed(place: ImagePlace, tag: str, said: str) -> TerminalError:
    """Say that the registry does not take a tag."""
    by = f"the user of Secret {place.credential.secret}" if place.credential else "nobody"
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"Registry {place.registry} does not let {by} push {reference(place, tag)}: {said}.",
        "Give that user the right to push there, take away the rule that keeps the tag as it is, "
        "or leave it out of spec.build.tags in the pipeline",
    )


def tag_taken(place: ImagePlace, tag: str, digest: str) -> StaleError:
    """Say that a tag stands for another image than was looked at, and was left so."""
    return StaleError(
        Reason.BUILDING, f"{reference(place, tag)} stands for {digest} by now and was left so."
    )


def not_there(place: ImagePlace, digest: str) -> StaleError:
    """Say that an image is not there which was."""
    return StaleError(
        Reason.BUILDING, f"Registry {place.registry} has no {reference(place, digest)} any more."
    )


def no_reference(place: ImagePlace, name: str) -> TerminalError:
    """Say that something is no name of an image that a registry could have given it."""
    return TerminalError(
        Reason.NAME_NOT_ALLOWED,
        f"{place.repository[:128]!r} with {name[:128]!r} is no image in a registry.",
        "Correct spec.build.image of the pipeline",
    )


def no_image(place: ImagePlace, name: str, what: str) -> TerminalError:
    """Say that what is there is no image whose source can be told."""
    return TerminalError(
        Reason.IMAGE_SOURCE_UNKNOWN,
        f"{reference(place, name)} is {what}, so nothing tells what it was built from.",
        "Release another version, delete that tag in the registry, or name another image in the "
        "pipeline",
    )


def mismatch(place: ImagePlace, name: str, found: str) -> TerminalError:
    """Say that the bytes that came are not those whose digest was asked for."""
    return TerminalError(
        Reason.IMAGE_MISMATCH,
        f"Registry {place.registry} gave something with the digest {found} for "
        f"{reference(place, name)}.",
        "Find out what stands between the operator and the registry, or what is wrong with its "
        "storage",
    )


def reference(place: ImagePlace, name: str) -> str:
    """Write an image by tag or digest."""
    return f"{place.repository}{'@' if ':' in name else ':'}{name}"
