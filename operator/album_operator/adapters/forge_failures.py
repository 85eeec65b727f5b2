"""What every forge can refuse or fail at, as the operator's errors: one sentence for each."""

from collections.abc import Collection
from datetime import timedelta

from album_operator.domain.errors import StaleError, TerminalError, TransientError, UnansweredError
from album_operator.domain.places import ForgePlace, MergeMethod
from album_operator.domain.reasons import Reason
from album_operator.slots import Shares

SHARES = Shares(total=24, namespace=8, host=16, pair=6, own=1)
"""How many requests are on their way at once."""


def where(place: ForgePlace) -> str:
    """Name a repository in a message."""
    return f"{place.repository} in {place.api_url}"


def unavailable(
    place: ForgePlace, said: str, retry_after: timedelta | None = None
) -> UnansweredError:
    """Say that the forge could not be asked now."""
    message = f"{place.api_url} cannot answer now: {said}."
    return UnansweredError(Reason.FORGE_UNAVAILABLE, message, said, retry_after)


def garbage(place: ForgePlace, said: str) -> TransientError:
    """Say that an answer is not what this API gives."""
    return unavailable(place, f"its answer makes no sense, {said}")


class ListTooLongError(TransientError):
    """A list goes on behind what is read of it: what is there is not known, and not guessed."""

    def __init__(self, place: ForgePlace, items: int) -> None:
        error = unavailable(place, f"it lists more than {items} items, more than are read at once")
        super().__init__(error.reason, error.message)


def not_let(place: ForgePlace, doing: str, said: str) -> TerminalError:
    """Say that the forge does not do what was tried, such as `open pull requests in`."""
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{place.api_url} does not let us {doing} {where(place)}: {said}.",
        "Clear the way there",
    )


def name_of(place: ForgePlace) -> str:
    """Name a credential in a message."""
    kind = "GitHub App" if place.credential.app and not place.credential.token else "token"
    return f"the {kind} of Secret {place.credential.secret}"


def no_name(place: ForgePlace) -> TerminalError:
    """Say that a repository has no name its forge could have given it."""
    return TerminalError(
        Reason.REPOSITORY_NOT_FOUND,
        f"{place.repository[:128]!r} is no owner/name of a {place.type} repository.",
        f"Correct {place.field}.repository of the pipeline",
    )


def repository_not_found(place: ForgePlace, right: str = "") -> TerminalError:
    """Say that the repository is not there, or not for this credential.

    Args:
        place: the repository.
        right: what the credential lacks, a sentence with a space before it.
    """
    return TerminalError(
        Reason.REPOSITORY_NOT_FOUND,
        f"{place.repository} does not exist in {place.api_url}, or {name_of(place)} may not see it."
        f"{right}",
        f"Correct {place.field}.repository of the pipeline or the token's rights",
    )


def commit_unknown(place: ForgePlace, commit: str) -> TransientError:
    """Say that the forge has another repository, or not yet all of it."""
    return TransientError(
        Reason.FORGE_UNAVAILABLE,
        f"{where(place)} does not know commit {commit[:12]}, whose checks are asked for: it has "
        f"not got it yet, or {place.field}.forge of the pipeline names another forge than that of "
        f"{place.field}.repository.",
    )


def redirected(place: ForgePlace) -> TerminalError:
    """Say that the repository is elsewhere by now."""
    return TerminalError(
        Reason.REPOSITORY_NOT_FOUND,
        f"{where(place)} answers with a redirect, which is not followed with a token.",
        "Name its new address in the pipeline",
    )


def archived(place: ForgePlace, how: str, said: str) -> TerminalError:
    """Say that the repository can only be read."""
    return TerminalError(
        Reason.REPOSITORY_ARCHIVED,
        f"{where(place)} is {how}: {said}.",
        "Take it out of the archive there",
    )


def pull_request_gone(place: ForgePlace, number: int) -> TerminalError:
    """Say that a pull request is not there, although its repository is."""
    return TerminalError(
        Reason.PULL_REQUEST_CLOSED,
        f"Pull request #{number} of {place.repository} no longer exists in {place.api_url}.",
        "Delete its branch",
    )


def not_merged_now(place: ForgePlace, number: int, said: str) -> StaleError:
    """Say that the forge does not merge as things stand."""
    return StaleError(Reason.MERGING, f"{place.api_url} does not merge #{number} yet: {said}.")


def merged_meanwhile(place: ForgePlace, number: int) -> StaleError:
    """Say that a pull request that was to be closed is merged."""
    return StaleError(Reason.MERGING, f"{place.api_url} shows #{number} to be merged by now.")


def base_changed(place: ForgePlace, number: int, base: str) -> StaleError:
    """Say that a pull request goes into another branch than it was looked at for."""
    return StaleError(Reason.MERGING, f"{place.api_url} shows #{number} to go into {base} by now.")


def wrong_method(place: ForgePlace, method: MergeMethod, said: str) -> TerminalError:
    """Say that the repository does not allow a way to merge."""
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{where(place)} does not allow method {method}: {said}.",
        "Choose another spec.config.pullRequest.method of the pipeline",
    )


def may_not_merge(place: ForgePlace, said: str) -> TerminalError:
    """Say that the credential's user must not merge."""
    return TerminalError(
        Reason.CREDENTIALS_REFUSED,
        f"{place.api_url} does not let the user of Secret {place.credential.secret} merge into "
        f"{place.repository}: {said}.",
        "Let that user merge there, or set spec.config.pullRequest.merge of the pipeline to Manual",
    )


def people_refused(
    place: ForgePlace, field: str, names: Collection[str], said: str
) -> TerminalError:
    """Name the field whose users the forge does not take."""
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{place.api_url} does not take {', '.join(names)} as {field} of a pull request of "
        f"{place.repository}: {said}.",
        f"Correct spec.config.pullRequest.{field} of the pipeline",
    )


def no_milestone(place: ForgePlace, title: str) -> TerminalError:
    """Say that there is no open milestone of a title."""
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{where(place)} has no open milestone {title!r}.",
        "Make it there, or correct spec.config.pullRequest.milestone of the pipeline",
    )
