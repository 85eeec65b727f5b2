"""Which programs for credentials a builder's image has."""

from album_operator.domain.registry_access import KANIKO_PROGRAMS
from album_operator.domain.release import BuildType
from album_operator.render.engines import EngineSettings


def test_kaniko_brings_its_programs_and_of_buildkits_an_admin_tells() -> None:
    programs = frozenset({"ecr-login"})
    engine = EngineSettings("operator", "kaniko", "buildkit", buildkit_programs=programs)

    assert engine.programs_of(BuildType.KANIKO) == KANIKO_PROGRAMS
    assert engine.programs_of(BuildType.BUILDKIT) == programs
