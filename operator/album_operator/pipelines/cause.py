"""What brings a pass over a pipeline."""

from enum import StrEnum


class Cause(StrEnum):
    """What happened, and so what a pass has to look at; only `TIME` and `CHANGED` look at all.

    `CHANGED`: the pipeline itself, or a look was asked for. `RELEASES`: one of its releases.
    `APPLICATIONS`: one of its Applications. `TAGS`: its source repository may have other tags.
    `TIME`: it is due.
    """

    CHANGED = "Changed"
    RELEASES = "Releases"
    APPLICATIONS = "Applications"
    TAGS = "Tags"
    TIME = "Time"


Causes = frozenset[Cause]
