"""Texts for developers: the status of the source commit, and comments on the pull request."""

from album_operator.domain.places import Deployment
from album_operator.domain.record import Outcome, Record
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.render.pull_request import as_code, as_plain

TEXT_LENGTH = 140
"""Longest description of a commit status (docs.github.com, "Create a commit status")."""


def status_context(resolved: Resolved) -> str:
    """Name the commit status: one for each app, as two apps may be released of one commit."""
    return f"album/{resolved.app}"


def status_text(record: Record, resolved: Resolved) -> str:
    """Say in one line how a release stands."""
    words = {
        Outcome.RELEASED: f"{resolved.version} is deployed.",
        Outcome.STALLED: f"{resolved.version}: {record.reason}. {record.message}",
    }
    text = words.get(record.outcome, f"{resolved.version} is being released.")
    return text if len(text) <= TEXT_LENGTH else f"{text[: TEXT_LENGTH - 1]}…"


def deployment_of(release: Release, resolved: Resolved, environment: str) -> Deployment:
    """Describe the release as a deployment; its task is its app's alone, as the status is."""
    return Deployment(
        commit=resolved.source.commit,
        environment=environment,
        task=f"deploy:{resolved.app}",
        release=str(release.ref),
        uid=release.uid,
        description=f"{resolved.app} {resolved.version}",
    )


def comment_text(release: Release, record: Record, resolved: Resolved) -> str:
    """Say on the pull request how its release ended."""
    if record.outcome is Outcome.RELEASED:
        revisions = {app.revision for app in record.applications if app.revision}
        where = ", ".join(as_code(f"{app.namespace}/{app.name}") for app in record.applications)
        at = f" at {as_code(' '.join(sorted(revisions)))}" if revisions else ""
        return f"**Released:** {as_code(resolved.build.image)} runs in {where}{at}, Healthy."
    return (
        f"**{record.reason}:** {as_plain(record.message)}\n\n"
        f"AlbumRelease {as_code(str(release.ref))}, attempt {record.attempt}."
    )
