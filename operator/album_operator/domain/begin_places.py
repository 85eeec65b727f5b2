"""How many releases of a namespace may be in flight, and who waits to begin."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BeginPlace:
    """The place of a release that waits until fewer of its namespace are in flight.

    Attributes:
        limit: most that are in flight at once.
        running: how many are.
        waiting: names of those that wait and go first.
        line: how many wait, this one among them.
    """

    limit: int
    running: int
    waiting: tuple[str, ...]
    line: int
