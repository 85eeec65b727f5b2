"""What of a repository, beside the files of the commit, a build gets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceParts:
    """What goes into the build context beside a commit's own files.

    Attributes:
        submodules: whether they are fetched. False leaves their folders empty; None refuses a
            context that has one, because a build would miss its files in silence.
        lfs: whether the files that Git LFS keeps are fetched. False leaves the pointers to them as
            they are; None refuses a context that has one.
        history: whether the context has `.git`, with the commit's history and tags.
    """

    submodules: bool | None = None
    lfs: bool | None = None
    history: bool = False


OWN_FILES = SourceParts()
