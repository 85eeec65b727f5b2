"""What the operator needs from the outside world, in domain values.

Every method raises `TransientError` where a later try may succeed and `TerminalError` where a
person must act; both carry the reason and sentence for the user. `find_*` gives None for what does
not exist. A write that was done is never done twice: each says how it recognises its own effect.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from album_operator.domain.places import Change, Credential, Draft, ForgePlace, GitPlace
from album_operator.domain.record import Record
from album_operator.domain.release import Pipeline, Ref, Release
from album_operator.domain.seen import (
    ApplicationSeen,
    BranchSeen,
    BuildSeen,
    ConfigSeen,
    PullRequestSeen,
    RepositorySeen,
    SourceSeen,
)


class Releases(Protocol):
    """AlbumReleases and AlbumPipelines in the API server."""

    async def find_release(self, ref: Ref) -> tuple[Release, Record] | None:
        """Read a release and the record in its status."""

    async def find_pipeline(self, ref: Ref) -> Pipeline | None:
        """Read a pipeline."""

    async def write_record(
        self, release: Release, before: Record, after: Record
    ) -> tuple[Release, Record] | None:
        """Write what changed into the status, if the release is still as it was read.

        Returns:
            The release and its record as the API server has them now, or None when somebody
            changed the object meanwhile: nothing was written, look again.
        """

    async def mark(self, release: Release, marks: Mapping[str, str]) -> Release | None:
        """Put labels and annotations on a release, if it is still as it was read.

        Returns:
            The release as it is now, or None when it changed meanwhile: look again.
        """

    async def post_event(self, release: Release, kind: str, reason: str, message: str) -> None:
        """Post an Event of kind `Normal` or `Warning` about a release."""


class Secrets(Protocol):
    """Credentials in Secrets of the release's namespace."""

    async def find_credential(self, ref: Ref) -> Credential | None:
        """Read a git or forge credential; None where the Secret does not exist.

        Raises:
            TerminalError: `CredentialsMissing` where a key is missing or empty.
        """

    async def find_registry_hosts(self, ref: Ref) -> frozenset[str] | None:
        """Give the hosts a `kubernetes.io/dockerconfigjson` Secret has entries for."""


class SourceRepository(Protocol):
    """The repository that is built."""

    async def look(self, place: GitPlace, tag: str, dockerfile: str) -> SourceSeen:
        """Find the commit a tag stands for, and whether it has the Dockerfile."""


class ConfigReader(Protocol):
    """What is only read of the GitOps repository Argo CD reads."""

    async def look(
        self, place: GitPlace, base: str | None, paths: Collection[str], branch: str | None
    ) -> ConfigSeen:
        """Read files at the head of the base branch, and the release branch if one is named.

        Args:
            place: the repository.
            base: the base branch, None for the remote's default branch.
            paths: files to read, POSIX paths below the root.
            branch: release branch to look at, None for none.
        """

    async def diff(self, place: GitPlace, base_commit: str, files: Mapping[str, bytes]) -> str:
        """Compare files with what a commit has, without writing anything to the server.

        Args:
            place: the repository.
            base_commit: 40 hex digits, as a look found it.
            files: new bytes by path; each path is a regular file of that commit.

        Returns:
            The unified diff git makes (`diff --git`, `index`, hunk headings); bytes that are no
            UTF-8 are replaced. Empty where nothing differs.
        """


class ConfigRepository(ConfigReader, Protocol):
    """The GitOps repository Argo CD reads, for those who write to it too."""

    async def push(self, place: GitPlace, change: Change) -> str:
        """Commit and put the branch there, which must be where the change expects it.

        Returns:
            The commit, 40 hex digits. The same change always makes the same commit; a branch that
            already points to it is success.

        Raises:
            StaleError: the branch is elsewhere by now and was left there.
        """

    async def commit(
        self,
        place: GitPlace,
        base: str,
        paths: Collection[str],
        edit: Callable[[ConfigSeen], Change | None],
    ) -> BranchSeen | None:
        """Look at the base branch and push the change that is made of it, as one piece of work.

        Nobody else of this process writes to the repository meanwhile, and who asked first is
        first: only a writer elsewhere can come between look and push.

        Args:
            place: the repository.
            base: the base branch.
            paths: files to read, POSIX paths below the root.
            edit: makes the change of what `look` finds, None for none; pure, run in any thread.

        Returns:
            The branch at the commit that was pushed, None where there was no change.

        Raises:
            StaleError: somebody else pushed meanwhile; the branch was left as they made it.
        """

    async def is_descendant(
        self, place: GitPlace, revision: str, ancestor: str, base: str, since: datetime
    ) -> bool:
        """Tell whether `revision` is `ancestor` or descends from it, both on branch `base`.

        Args:
            place: the repository.
            revision: a commit; anything else descends from nothing.
            ancestor: a commit.
            base: the branch.
            since: `ancestor` is hardly older, so this much of the history is searched first.
        """


class PullRequests(Protocol):
    """Pull requests of the forge."""

    async def get_repository(self, place: ForgePlace) -> RepositorySeen:
        """Read what the token's user may do with the repository."""

    async def find(self, place: ForgePlace, head: str, base: str) -> PullRequestSeen | None:
        """Find the pull request from branch `head` of the same repository into `base`.

        An open one is preferred, else the newest; those of forks are not ours.
        """

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read one pull request."""

    async def open(self, place: ForgePlace, draft: Draft) -> PullRequestSeen:
        """Open a pull request; one already open for the same head and base is given back."""


class Builds(Protocol):
    """Build Jobs."""

    async def find(self, job: Ref, release_uid: str) -> BuildSeen | None:
        """Read a Job and its newest Pod."""

    async def submit(self, job: Mapping[str, Any]) -> None:
        """Create a Job; one of the same name that exists already is success: look at it."""


class Applications(Protocol):
    """Argo CD Applications."""

    async def find(self, ref: Ref) -> ApplicationSeen | None:
        """Read an Application."""

    async def patch(self, ref: Ref, resource_version: str, patch: Mapping[str, Any]) -> None:
        """Apply a JSON merge patch, if the Application is still at `resource_version`.

        Raises:
            TransientError: it changed meanwhile: look again.
        """
