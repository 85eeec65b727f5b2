"""The ends of a command that is not given its result; each text is for standard error."""

from album_operator.domain.errors import OutsideError
from album_operator.domain.remedy import in_words
from album_operator.domain.verdict import Halt

TOKEN = "ALBUM_GIT_TOKEN"  # noqa: S105 - a variable's name


class BadInputError(Exception):
    """Files or options that cannot be worked with, for one reason or several."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(f"Error: {sentence}" for sentence in sentences))


class RefusedError(Exception):
    """The operator would refuse the release too, for these reasons."""

    def __init__(self, *misses: Halt | OutsideError) -> None:
        # There is no release here that an annotation would let go on.
        super().__init__("\n".join(map(_sentence, misses)))


class NothingToChange(Exception):  # noqa: N818 - no error: the config repository is as wished
    """The config repository holds the version already."""


def _sentence(miss: Halt | OutsideError) -> str:
    return f"{miss.reason}: {_without_secret(in_words(miss.message, miss.remedy, '.'))}"


def _without_secret(sentence: str) -> str:
    """Name the variable where a release in a cluster has a Secret."""
    for said, here in (
        (f"the token of Secret {TOKEN}", f"the token of {TOKEN}"),
        ("put a working one into the Secret", "put a working one into it"),
    ):
        sentence = sentence.replace(said, here)
    return sentence
