"""What checks find missing: each goes on as far as it can, and all of it is told together."""

from collections.abc import Awaitable
from typing import TypeVar

from album_operator.domain.errors import StaleError, TerminalError, TransientError
from album_operator.domain.misses import join
from album_operator.domain.verdict import Halt

T = TypeVar("T")


class Findings:
    """What the checks of one pass found, in the order in which they were asked.

    What is missing for certain is told at once, and stops the release, even where something else
    could not be looked at now.
    """

    def __init__(self) -> None:
        self._halts: list[list[Halt]] = []
        self._untold: TransientError | None = None

    @property
    def untold(self) -> TransientError | None:
        """Why not all could be looked at; None where all was."""
        return self._untold

    @property
    def halts(self) -> list[Halt]:
        """What is missing, in the order in which it was asked."""
        return [one for halts in self._halts for one in halts]

    def note(self, *halts: Halt | None) -> None:
        """Take what a check says; None is nothing."""
        self._halts.append([halt for halt in halts if halt is not None])

    def take(self, others: "Findings") -> None:
        """Take all that others found."""
        self.note(*others.halts)
        self._untold = self._untold or others.untold

    def ask(self, look: Awaitable[T]) -> Awaitable[T | None]:
        """Look, with the place in the order that is next now, whenever the look ends.

        Returns:
            What was found; None where it could not be looked at, which is noted.
        """
        halts: list[Halt] = []
        self._halts.append(halts)
        return self._look(look, halts)

    async def _look(self, look: Awaitable[T], halts: list[Halt]) -> T | None:
        try:
            return await look
        except StaleError:
            raise
        except TransientError as error:
            self._untold = self._untold or error
        except TerminalError as error:
            halts.append(Halt.of(error))
        return None

    def tell(self) -> Halt | None:
        """Make one verdict of all; None where nothing is missing and all was looked at.

        Raises:
            TransientError: something could not be looked at, and nothing else is missing.
        """
        halt = join(self.halts, self._untold)
        if halt is None and self._untold is not None:
            raise self._untold
        return halt
