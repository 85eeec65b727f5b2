"""What was seen, in short, and what of it is the same."""

from dataclasses import replace

import pytest

from album_operator.domain.claims import ConfigBranch
from album_operator.domain.pull_requests import Glance, PullRequestState
from tests.fakes.builders import CREDENTIAL, OURS, PULL_REQUEST, RELEASE


def test_a_glance_is_what_a_list_shows() -> None:
    draft = replace(PULL_REQUEST, is_draft=True, labels=frozenset({"release"}))

    assert draft.glance == Glance(PullRequestState.OPEN, OURS, is_draft=True, base="main")


def test_a_status_of_an_older_spec_does_not_speak_of_the_present_one() -> None:
    assert replace(RELEASE, generation=2, observed_generation=2).is_observed
    assert not replace(RELEASE, generation=2, observed_generation=1).is_observed


def test_a_credential_of_nothing_is_empty() -> None:
    assert replace(CREDENTIAL, token="").is_empty
    assert not replace(CREDENTIAL, token="", identity="key").is_empty


@pytest.mark.parametrize(
    ("repository", "name", "is_same"),
    [
        ("https://git.example.org/owner/config", "release/x", True),
        ("ssh://git@git.example.org/owner/config", "release/x", True),
        ("https://git.example.org/Owner/Config", "release/x", True),
        ("https://git.example.org/owner/config", "release/y", False),
        ("https://git.example.org/owner/config", "Release/x", False),
        ("https://git.example.com/owner/config", "release/x", False),
    ],
)
def test_a_branch_is_the_same_in_the_same_repository_however_that_is_reached(
    repository: str, name: str, is_same: bool
) -> None:
    branch = ConfigBranch("https://git.example.org/owner/config", "release/x")
    assert branch.is_same(ConfigBranch(repository, name)) is is_same
