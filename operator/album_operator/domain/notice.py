"""What is told unasked: what an event is about, and what a forge says happened."""

from dataclasses import dataclass
from enum import StrEnum

from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.names import is_part_of


class Subject(StrEnum):
    """What an event is about that may concern a release, beside the release itself."""

    JOB = "Job"
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
