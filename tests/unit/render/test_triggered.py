"""The release that a tag makes is valid, and read as one that a person would apply."""

from album_operator.codec import parse_release
from album_operator.domain.release import Mode, Ref
from album_operator.render.triggered import render_triggered
from tests.fakes.builders import raw_release
from tests.fakes.crd_schema import faults_of_spec


def test_a_tag_makes_a_release_of_it_that_tells_who_asked() -> None:
    made = render_triggered(Ref("album", "backend-v1.2.0"), "album-app", "backend-v1.2.0", "ada")
    assert faults_of_spec("albumreleases", made["spec"]) == []
    raw = raw_release() | {"spec": made["spec"]}
    raw["metadata"] = raw["metadata"] | made["metadata"]
    release = parse_release(raw)
    assert str(release.ref) == "album/backend-v1.2.0"
    assert (release.pipeline, release.tag) == ("album-app", "backend-v1.2.0")
    assert (release.mode, release.allow_downgrade) == (Mode.APPLY, False)
    assert release.requested_by == "ada"
