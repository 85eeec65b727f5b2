"""What developers read of a release: a line at the commit, and a comment."""

from dataclasses import replace

from album_operator.domain.places import Deployment
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ApplicationRecord, Outcome, Record
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.render.feedback import (
    comment_text,
    deployment_of,
    status_context,
    status_text,
)

RELEASED = Record(
    outcome=Outcome.RELEASED,
    reason=Reason.RELEASED,
    applications=(ApplicationRecord("argocd", "album-app-backend", "d" * 40),),
)
STALLED = Record(
    outcome=Outcome.STALLED, reason=Reason.BUILD_FAILED, message="The <b>build</b> failed."
)


def test_each_app_has_a_status_of_its_own(resolved: Resolved) -> None:
    assert status_context(resolved) == "album/backend"


def test_a_deployment_names_app_version_and_release(release: Release, resolved: Resolved) -> None:
    assert deployment_of(release, resolved, "staging") == Deployment(
        resolved.source.commit,
        "staging",
        "deploy:backend",
        "album/backend-v1.1.0",
        release.uid,
        "backend v1.1.0",
    )


def test_a_status_says_how_it_stands_in_one_line(resolved: Resolved) -> None:
    assert status_text(Record(), resolved) == "v1.1.0 is being released."
    assert status_text(RELEASED, resolved) == "v1.1.0 is deployed."
    assert status_text(STALLED, resolved) == "v1.1.0: BuildFailed. The <b>build</b> failed."
    long = status_text(replace(STALLED, message="x" * 500), resolved)
    assert len(long) == 140
    assert long.endswith("…")


def test_a_comment_says_what_runs_where(release: Release, resolved: Resolved) -> None:
    image = "registry.example.org/owner/album-app-backend:v1.1.0"
    assert comment_text(release, RELEASED, resolved) == (
        f"**Released:** `{image}` runs in `argocd/album-app-backend` at `{'d' * 40}`, Healthy."
    )
    unknown = replace(RELEASED, applications=(ApplicationRecord("argocd", "x"),))
    assert comment_text(release, unknown, resolved).endswith("runs in `argocd/x`, Healthy.")


def test_a_comment_on_a_failure_says_why_as_plain_words(
    release: Release, resolved: Resolved
) -> None:
    assert comment_text(release, STALLED, resolved) == (
        r"**BuildFailed:** The \<b\>build\</b\> failed."
        "\n\nAlbumRelease `album/backend-v1.1.0`, attempt 1."
    )
