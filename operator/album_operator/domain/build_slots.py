"""How many builds run, how many may, and who waits for one to end."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildLimits:
    """How many builds may run at once.

    Attributes:
        each: in a namespace.
        overall: in all namespaces together; None for no limit.
    """

    each: int = 5
    overall: int | None = None


@dataclass(frozen=True)
class BuildRunning:
    """A build Job that has not ended.

    Attributes:
        job: its name.
        release: name of the release that controls it.
        pipeline: that release's, as the Job's label has it.
        image: label of the image it pushes (`images.label_of`); empty where it has none, for an
            older operator made it.
    """

    job: str
    release: str
    pipeline: str
    image: str = ""


@dataclass(frozen=True)
class OverallSlots:
    """The builds of all namespaces together, and who waits for one of them to end.

    Attributes:
        limit: most that run at once.
        running: how many run.
        before: how many go first.
        line: how many wait whose namespace would let them, whoever asks among them.
    """

    limit: int
    running: int
    before: int
    line: int

    @property
    def is_free(self) -> bool:
        """Whether there is room for one more after those that go first."""
        return self.running + self.before < self.limit


@dataclass(frozen=True)
class BuildSlots:
    """Which builds of a namespace run, and who waits for one to end.

    Attributes:
        limit: most that run at once.
        running: names of the releases whose builds run, one for each Job.
        waiting: names of those that wait and go first.
        line: how many wait, whoever asks among them.
        overall: of all namespaces together; None where these have no limit.
    """

    limit: int
    running: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    line: int = 1
    overall: OverallSlots | None = None

    @property
    def has_room(self) -> bool:
        """Whether the namespace has room for one more after those that go first."""
        return len(self.running) + len(self.waiting) < self.limit

    @property
    def is_free(self) -> bool:
        """Whether one more may begin now."""
        return self.has_room and (self.overall is None or self.overall.is_free)
