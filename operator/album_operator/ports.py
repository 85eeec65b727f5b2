"""What the operator needs from the outside world, in domain values.

Every method raises `TransientError` where a later try may succeed and `TerminalError` where a
person must act; both carry the reason and sentence for the user. `find_*` gives None for what does
not exist. A write that was done is never done twice: each says how it recognises its own effect.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from album_operator.domain.applications import ApplicationSeen, ConsentedApplication
from album_operator.domain.argocd import ResolvedApplicationSelector
from album_operator.domain.build_slots import BuildRunning
from album_operator.domain.builds import BuildSeen, PodTrouble
from album_operator.domain.notifications import Letter, Sink, SinkSecret
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.places import (
    Change,
    CommitState,
    Credential,
    Deployment,
    DeploymentState,
    Draft,
    ForgePlace,
    GitPlace,
    MergeMethod,
)
from album_operator.domain.pull_requests import Changes, Checks, PullRequestSeen, RepositorySeen
from album_operator.domain.record import Record
from album_operator.domain.registry import ImagePlace, ImageSeen, RegistryCredential
from album_operator.domain.registry_access import RegistryAccess
from album_operator.domain.release import Edit, Ref, Release
from album_operator.domain.seen import (
    BranchSeen,
    ConfigCommit,
    ConfigSeen,
    Edited,
    SourceCommit,
    SourceSeen,
)
from album_operator.domain.triggers import TagInterest, TagsSeen


class Releases(Protocol):
    """AlbumReleases and AlbumPipelines in the API server."""

    async def find_release(self, ref: Ref) -> tuple[Release, Record] | None:
        """Read a release and the record in its status."""

    async def find_pipeline(self, ref: Ref) -> Pipeline | None:
        """Read a pipeline."""

    async def list_of_app(
        self, pipeline: Ref, app: str, *, only_rollbacks: bool = False
    ) -> Sequence[tuple[Release, Record]]:
        """List the releases of a pipeline's app that have begun; those nobody can read left out."""

    async def may_create(self, namespace: str) -> bool:
        """Tell whether the operator has the right to make releases in a namespace."""

    async def create(self, release: Mapping[str, Any]) -> None:
        """Create a release; one of the same name that exists already is success: look at it."""

    async def may_delete(self, namespace: str) -> bool:
        """Tell whether the operator has the right to remove releases of a namespace."""

    async def delete(self, ref: Ref, uid: str, resource_version: str) -> None:
        """Delete a release that still is as it was seen; one that is gone already is success.

        Raises:
            StaleError: it changed since, and was left there.
        """

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


class Pipelines(Protocol):
    """AlbumPipelines in the API server, for what they answer themselves."""

    async def find(self, ref: Ref) -> tuple[Pipeline, PipelineRecord] | None:
        """Read a pipeline and the record in its status."""

    async def write_record(self, pipeline: Pipeline, record: PipelineRecord) -> bool:
        """Write what changed into the status, if the pipeline is still as it was read.

        Returns:
            False when somebody changed it meanwhile: nothing was written, look again.
        """

    async def post_event(self, pipeline: Pipeline, kind: str, reason: str, message: str) -> None:
        """Post an Event of kind `Normal` or `Warning` about a pipeline."""


class Secrets(Protocol):
    """Credentials in Secrets of the release's namespace."""

    async def find_credential(self, ref: Ref) -> Credential | None:
        """Read a git or forge credential; None where the Secret does not exist.

        Raises:
            TerminalError: `CredentialsMissing` where a key is missing or empty.
        """

    async def find_registry_access(self, ref: Ref) -> RegistryAccess | None:
        """Give which registries a `kubernetes.io/dockerconfigjson` Secret is for."""

    async def find_registry_credential(self, ref: Ref, image: str) -> RegistryCredential | None:
        """Read the credential for an image's registry from a Secret of that type.

        Returns:
            None where the Secret does not exist or tells none for it.
        """

    async def find_keys(self, ref: Ref) -> frozenset[str] | None:
        """Give the keys of a Secret; None where it does not exist."""

    async def find_sink_secret(self, ref: Ref) -> SinkSecret | None:
        """Read where notifications go; None where the Secret does not exist.

        Raises:
            TerminalError: `CredentialsMissing` where it has no URL.
        """

    async def learn(self, refs: Collection[Ref]) -> bool:
        """Have read some Secrets not long ago, so that their values are known to `clean`.

        Returns:
            Whether all could be read; raises nothing. One that does not exist has no values.
        """

    def learn_token(self, token: str) -> None:
        """Know a token that a forge made for us."""

    def clean(self, namespace: str, text: str) -> str:
        """Take the known values of a namespace's Secrets out of a text."""


class GitTokens(Protocol):
    """Tokens for git, where a GitHub App makes them."""

    async def git_token(self, place: ForgePlace) -> str:
        """Give a token that is good for a while yet; ask before each use.

        Raises:
            OutsideError: the forge gave none.
        """


class SourceRepository(Protocol):
    """The repository that is built."""

    async def look(self, place: GitPlace, tag: str, dockerfile: str) -> SourceSeen:
        """Find the commit a tag stands for, and whether it has the Dockerfile."""

    async def list_commits(
        self, place: GitPlace, since: str, commit: str, limit: int
    ) -> Sequence[SourceCommit] | None:
        """List the commits after tag `since` up to `commit`, the newest first.

        Args:
            place: the repository.
            since: a tag.
            commit: 40 hex digits.
            limit: most that are listed.

        Returns:
            None where there is no such tag, or `commit` is not known to descend from it.
        """

    async def list_tags(self, place: GitPlace, prefixes: Collection[str]) -> Mapping[str, str]:
        """List the tags that begin in some ways, in one request.

        Args:
            place: the repository.
            prefixes: how; an empty one stands for all.

        Returns:
            The commit that each stands for by its name, 40 hex digits. That it is one is not
            known: a tag may stand for a tree or a file.

        Raises:
            TerminalError: `RepositoryTooLarge` also where there are more than are looked at.
        """


class TagReader(Protocol):
    """The tags of source repositories, each listed for all pipelines that want to know of them."""

    def follow(self, pipeline: Ref, interest: TagInterest | None) -> None:
        """Say which tags a pipeline wants to know of from now on; None for none."""

    def read(self, pipeline: Ref, *, anew: bool) -> TagsSeen | None:
        """Give the tags that a pipeline follows.

        Args:
            pipeline: the pipeline.
            anew: somebody changed it, or asks for a look.

        Returns:
            None where they have to be listed first; the pipeline is woken once they are.
        """

    def who(self, pipeline: Ref, tag: str) -> str:
        """Give who pushed a tag, as its forge told lately; empty where it did not."""


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
        edit: Callable[[ConfigSeen], Coroutine[Any, Any, Change | None]],
    ) -> BranchSeen | None:
        """Look at the base branch and push the change that is made of it, as one piece of work.

        Nobody else of this process writes to the repository meanwhile, and who asked first is
        first: only a writer elsewhere can come between look and push.

        Args:
            place: the repository.
            base: the base branch.
            paths: files to read, POSIX paths below the root.
            edit: makes the change of what `look` finds, None for none; awaited where
                the caller's event loop runs.

        Returns:
            The branch at the commit that was pushed, None where there was no change.

        Raises:
            StaleError: somebody else pushed meanwhile; the branch was left as they made it.
        """

    async def list_branches(self, place: GitPlace, prefix: str) -> Mapping[str, str]:
        """List the branches that begin in some way, in one request: the head of each, by name.

        Args:
            place: the repository.
            prefix: what they begin with; an empty one stands for all.
        """

    async def delete_branch(self, place: GitPlace, branch: str, expected: str) -> None:
        """Delete a branch if it still is at `expected`; elsewhere or gone, it is left as it is."""

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

    async def look_at(self, place: GitPlace, commit: str, paths: Collection[str]) -> ConfigSeen:
        """Read files at a commit, without asking where any branch is.

        Args:
            place: the repository.
            commit: 40 hex digits, as a look found it.
            paths: files to read, POSIX paths below the root.

        Returns:
            With the commit as the base's, and nothing of branches.
        """

    async def read(
        self, place: GitPlace, commit: str, paths: Collection[str]
    ) -> Mapping[str, bytes]:
        """Read files at a commit; what is no regular file there is left out.

        Args:
            place: the repository.
            commit: 40 hex digits.
            paths: POSIX paths below the root.
        """

    async def list_commits(self, place: GitPlace, since: str, until: str) -> Sequence[ConfigCommit]:
        """List the commits of a branch after `since` up to `until`, its descendant, newest first.

        What was merged counts as its merge (first parents).

        Args:
            place: the repository.
            since: a commit that `is_descendant` was asked about.
            until: another.

        Returns:
            Nothing where they are not known, or too many.
        """

    async def list_latest(self, place: GitPlace, base: str, commit: str) -> Sequence[ConfigCommit]:
        """List the last commits of a branch up to one of it, newest first.

        What was merged counts as its merge (first parents).

        Args:
            place: the repository.
            base: the branch.
            commit: on it, 40 hex digits.

        Returns:
            As many as the server tells at once; nothing where the commit is not on the branch.
        """


class Reader(Protocol):
    """Reads YAML that tenants wrote, as plain data."""

    async def read(self, namespace: str, data: bytes) -> object:
        """Give mappings, lists, texts and, for null, None; an empty mapping for no document.

        Args:
            namespace: whose work it is; each has its turn.
            data: the text.

        Returns:
            None where what it says cannot be told: it is no YAML, or too much of it, has several
            documents, or aliases.

        Raises:
            TransientError: it could not be done now.
        """


class Editor(Reader, Protocol):
    """Makes edits of files that tenants wrote, which may cost much of a processor's time."""

    async def edit(
        self, namespace: str, wanted: Mapping[Edit, str], files: Mapping[str, bytes]
    ) -> Edited:
        """Read the values of some edits, and make these.

        Args:
            namespace: whose work it is; each has its turn.
            wanted: new value of each edit.
            files: bytes by path of each file the edits are in.

        Raises:
            NotEditableError: one of the edits is not possible, or the files are too much.
            TransientError: it could not be done now.
        """


class PullRequestReader(Protocol):
    """Reads pull requests one by one."""

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read one pull request, with its gate while it is open."""


class PullRequests(GitTokens, PullRequestReader, Protocol):
    """Pull requests of the forge."""

    async def get_repository(self, place: ForgePlace, branch: str | None = None) -> RepositorySeen:
        """Read what the token's user may do with the repository.

        Args:
            place: the repository.
            branch: whose rules are asked for too, be it there or not; None for no rules.
        """

    async def find(self, place: ForgePlace, head: str, base: str) -> PullRequestSeen | None:
        """Find the pull request from branch `head` of the same repository into `base`.

        An open one is preferred, else the newest; those of forks are not ours.
        """

    async def get_many(
        self, place: ForgePlace, numbers: Collection[int]
    ) -> Mapping[int, PullRequestSeen]:
        """Read several as `get` does, in as few requests as the forge needs.

        What could not be read for itself (a pull request that is gone) is left out.
        """

    async def list_changed(self, place: ForgePlace, since: datetime | None) -> Changes:
        """Tell which pull requests changed (opened, pushed to, merged, closed), in one request.

        More requests are needed only where more changed than one answer holds. What the forge
        keeps elsewhere, such as checks and reviews, may change without a word here.

        Args:
            place: the repository.
            since: `until` of the answer before; None: only the newest are told.
        """

    async def open(self, place: ForgePlace, draft: Draft) -> PullRequestSeen:
        """Open a pull request; one already open for the same head and base is given back.

        Labels, reviewers, assignees and milestone are added where they are missing.

        Raises:
            TerminalError: also where the forge knows no such reviewer, assignee or milestone.
        """

    async def merge(
        self,
        place: ForgePlace,
        number: int,
        head_sha: str,
        base: str,
        method: MergeMethod,
        *,
        by_forge: bool,
    ) -> None:
        """Merge a pull request from `head_sha` into `base`; one that is merged already is success.

        No forge takes the base for a condition: it is asked for right before, and somebody may
        still set another one in between. So look at the base after the merge, too.

        Args:
            place: the repository.
            number: of the pull request.
            head_sha: its head as it was looked at, 40 hex digits.
            base: the branch it is to go into.
            method: how.
            by_forge: only arm the forge's own auto-merge (or queue) for a pull request that is
                blocked; armed already is success.

        Raises:
            StaleError: head or base is another by now, or the forge would not merge (or not arm)
                it as things stand: look again.
        """

    async def disarm(self, place: ForgePlace, number: int) -> None:
        """Take an auto-merge back, or a place in the merge queue; without one it is success."""

    async def comment(
        self, place: ForgePlace, number: int, key: str, text: str, answers: str | None = None
    ) -> None:
        """Write a comment; one that carries the same key is there already: nothing is written.

        Args:
            place: the repository.
            number: of the pull request.
            key: of the comment.
            text: in Markdown.
            answers: key of another one, without which nothing is written; None for none.
        """

    async def set_status(
        self,
        place: ForgePlace,
        commit: str,
        state: CommitState,
        context: str,
        text: str,
        url: str | None,
    ) -> None:
        """Set a commit status; the last one of a context counts.

        Args:
            place: the repository.
            commit: 40 hex digits.
            state: what it says.
            context: name of the status.
            text: one line of at most 140 characters.
            url: page to look at, None for none.
        """

    async def set_deployment(
        self,
        place: ForgePlace,
        deployment: Deployment,
        state: DeploymentState,
        text: str,
        url: str | None,
    ) -> None:
        """Say how a deployment stands; unless it is inactive, it is made where it is not there.

        One that succeeds makes all others of its task in its environment inactive that succeeded,
        or were begun before it and have not ended.

        Args:
            place: the repository.
            deployment: the deployment.
            state: how it stands.
            text: as of `set_status`.
            url: page to look at, None for none.

        Raises:
            TerminalError: also where the forge has no deployments.
        """

    async def list_checks(self, place: ForgePlace, commit: str) -> Mapping[str, Checks]:
        """Give the state of each commit status and check run of a commit, by its name.

        Of several of one name the worst counts, and none that was run again. What was skipped, or
        ended neutrally, has passed.

        Args:
            place: the repository.
            commit: 40 hex digits.

        Raises:
            TransientError: the forge does not know the commit, or cannot answer now.
            TerminalError: it does not let the credential see them.
        """

    async def rename(self, place: ForgePlace, number: int, title: str) -> None:
        """Give a pull request another title, whatever has become of it."""

    async def withdraw(self, place: ForgePlace, number: int, title: str | None = None) -> None:
        """Close a pull request of ours that has become pointless; a closed one is success.

        Args:
            place: the repository.
            number: of the pull request.
            title: that it gets with that; None for the one it has. One that was merged gets back
                what that was before (`title_before`).

        Raises:
            StaleError: it was merged meanwhile.
        """


class Builds(Protocol):
    """Build Jobs."""

    async def find(self, job: Ref, release: Release) -> BuildSeen | None:
        """Read a Job, as this release sees it, and the Pods it controls."""

    async def list_running(self, namespace: str) -> Sequence[BuildRunning]:
        """List the build Jobs of a namespace that have not ended."""

    async def stop(self, release: Release) -> None:
        """Delete all Jobs of this very release, with their Pods; where there is none is success."""

    async def submit(
        self, job: Mapping[str, Any], limit: int, counts: Callable[[BuildRunning], bool]
    ) -> None:
        """Create a Job; one of the same name that exists already is success: look at it.

        Args:
            job: the Job.
            limit: most that may run at once in its namespace.
            counts: tells whether a Job that runs is one of these.

        Raises:
            StaleError: as many run by now, or one that pushes the same image, and nothing was
                created.
        """


class Registry(Protocol):
    """Registries of images."""

    async def find(self, place: ImagePlace, name: str) -> ImageSeen | None:
        """Read what a tag or a digest stands for.

        Args:
            place: the repository.
            name: a tag, or `sha256:…`.

        Returns:
            None where the registry has no such image, or no such repository yet.

        Raises:
            TransientError: `RegistryUnavailable` or `RateLimited`: a later try may succeed.
            TerminalError: `CredentialsRefused`, `CredentialsMissing` or `HostNotAllowed`; and
                `ImageMismatch` where what it gave cannot be what was asked for.
        """

    async def is_empty(self, place: ImagePlace) -> bool:
        """Tell whether a repository has no tag, or is not there.

        Raises:
            TransientError: as of `find`.
            TerminalError: as of `find`; who may pull may not list on every registry.
        """

    async def tag(
        self, place: ImagePlace, digest: str, tag: str, instead_of: str | None = None
    ) -> None:
        """Let a tag stand for an image that is there; one that stands for it already is success.

        Args:
            place: the repository.
            digest: of an image or an index.
            tag: a tag.
            instead_of: digest that it may stand for so far; None: it stands for nothing.

        Raises:
            StaleError: the tag stands for another image by now and was left so, or the image is
                not there any more.
            TerminalError: `PushRefused`, and those of `find`.
        """

    async def put_index(self, place: ImagePlace, images: Collection[str], tag: str) -> str:
        """Put an index of images for several platforms there, and let a tag stand for it.

        Args:
            place: the repository.
            images: digests of images of it, in whatever order.
            tag: a tag.

        Returns:
            Its digest: the same images always make the same index, so what is there already is
            success.

        Raises:
            StaleError: as of `tag`.
            TerminalError: as of `tag`.
        """


class Applications(Protocol):
    """Argo CD Applications."""

    async def find(self, ref: Ref) -> ApplicationSeen | None:
        """Read an Application."""

    async def select(self, selector: ResolvedApplicationSelector, most: int) -> Sequence[Ref]:
        """Find Applications by their labels, those that are being deleted left out.

        Args:
            selector: which, and where.
            most: once more than this are found, the others are not looked for.
        """

    async def list_kept(self, namespace: str) -> Mapping[Ref, frozenset[str]]:
        """Give the Applications of a namespace whose policy from before us is kept.

        Returns:
            The pipelines that each lets change it, `<namespace>/<name>`.
        """

    async def prove_guard(self, ref: Ref) -> None:
        """Find the API server to hold us to what a release needs of an Application.

        Raises:
            TransientError: `GuardMissing` where it would let us change anything.
        """

    async def patch(self, application: ConsentedApplication, patch: Mapping[str, Any]) -> None:
        """Apply a JSON merge patch, if the Application still is as it was seen.

        Raises:
            TransientError: it changed meanwhile: look again.
        """


class Crashes(Protocol):
    """Containers of apps that crash, or do not start."""

    async def may_look(self, namespace: str) -> bool:
        """Tell whether the operator has the right to see the Pods of a namespace."""

    async def find(self, namespace: str, runs: Callable[[str], bool]) -> PodTrouble | None:
        """Find one: such that has ended before others, of the newest Pod; None where there is none.

        Args:
            namespace: where to look.
            runs: tells whether a container of this image counts.

        Returns:
            With what the app itself wrote as its last words, but never the end of its log.
        """


class Sinks(Protocol):
    """Those who are told how releases go."""

    async def post(self, sink: Sink, letter: Letter, now: datetime) -> None:
        """Try once to post a letter, whose id tells a sink that it had it already."""
