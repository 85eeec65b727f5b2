"""ImageReady: what it looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from album_operator.decisions.further_tags import Standing
from album_operator.domain.build_parts import WHOLE
from album_operator.domain.build_slots import BuildRunning, BuildSlots
from album_operator.domain.builds import BuildSeen, BuildState, JobOwner
from album_operator.domain.pull_requests import Checks
from album_operator.domain.registry import ImageSeen


@dataclass(frozen=True)
class PartLook:
    """What was looked at of what one Job builds.

    Attributes:
        job: the Job, None where there is none.
        tagged: what the registry has under the tag it pushes; None also where it was not asked: a
            build runs or has failed, there is something to wait for, or the builder alone is
            believed.
        named: what it has by the digest the builder left, where the tag has another or none.
        other: another build of the same image that runs, looked for where there is no Job.
        slots: the namespace's builds, None where they need not be known.
    """

    job: BuildSeen | None = None
    tagged: ImageSeen | None = None
    named: ImageSeen | None = None
    other: BuildRunning | None = None
    slots: BuildSlots | None = None

    @property
    def own(self) -> BuildSeen | None:
        """The Job, if it is this very release's."""
        is_own = self.job is not None and self.job.owner is JobOwner.RELEASE
        return self.job if is_own else None

    @property
    def is_due(self) -> bool:
        """Whether it is still to be built."""
        return self.job is None and self.tagged is None

    @property
    def is_pushed(self) -> bool:
        """Whether nothing is left to do but to prove the image."""
        if self.own is not None:
            return self.own.state is BuildState.SUCCEEDED
        return self.job is None and self.tagged is not None


@dataclass(frozen=True)
class Look:
    """What step ImageReady looked at.

    Attributes:
        parts: what each Job builds, by platform; without those whose image is proved, and those
            that wait for a part before them to begin.
        tagged: what the registry has under the release's tag, asked for while there is no Job, and
            again once the images of all platforms are pushed.
        standing: its further tags, looked at where the image under the tag may be released.
        checks: of the source commit, by name; None where they were not asked for.
    """

    parts: Mapping[str, PartLook] = field(default_factory=lambda: {WHOLE: PartLook()})
    tagged: ImageSeen | None = None
    standing: Standing = field(default_factory=Standing)
    checks: Mapping[str, Checks] | None = None
