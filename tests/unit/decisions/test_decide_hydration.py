"""Of which dry commit synced manifests are is read in git where the status does not tell."""

from dataclasses import replace

import pytest

from album_operator.decisions.application import errors_of
from album_operator.decisions.hydration import needs_metadata
from album_operator.domain.applications import ApplicationSeen, Hydration
from tests.fakes.builders import APPLICATION_SEEN, CONFIG, RESOLVED

HYDRATION = Hydration(f"{CONFIG}.git", "environments/prod", "backend", "f" * 40)


def _seen(hydration: Hydration | None, revision: str | None = None) -> ApplicationSeen:
    source = replace(APPLICATION_SEEN.sources[0], revision=revision)
    return replace(APPLICATION_SEEN, sources=(source,), hydration=hydration)


@pytest.mark.parametrize(
    ("seen", "is_needed"),
    [
        (_seen(HYDRATION), True),
        (_seen(HYDRATION, "a" * 40), False),
        (_seen(replace(HYDRATION, revision=None)), False),
        (_seen(replace(HYDRATION, repository="https://git.example.org/owner/other")), False),
        (_seen(None), False),
    ],
)
def test_git_is_asked_only_where_that_tells_more(seen: ApplicationSeen, *, is_needed: bool) -> None:
    assert needs_metadata(seen, RESOLVED.config) == (HYDRATION if is_needed else None)


def test_what_hydrated_manifests_wait_for_is_told() -> None:
    assert errors_of(_seen(None)) == errors_of(_seen(HYDRATION)) == ""
    staged = replace(HYDRATION, staged_on="environments/prod-next")
    assert "on branch environments/prod-next" in errors_of(_seen(staged))
    assert "from environments/prod once" in errors_of(_seen(staged))
    failed = replace(staged, failure="helm template failed")
    assert errors_of(_seen(failed)).endswith("not make its manifests: helm template failed.")
