"""What was seen of a pull request, in short."""

from dataclasses import replace

from album_operator.domain.seen import Glance, PullRequestState
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
