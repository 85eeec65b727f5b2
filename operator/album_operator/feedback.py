"""Telling developers, where they look, how a release went: opt-in, and never in a release's way."""

import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from album_operator.decisions.take_back import OVER
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import CommitState, DeploymentState, ForgePlace
from album_operator.domain.record import Outcome, Record
from album_operator.domain.release import Release
from album_operator.ports import PullRequests
from album_operator.render.feedback import (
    comment_text,
    deployment_of,
    status_context,
    status_text,
)
from album_operator.steps.case import Case

LOG = logging.getLogger(__name__)

BUDGET, WINDOW = 100, timedelta(hours=1)
"""Words written to one forge in an hour: of GitHub's 500 content-creating requests an hour and
token most are left for pull requests (docs.github.com, "Rate limits for the REST API")."""

STATES = {
    Outcome.WORKING: (CommitState.PENDING, DeploymentState.IN_PROGRESS),
    Outcome.RELEASED: (CommitState.SUCCESS, DeploymentState.SUCCESS),
    Outcome.STALLED: (CommitState.FAILURE, DeploymentState.FAILURE),
}

DEPLOYMENT_WRITES = 2
"""A deployment and its state, or its state and that of the one it replaces."""


class Feedback:
    """Writes commit statuses, comments and deployments; what cannot be written is only logged."""

    def __init__(self, forge: PullRequests, clock: Callable[[], datetime]) -> None:
        self._forge = forge
        self._clock = clock
        self._written: defaultdict[str, deque[datetime]] = defaultdict(deque)

    async def tell(self, case: Case) -> None:
        """Tell of a release that began or ended; to tell it twice does no harm."""
        wish, states = case.resolved.feedback, STATES.get(case.record.outcome)
        if states is None:
            return
        to_commit, to_deployment = states
        if wish.commit_status:
            await self._try(case, self._set_status(case, to_commit))
        if wish.comment and to_commit is not CommitState.PENDING:
            await self._try(case, self._comment(case))
        if wish.environment is not None:
            await self._try(case, self._set_deployment(case, wish.environment, to_deployment))

    async def _try(self, case: Case, work: Awaitable[None]) -> None:
        try:
            await work
        except OutsideError as error:
            LOG.warning("AlbumRelease %s could not be told of: %s", case.release.ref, error)

    async def _set_status(self, case: Case, state: CommitState) -> None:
        place = await case.access.to_source_forge(case.resolved)
        if self._may_write(place, case.release):
            record, resolved = case.record, case.resolved
            await self._forge.set_status(
                place,
                resolved.source.commit,
                state,
                status_context(resolved),
                status_text(record, resolved),
                _page_of(record),
            )

    async def _set_deployment(self, case: Case, environment: str, state: DeploymentState) -> None:
        place, record = await case.access.to_source_forge(case.resolved), case.record
        if record.reason in OVER:
            state = DeploymentState.INACTIVE
        if self._may_write(place, case.release, DEPLOYMENT_WRITES):
            await self._forge.set_deployment(
                place,
                deployment_of(case.release, case.resolved, environment),
                state,
                status_text(record, case.resolved),
                _page_of(record),
            )

    async def _comment(self, case: Case) -> None:
        record = case.record
        if record.pull_request is None:
            return
        place = await case.access.to_forge(case.resolved)
        if self._may_write(place, case.release):
            key = f"{record.outcome.lower()}-{record.attempt}"
            text = comment_text(case.release, record, case.resolved)
            await self._forge.comment(place, record.pull_request.number, key, text)

    def _may_write(self, place: ForgePlace, release: Release, words: int = 1) -> bool:
        written, now = self._written[place.api_url], self._clock()
        while written and now - written[0] > WINDOW:
            written.popleft()
        if len(written) + words > BUDGET:
            LOG.warning(
                "AlbumRelease %s is not told of: %s words in an hour is all %s gets.",
                release.ref, BUDGET, place.api_url,
            )  # fmt: skip
            return False
        written.extend([now] * words)
        return True


def _page_of(record: Record) -> str | None:
    return record.pull_request.url if record.pull_request is not None else None
