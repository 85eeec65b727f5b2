"""Who asks for what this version does not know is told what, and the way out."""

from dataclasses import replace

from album_operator.decisions.newer import find_unknown
from album_operator.domain.reasons import TRANSIENT
from tests.fakes.builders import PIPELINE, RELEASE


def test_the_first_wish_that_is_not_known_whole_is_named() -> None:
    assert find_unknown(RELEASE, PIPELINE) is None
    assert find_unknown(RELEASE, None) is None
    error = find_unknown(RELEASE, replace(PIPELINE, newer="spec.build.sbom"))
    assert error is not None
    assert error.reason in TRANSIENT
    assert str(error) == (
        "spec.build.sbom of AlbumPipeline album-app, or what it holds, is unknown to this version "
        "of the operator. The installed CRD has it, so a newer version knows it: run that one, or "
        "take the field away."
    )
    assert "spec.mode of AlbumRelease" in str(find_unknown(replace(RELEASE, newer="spec.mode")))
