"""What is told unasked: what an event is about, and what a forge says happened."""

from dataclasses import dataclass
from enum import StrEnum

from album_operator.domain.forges import ForgeType
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.images import in_full
from album_operator.domain.names import (
    image_repository,
    image_tag,
    is_part_of,
    is_same_repository,
    repository_path,
)


class Subject(StrEnum):
    """What an event is about that may concern a release, beside the release itself."""

    JOB = "Job"
    CHECKS = "Checks"
    IMAGE = "Image"
    PULL_REQUEST = "PullRequest"
    APPLICATION = "Application"


@dataclass(frozen=True)
class Notice:
    """Something happened in a repository; what it is like now is read from the forge.

    Attributes:
        repository: URL of the repository.
        number: the pull request, None where none is named.
        branch: the head branch, None where none is named; with neither, everything in the
            repository is meant.
    """

    repository: str
    number: int | None
    branch: str | None

    def concerns(
        self,
        page: str,
        number: int | None,
        branch: str | None,
        aliases: HostAliases = NO_ALIASES,
    ) -> bool:
        """Tell whether it is about a pull request.

        Args:
            page: its URL as the forge gave it, which lies below that of its repository. The forge
                may have another one in mind than it is reached at, and so it has in what it tells.
            number: of the pull request.
            branch: its head branch.
            aliases: which hosts are one, as an admin tells.
        """
        is_named = (
            (self.number is None and self.branch is None)
            or (self.number is not None and self.number == number)
            or (self.branch is not None and self.branch == branch)
        )
        return is_named and is_part_of(page, self.repository, aliases)


@dataclass(frozen=True)
class ImageNotice:
    """An image was pushed; what it is like is read from its registry.

    Which registry it is in does not count: it is known by another name inside of the cluster, or to
    those who pull through a proxy, and all a notice does is to wake.

    Attributes:
        path: of the repository in the registry, such as `owner/app`.
        tag: the tag, None where none is named: all of the repository are meant.
    """

    path: str
    tag: str | None = None

    def concerns(self, reference: str) -> bool:
        """Tell whether it may be about an image, given with its tag."""
        image = in_full(reference)
        path = image_repository(image).partition("/")[2]
        return self.path.lower() == path and self.tag in {None, image_tag(image)}


@dataclass(frozen=True)
class CommitNotice:
    """A check of a commit began or ended; what it came to is read from the forge.

    In which repository does not count: a commit has one name in all that have it.

    Attributes:
        commit: 40 hex digits, as it was told.
    """

    commit: str


@dataclass(frozen=True)
class TagNotice:
    """A tag was pushed, or a release of it published; what it stands for is read from git.

    Attributes:
        forge: of the kind that tells it.
        repository: URL of the repository's page.
        tag: its name.
        user: who did that; empty where it is not told.
    """

    forge: ForgeType
    repository: str
    tag: str
    user: str = ""

    @property
    def key(self) -> str:
        """What a repository has in common with those it may be."""
        return repository_key(self.repository)

    def is_of(self, repository: str, aliases: HostAliases = NO_ALIASES) -> bool:
        """Tell whether it is this repository for certain, and not only one of the same path.

        To look is worth a path: inside of the cluster its forge may have another name. What is
        told is not.
        """
        return is_same_repository(self.repository, repository, aliases, ignores_case=True)


def repository_key(url: str) -> str:
    """Give what a repository's URL ends with by whichever host and path of a forge: its name."""
    return "/".join(repository_path(url).lower().split("/")[-2:])


ReleaseNotice = Notice | ImageNotice | CommitNotice
"""What releases may wait for."""

AnyNotice = ReleaseNotice | TagNotice
