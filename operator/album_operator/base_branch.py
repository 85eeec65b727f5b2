"""Delivery `Commit`: look at the base branch, let its decision judge, and commit to it."""

from dataclasses import replace

from album_operator import editing
from album_operator.access import Access
from album_operator.decisions import commit, preflight, propose
from album_operator.domain.diffs import DIFF_BYTES, cut_diff
from album_operator.domain.places import Change, GitPlace
from album_operator.domain.record import ProposalRecord, Record
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen, ConfigSeen
from album_operator.domain.verdict import Act, Done, Verdict
from album_operator.ports import ConfigRepository, Editor
from album_operator.render import proposal, pull_request


class BaseBranch:
    """The base branch of the config repository, as a release commits to it.

    Every method may raise `TransientError` or `TerminalError` from an adapter.
    """

    def __init__(self, config: ConfigRepository, editor: Editor, access: Access) -> None:
        self._config = config
        self._editor = editor
        self._access = access

    async def decide(
        self, release: Release, record: Record, resolved: Resolved, digest: str
    ) -> Verdict:
        """Look whether the branch holds the value, and whose commit did it."""
        place = await self._access.to_config(release.ref.namespace, resolved)
        seen = await self._look(place, resolved, None)
        verdict = await self._judge(release, record, resolved, digest, seen)
        if not isinstance(verdict, Done) or record.proposal is not None:
            return verdict
        # Only now its author matters: an earlier self of ours may have died after the push.
        seen = await self._look(place, resolved, resolved.config.branch)
        ours = await self._own(release, resolved, digest, seen.branch)
        return await self._judge(release, record, resolved, digest, seen, ours)

    async def commit(
        self, release: Release, record: Record, resolved: Resolved, digest: str
    ) -> Record:
        """Commit to the branch what is due on the head that is pushed onto.

        Returns:
            The record with the commit, as it was where nothing is due any more.

        Raises:
            StaleError: somebody else pushed meanwhile.
        """

        async def edit(seen: ConfigSeen) -> Change | None:
            base = seen.base_commit
            if base is None or preflight.check_config(resolved, seen) is not None:
                return None
            found = await _find(self._editor, release, resolved, digest, seen)
            if not isinstance(commit.decide(release, record, resolved, found), Act):
                return None
            change = proposal.change(release, resolved, digest, base, found.edited)
            return replace(change, expected=base)

        config = resolved.config
        place = await self._access.to_config(release.ref.namespace, resolved)
        paths = proposal.edited_paths(config.edits)
        made = await self._config.commit(place, config.base_branch, paths, edit)
        if made is None:
            return record
        return replace(
            record,
            proposal=ProposalRecord(config.branch, made.commit, cut_diff(made.diff, DIFF_BYTES)),
        )

    async def _look(self, place: GitPlace, resolved: Resolved, branch: str | None) -> ConfigSeen:
        config = resolved.config
        paths = proposal.edited_paths(config.edits)
        return await self._config.look(place, config.base_branch, paths, branch)

    async def _judge(
        self,
        release: Release,
        record: Record,
        resolved: Resolved,
        digest: str,
        seen: ConfigSeen,
        ours: ProposalRecord | None = None,
    ) -> Verdict:
        # Files that are missing can be neither read nor edited; `decide` has no use for more then.
        refused = preflight.check_config(resolved, seen)
        if refused is not None:
            return refused
        found = await _find(self._editor, release, resolved, digest, seen)
        return commit.decide(release, record, resolved, replace(found, ours=ours))

    async def _own(
        self, release: Release, resolved: Resolved, digest: str, head: BranchSeen | None
    ) -> ProposalRecord | None:
        """Take a head for ours if it is exactly the commit we would make on its parent."""
        config = resolved.config
        if head is None or not propose.is_ours(
            head,
            await editing.edit_parent(self._editor, release, resolved, head, digest),
            pull_request.commit_message(release, resolved, digest),
            (config.author_name, config.author_email),
        ):
            return None
        return ProposalRecord(config.branch, head.commit, cut_diff(head.diff, DIFF_BYTES))


async def _find(
    editor: Editor, release: Release, resolved: Resolved, digest: str, seen: ConfigSeen
) -> commit.CommitSeen:
    edited = await editing.edit(editor, release, resolved, seen.files, digest)
    return commit.CommitSeen(config=seen, current=edited.current, edited=edited.files)
