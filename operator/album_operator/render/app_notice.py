"""The notice on an Application's page in Argo CD: what a release waits for there.

Argo CD shows these annotations since 3.5 (docs/user-guide/application-notice.md).
"""

from collections.abc import Mapping

from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, Record, StepName
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved

CONTENT = "notice.argocd.argoproj.io/content"
SEVERITY = "notice.argocd.argoproj.io/severity"
URL = "notice.argocd.argoproj.io/url"

OWNER = "album.dev/notice"
"""Of which release the notice is; one without it is not ours."""

LENGTH = 500
"""Most characters that are shown of a notice."""

KEYS = (CONTENT, SEVERITY, URL, OWNER)

WAITS = {
    Reason.AWAITING_MERGE: "waits for review",
    Reason.REVIEW_REQUIRED: "waits for review",
    Reason.DRAFT: "waits: its pull request is a draft",
    Reason.CHANGES_REQUESTED: "waits: a review asks for changes",
    Reason.CHECKS_FAILING: "waits: checks of its pull request fail",
    Reason.BEHIND: "waits: its pull request is behind its base",
    Reason.HELD: "waits: the app is held",
}
"""What a pull request waits for while a person is to act."""


def notice_of(release: Release, record: Record, resolved: Resolved) -> Mapping[str, str]:
    """Give the annotations that tell what a release waits for; empty where it waits for nobody."""
    proposed, reason = record.pull_request, record.step(StepName.MERGED).reason
    waits = record.outcome is Outcome.WORKING and record.next_step is StepName.MERGED
    if not (resolved.argocd.notice and waits and proposed is not None and reason in WAITS):
        return {}
    return {
        CONTENT: f"{resolved.app} {resolved.version} {WAITS[reason]}: {proposed.url}"[:LENGTH],
        SEVERITY: "info",
        URL: proposed.url,
        OWNER: str(release.ref),
    }


def change_for(
    seen: Mapping[str, str], wish: Mapping[str, str], release: str
) -> dict[str, str | None]:
    """Give what is to change of an Application's annotations; None takes one away.

    Args:
        seen: those of `KEYS` that it has.
        wish: as of `notice_of`.
        release: `<namespace>/<name>` of the release. Where it waits for nobody, another one's
            notice stays; so does that of a person, whatever it is at.
    """
    is_anothers = not wish and seen.get(OWNER) != release
    if is_anothers or (seen and OWNER not in seen):
        return {}
    return {key: wish.get(key) for key in KEYS if seen.get(key) != wish.get(key)}
