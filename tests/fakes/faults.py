"""Deaths and lost answers at a chosen write."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason


class Killed(BaseException):
    """The process died here; no handler of `Exception` may see it, as with SIGKILL."""


class Fault(Enum):
    """What goes wrong around a write."""

    DIE_BEFORE = "killed right before"
    DIE_AFTER = "killed right after"
    REFUSED = "refused for now"
    ANSWER_LOST = "done, but the answer is lost"


@dataclass
class Faults:
    """Watches the writes of all fakes and spoils one of them.

    Attributes:
        at: which write to spoil, counted from 1; None for none.
        fault: how.
        writes: what was written, in order, spoiled ones included.
    """

    at: int | None = None
    fault: Fault = Fault.DIE_BEFORE
    writes: list[str] = field(default_factory=list)

    @contextmanager
    def write(self, what: str) -> Iterator[None]:
        """Wrap a write.

        Raises:
            Killed: the process dies here.
            TransientError: the write is refused, or its answer does not arrive.
        """
        self.writes.append(what)
        hit = len(self.writes) == self.at
        if hit and self.fault is Fault.DIE_BEFORE:
            raise Killed(what)
        if hit and self.fault is Fault.REFUSED:
            raise TransientError(Reason.CLUSTER_UNAVAILABLE, f"No {what} now.")
        yield
        if hit and self.fault is Fault.DIE_AFTER:
            raise Killed(what)
        if hit and self.fault is Fault.ANSWER_LOST:
            raise TransientError(Reason.CLUSTER_UNAVAILABLE, f"The answer to {what} is lost.")
