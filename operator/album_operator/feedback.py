"""Telling developers, where they look, how a release went: opt-in, and never in a release's way."""

import logging
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

from album_operator.domain.errors import OutsideError
from album_operator.domain.places import CommitState, ForgePlace
from album_operator.domain.record import Outcome
from album_operator.domain.release import Release
from album_operator.ports import PullRequests
from album_operator.render.feedback import comment_text, status_context, status_text
from album_operator.steps.case import Case

LOG = logging.getLogger(__name__)

BUDGET, WINDOW = 100, timedelta(hours=1)
"""Words written to one forge in an hour: of GitHub's 500 content-creating requests an hour and
token most are left for pull requests (docs.github.com, "Rate limits for the REST API")."""

STATES = {
    Outcome.WORKING: CommitState.PENDING,
    Outcome.RELEASED: CommitState.SUCCESS,
    Outcome.STALLED: CommitState.FAILURE,
}


class Feedback:
    """Writes commit statuses and comments; what cannot be written is only logged."""

    def __init__(self, forge: PullRequests, clock: Callable[[], datetime]) -> None:
        self._forge = forge
        self._clock = clock
        self._written: defaultdict[str, deque[datetime]] = defaultdict(deque)

    async def tell(self, case: Case) -> None:
        """Tell of a release that began or ended; to tell it twice does no harm."""
        wish, state = case.resolved.feedback, STATES.get(case.record.outcome)
        if state is None:
            return
        try:
            if wish.commit_status:
                await self._set_status(case, state)
            if wish.comment and state is not CommitState.PENDING:
                await self._comment(case)
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
                record.pull_request.url if record.pull_request is not None else None,
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

    def _may_write(self, place: ForgePlace, release: Release) -> bool:
        written, now = self._written[place.api_url], self._clock()
        while written and now - written[0] > WINDOW:
            written.popleft()
        if len(written) >= BUDGET:
            LOG.warning(
                "AlbumRelease %s is not told of: %s words in an hour is all %s gets.",
                release.ref, BUDGET, place.api_url,
            )  # fmt: skip
            return False
        written.append(now)
        return True
