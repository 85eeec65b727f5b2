"""What a written status changed, for those who count or tell of releases."""

from collections.abc import Callable
from dataclasses import dataclass

from album_operator.domain.record import Record
from album_operator.domain.release import Release


@dataclass(frozen=True)
class StatusChange:
    """A status that was just written.

    Attributes:
        release: whose it is, as it was read before.
        before: the record that was there.
        after: the one that is there now.
    """

    release: Release
    before: Record
    after: Record


Observer = Callable[[StatusChange], None]
"""Is told of each change in its order, and neither waits nor raises."""
