"""Telling in Argo CD what a release waits for: opt-in, and never in a release's way."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from album_operator.decisions import application
from album_operator.domain.errors import OutsideError, StaleError
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Halt
from album_operator.ports import Applications
from album_operator.render.app_notice import change_for, notice_of
from album_operator.steps.case import Case

LOG = logging.getLogger(__name__)

TRIES = 3
"""Argo CD writes an Application often, and a patch is for what was seen."""


@dataclass(frozen=True)
class Shown:
    """What the pages of a release's Applications say of it.

    Attributes:
        pipeline: whom the Applications let change them.
        annotations: as of `notice_of`.
    """

    applications: tuple[Ref, ...]
    pipeline: Ref
    annotations: Mapping[str, str] = field(default_factory=dict)


class AppNotices:
    """Writes notices on Applications; what cannot be written is only logged.

    Args:
        applications: the port.
        consent: whether Applications must let a pipeline change them.
    """

    def __init__(self, applications: Applications, *, consent: bool) -> None:
        self._applications = applications
        self._consent = consent

    async def show(self, case: Case, known: Shown | None) -> Shown | None:
        """Let the pages tell what a release waits for now, or nothing.

        Args:
            case: the release.
            known: what they say for certain; None where that is not known.

        Returns:
            The same afterwards.
        """
        argocd = case.resolved.argocd
        if not argocd.notice:
            return None
        wish = notice_of(case.release, case.record, case.resolved)
        wanted = Shown(argocd.applications, case.pipeline, wish)
        return known if wanted == known else await self._write(case.release.ref, wanted)

    async def withdraw(self, release: Ref, known: Shown | None) -> None:
        """Take the notice of a deleted release away."""
        if known is not None and known.annotations:
            await self._write(release, Shown(known.applications, known.pipeline))

    async def _write(self, release: Ref, wanted: Shown) -> Shown | None:
        try:
            for ref in wanted.applications:
                await self._patch(release, ref, wanted)
        except OutsideError as error:
            LOG.warning("AlbumRelease %s could not be told of in Argo CD: %s", release, error)
            return None
        return wanted

    async def _patch(self, release: Ref, ref: Ref, wanted: Shown, tries: int = TRIES) -> None:
        seen = await self._applications.find(ref)
        if seen is None:
            return
        asked = application.ask(ref, seen, wanted.pipeline, consent=self._consent)
        change = change_for(seen.notice, wanted.annotations, str(release))
        if isinstance(asked, Halt) or not change:
            return
        try:
            await self._applications.patch(asked, {"metadata": {"annotations": change}})
        except StaleError:
            if tries <= 1:
                raise
            await self._patch(release, ref, wanted, tries - 1)
