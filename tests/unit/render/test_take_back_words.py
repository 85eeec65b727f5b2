"""What the readers of a pull request are told that its own release closes."""

from dataclasses import replace

from album_operator.domain.release import Ref
from album_operator.render import take_back
from tests.fakes.builders import RELEASE, RESOLVED, SOURCE

REF = RELEASE.ref


def test_whose_it_was_and_why_is_told() -> None:
    assert take_back.cancelled(REF).startswith(f"AlbumRelease `{REF}` was cancelled")
    assert take_back.deleted(REF).startswith(f"AlbumRelease `{REF}` was deleted")


def test_the_successor_is_named_and_what_it_brings_is_linked() -> None:
    said = take_back.superseded(REF, RESOLVED, "v1.2.0", Ref("album", "other"))
    link = f"{SOURCE}/compare/backend-v1.1.0...backend-v1.2.0"
    assert f"is superseded by [v1.2.0]({link}) by AlbumRelease `album/other`" in said


def test_without_a_page_or_a_release_there_is_none_to_name() -> None:
    source = replace(RESOLVED.source, repository="ssh://git@git.example.org/owner/app")
    said = take_back.superseded(REF, replace(RESOLVED, source=source), "v1.2.0", None)
    assert said.endswith("is superseded by v1.2.0, so this pull request is closed.")
