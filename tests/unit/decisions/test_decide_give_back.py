"""Who holds an Application's sync policy, and who is let go."""

from dataclasses import replace

from album_operator.decisions.give_back import find_pipelines, let_go
from album_operator.domain.applications import ConsentedApplication
from album_operator.domain.release import Ref
from tests.fakes.builders import APPLICATION_SEEN

KEPT = replace(APPLICATION_SEEN, previous_policy="null")
OURS = Ref("album", "album-app")


def test_pipelines_are_those_that_the_consent_names() -> None:
    consents = frozenset({"album/album-app", "b/c", "odd", "/x", "y/"})

    assert find_pipelines(consents) == {OURS, Ref("b", "c")}


def test_nobody_holds_what_no_pipeline_does() -> None:
    assert let_go(KEPT, []) == ConsentedApplication(KEPT)
    assert let_go(KEPT, [Ref("b", "c")]) == ConsentedApplication(KEPT)
    assert let_go(KEPT, [OURS]) is None


def test_without_consent_nobody_holds_it() -> None:
    seen = replace(KEPT, consents=frozenset())

    assert let_go(seen, [OURS]) == ConsentedApplication(seen)


def test_where_nothing_is_kept_nothing_is_given_back() -> None:
    assert let_go(replace(KEPT, previous_policy=None), []) is None
