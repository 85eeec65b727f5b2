"""Several things that stop a release, told together."""

from collections.abc import Iterable
from dataclasses import replace

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.record import MOST_MISSES, Miss
from album_operator.domain.remedy import in_words
from album_operator.domain.verdict import Halt

TOLD_LENGTH = 480
"""Characters of the sentences that are told in one message, unless the first alone has more."""

MEND = "Mend all of them"


def join(halts: Iterable[Halt | None], untold: TransientError | None = None) -> Halt | None:
    """Make one verdict of several; the first gives the reason.

    A release that is superseded needs nothing of what is told after that.

    Args:
        halts: what each check said, in the order of the checks.
        untold: why not all could be looked at; None where all was.

    Returns:
        None where no check said anything.
    """
    each = (one for halt in halts if halt is not None for one in halt.misses or (halt,))
    misses = tuple({(one.reason, one.message): one for one in each}.values())
    if not misses or misses[0].reason is Reason.SUPERSEDED:
        return misses[0] if misses else None
    rest = f" What else is missing could not be told: {untold.message}" if untold else ""
    first = misses[0]
    if len(misses) == 1:
        return replace(first, message=first.message + rest, misses=misses)
    message = f"{len(misses)} things are missing or wrong, each in status.misses:"
    return Halt(first.reason, f"{message} {_told(misses)}{rest}", MEND, misses=misses)


def listed(halt: Halt) -> tuple[Miss, ...]:
    """Give what a verdict tells of, one by one, as many as a status lists."""
    misses = (halt.misses or (halt,))[:MOST_MISSES]
    return tuple(Miss(miss.reason, miss.message, miss.remedy) for miss in misses)


def _told(misses: tuple[Halt, ...]) -> str:
    """Give the sentences of the first ones, as many as are still read."""
    told = ""
    for number, miss in enumerate(misses, 1):
        sentence = in_words(miss.message, miss.remedy, ".")
        if told and len(told) + len(sentence) > TOLD_LENGTH:
            return f"{told} …"
        told = f"{told} ({number}) {sentence}".lstrip()
    return told
