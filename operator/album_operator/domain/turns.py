"""Turns that are fair between owners, whoever of them asks for more."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def in_turns(
    waiting: Iterable[T], owner: Callable[[T], str], running: Mapping[str, int]
) -> list[T]:
    """Order those that wait so that owners with less at work come first, and of equals the first.

    Args:
        waiting: in the order they would have without owners.
        owner: whose one is.
        running: how many of each owner are at work already.
    """
    turns, line = Counter(running), []
    for place, one in enumerate(waiting):
        line.append((turns[owner(one)], place, one))
        turns[owner(one)] += 1
    return [one for _, _, one in sorted(line, key=lambda item: item[:2])]
