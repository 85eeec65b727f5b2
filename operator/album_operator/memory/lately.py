"""What was told lately, for those who say only after a look what they want to be told of.

Nothing may be lost between the look and that: what was told in between is found here.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 4096
"""How much is kept: of what a flood pushes out of it, time alone tells."""


class Lately(Generic[T]):
    """The last things that were told.

    Args:
        kept: how many of them.

    Attributes:
        count: how many there ever were; by it one remembers where one began to look.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.count = 0
        self._told = deque[T](maxlen=kept)

    def tell(self, what: T) -> None:
        """Keep what is told now."""
        self.count += 1
        self._told.append(what)

    def since(self, count: int) -> Iterator[T]:
        """Give what was told since there were so many, the newest first."""
        return islice(reversed(self._told), self.count - count)
