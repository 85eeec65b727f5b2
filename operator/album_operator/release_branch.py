"""Steps Proposed and Merged where a release has a branch and a pull request of its own."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from album_operator import editing
from album_operator.access import Access
from album_operator.decisions import merge, preflight, propose
from album_operator.domain.diffs import DIFF_BYTES, cut_diff
from album_operator.domain.errors import OutsideError
from album_operator.domain.record import Record
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import (
    DisarmPullRequest,
    MergePullRequest,
    OpenPullRequest,
    PushBranch,
    Verdict,
    WithdrawPullRequest,
)
from album_operator.ports import (
    ConfigRepository,
    Editor,
    PullRequestReader,
    PullRequests,
    SourceRepository,
)
from album_operator.render import proposal, pull_request

LOG = logging.getLogger(__name__)


class ReleaseBranch:
    """The release branch and its pull request, from the first push to the merge.

    Every method may raise `TransientError` or `TerminalError` from an adapter.
    """

    def __init__(
        self,
        source: SourceRepository,
        config: ConfigRepository,
        editor: Editor,
        forge: PullRequests,
        watch: PullRequestReader,
        access: Access,
        clock: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._config = config
        self._editor = editor
        self._forge = forge
        self._watch = watch
        self._access = access
        self._clock = clock
        self._tidying: set[asyncio.Task[None]] = set()

    async def propose(
        self, release: Release, record: Record, resolved: Resolved, digest: str
    ) -> Verdict:
        """Look at base, branch and pull request, and judge how far the change is proposed."""
        namespace, config = release.ref.namespace, resolved.config
        place = await self._access.to_config(namespace, resolved)
        forge = await self._access.to_forge(namespace, resolved)
        seen, found = await asyncio.gather(
            self._config.look(
                place, config.base_branch, proposal.edited_paths(config.edits), config.branch
            ),
            self._forge.find(forge, config.branch, config.base_branch),
        )
        refused = preflight.check_config(resolved, seen)
        if refused is not None:
            return refused
        merged = found.merge_commit if found is not None else None
        edited = await editing.edit(self._editor, release, resolved, seen.files, digest)
        expected: Mapping[str, bytes] | None = edited.files
        if seen.branch is not None and seen.branch.parent_files != seen.files:
            expected = await editing.edit_parent(
                self._editor, release, resolved, seen.branch, digest
            )
        ours = seen.branch is not None and propose.is_ours(
            seen.branch,
            expected,
            pull_request.commit_message(release, resolved, digest),
            (config.author_name, config.author_email),
        )
        return propose.decide(
            release,
            record,
            resolved,
            propose.ProposeSeen(
                config=seen,
                current=edited.current,
                edited=edited.files,
                branch_is_ours=ours,
                branch_diff=cut_diff(seen.branch.diff, DIFF_BYTES) if seen.branch else "",
                pull_request=found,
                merge_is_in_base=merged is not None
                and await self._config.is_descendant(
                    place, seen.base_commit or "", merged, config.base_branch, release.created_at
                ),
            ),
        )

    async def push(
        self, action: PushBranch, release: Release, resolved: Resolved, digest: str
    ) -> None:
        """Commit the change and put the release branch there."""
        base, files = action.base_commit, action.files
        change = proposal.change(release, resolved, digest, base, files)
        place = await self._access.to_config(release.ref.namespace, resolved)
        # A push takes longer than reading the commits the pull request will tell of; they are kept.
        await asyncio.gather(
            self._config.push(place, replace(change, expected=action.replaces)),
            self._history(action.before, release, resolved),
        )

    async def open(
        self, action: OpenPullRequest, release: Release, resolved: Resolved, digest: str
    ) -> None:
        """Open the pull request, with all a reviewer needs."""
        namespace = release.ref.namespace
        history = await self._history(action.before, release, resolved)
        draft = pull_request.draft(release, resolved, digest, action.diff, history)
        await self._access.learn(namespace, resolved)
        await self._forge.open(
            await self._access.to_forge(namespace, resolved),
            replace(draft, body=self._access.clean(namespace, draft.body)),
        )

    async def follow(
        self, release: Release, record: Record, resolved: Resolved, digest: str
    ) -> Verdict:
        """Look at the pull request, and at its branch where that decides, until it is merged."""
        seen = None
        if record.pull_request is not None:
            place = await self._access.to_forge(release.ref.namespace, resolved)
            seen = await self._watch.get(place, record.pull_request.number)
        if seen is not None and merge.needs_look(record, resolved, seen):
            proposed = await self.propose(release, record, resolved, digest)
            return merge.decide_again(record, resolved, seen, proposed, self._clock())
        return merge.decide(record, resolved, seen, self._clock())

    async def merge(self, action: MergePullRequest, release: Release, resolved: Resolved) -> None:
        """Merge the pull request, or let the forge do it."""
        place = await self._access.to_forge(release.ref.namespace, resolved)
        config = resolved.config
        await self._forge.merge(
            place,
            action.number,
            action.head_sha,
            config.base_branch,
            config.pull_request.method,
            by_forge=action.by_forge,
        )

    async def disarm(self, action: DisarmPullRequest, release: Release, resolved: Resolved) -> None:
        """Keep the forge from merging the pull request by itself."""
        place = await self._access.to_forge(release.ref.namespace, resolved)
        await self._forge.disarm(place, action.number)

    async def withdraw(
        self, action: WithdrawPullRequest, release: Release, resolved: Resolved
    ) -> None:
        """Say at the pull request why it is pointless, and close it."""
        place = await self._access.to_forge(release.ref.namespace, resolved)
        await self._forge.comment(place, action.number, "withdrawn", action.why)
        await self._forge.withdraw(place, action.number)

    def tidy(self, release: Release, record: Record) -> None:
        """Delete the branch of a merged pull request, with nobody waiting for it.

        A branch that was pushed to since stays, and so does one that must not be deleted.
        """
        if record.resolved is not None and record.pull_request is not None:
            deletion = self._delete_branch(release, record.resolved, record.pull_request.head_sha)
            task = asyncio.create_task(deletion)
            self._tidying.add(task)
            task.add_done_callback(self._tidying.discard)

    async def _history(
        self, before: str | None, release: Release, resolved: Resolved
    ) -> pull_request.History | None:
        """Find what the release brings to the app; without it a pull request says less."""
        source = resolved.source
        if before is None or not source.tag.endswith(resolved.version):
            return None
        since = source.tag.removesuffix(resolved.version) + before
        try:
            place = await self._access.to_source(release.ref.namespace, resolved)
            limit = pull_request.COMMITS + 1
            found = await self._source.list_commits(place, since, source.commit, limit)
        except OutsideError as error:
            LOG.info("AlbumRelease %s: no commits since %s: %s", release.ref, since, error.message)
            return None
        return pull_request.History(since, tuple(found)) if found is not None else None

    async def _delete_branch(self, release: Release, resolved: Resolved, head_sha: str) -> None:
        branch = resolved.config.branch
        try:
            place = await self._access.to_config(release.ref.namespace, resolved)
            await self._config.delete_branch(place, branch, head_sha)
        except OutsideError as error:
            LOG.warning(
                "Branch %s of AlbumRelease %s stays: %s", branch, release.ref, error.message
            )
