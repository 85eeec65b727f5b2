"""What a builder pushes with is there before the build, or the release ends with the way to it."""

from dataclasses import replace

import pytest

from album_operator.decisions.push_access import (
    check_identity,
    check_index,
    check_reader,
    check_registry,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.registry_access import KANIKO_PROGRAMS, RegistryAccess
from album_operator.domain.release import BuildType, Ref
from tests.fakes.builders import IMAGE, RESOLVED

SECRET = Ref("album", "album-registry")
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def _for(*hosts: str) -> RegistryAccess:
    return RegistryAccess(frozenset(hosts))


def test_a_missing_push_secret_comes_with_the_command_that_makes_it() -> None:
    halt = check_registry(SECRET, None, f"{IMAGE}:v1.1.0", ())

    assert halt is not None
    assert halt.reason is Reason.CREDENTIALS_MISSING
    assert "kubectl create secret docker-registry -n album album-registry" in halt.sentence


@pytest.mark.parametrize(
    ("hosts", "said"), [(("docker.io", "quay.io"), "docker.io and quay.io"), ((), "none")]
)
def test_a_push_secret_for_other_registries_is_refused(hosts: tuple[str, ...], said: str) -> None:
    halt = check_registry(SECRET, _for(*hosts), f"{IMAGE}:v1.1.0", ())

    assert halt is not None
    assert halt.reason is Reason.HOST_NOT_ALLOWED
    assert "ghcr.io" in halt.sentence
    assert said in halt.sentence


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
@pytest.mark.parametrize(
    "registry", ["docker.io/", "index.docker.io/", "registry-1.docker.io/", "Docker.io/", ""]
)
def test_a_push_secret_for_docker_hub_is_for_all_of_its_names(host: str, registry: str) -> None:
    assert check_registry(SECRET, _for(host), f"{registry}acme/shop:v1", ()) is None


def test_a_push_secret_for_docker_hub_is_not_for_other_registries() -> None:
    halt = check_registry(SECRET, _for("docker.io"), "docker.io.example.org/shop:v1", ())

    assert halt is not None
    assert "docker.io.example.org, only for docker.io" in halt.sentence


def test_a_push_secret_for_the_registry_will_do() -> None:
    assert check_registry(SECRET, _for("ghcr.io"), f"{IMAGE}:v1.1.0", ()) is None


@pytest.mark.parametrize(
    "access",
    [
        RegistryAccess(frozenset(), {ECR: "ecr-login"}),
        RegistryAccess(frozenset(), {"ghcr.io": "pass"}, "ecr-login"),
    ],
)
def test_a_program_the_builder_has_gives_the_credential(access: RegistryAccess) -> None:
    assert check_registry(SECRET, access, f"{ECR}/shop:v1", KANIKO_PROGRAMS) is None


def test_a_program_the_builder_lacks_is_named() -> None:
    """Docker Desktop leaves an entry without a password, and the password on the laptop."""
    access = RegistryAccess(frozenset({"ghcr.io"}), store="desktop")
    halt = check_registry(SECRET, access, f"{IMAGE}:v1", KANIKO_PROGRAMS)

    assert halt is not None
    assert halt.reason is Reason.CREDENTIALS_MISSING
    assert "docker-credential-desktop (credsStore or credHelpers)" in halt.message
    assert "it has acr-env, ecr-login and gcr" in halt.message
    assert "kubectl create secret docker-registry -n album album-registry" in halt.remedy
    none = check_registry(SECRET, access, f"{IMAGE}:v1", ())
    assert none is not None
    assert "it has none" in none.message


@pytest.mark.parametrize(
    ("registry", "is_enough"),
    [
        (ECR, True),
        ("public.ecr.aws", True),
        ("gcr.io", True),
        ("europe-west1-docker.pkg.dev", True),
        ("acme.azurecr.io", True),
        ("ghcr.io", False),
        (f"{ECR}.example.org", False),
        ("gcr.io.example.org", False),
    ],
)
def test_kaniko_needs_no_secret_where_the_cloud_knows_its_pod(
    registry: str, is_enough: bool
) -> None:
    build = replace(RESOLVED.build, image=f"{registry}/acme/shop:v1", push_secret_name="")
    halt = check_identity(replace(RESOLVED, build=build))

    assert (halt is None) is is_enough
    if halt is not None:
        assert halt.reason is Reason.CREDENTIALS_MISSING
        assert f"{registry} is asked for a user" in halt.message


def test_buildkit_always_needs_one() -> None:
    build = replace(RESOLVED.build, type=BuildType.BUILDKIT, image=f"{ECR}/a:v1")

    assert check_identity(replace(RESOLVED, build=build)) is not None


def test_a_secret_to_read_with_must_have_a_credential_itself() -> None:
    image = f"{IMAGE}:v1.1.0"
    assert check_reader(SECRET, _for("ghcr.io"), image) is None
    missing = check_reader(SECRET, None, image)
    assert missing is not None
    assert missing.reason is Reason.CREDENTIALS_MISSING
    helped = RegistryAccess(frozenset(), {"ghcr.io": "ecr-login"})
    without = check_reader(SECRET, helped, image)
    assert without is not None
    assert without.reason is Reason.HOST_NOT_ALLOWED
    assert "has no credential for the registry ghcr.io, only for none." in without.message


def test_an_entry_that_cannot_be_read_stops_a_builder_and_a_reader_of_its_own_registry() -> None:
    image = f"{IMAGE}:v1.1.0"
    others = RegistryAccess(frozenset({"ghcr.io", "quay.io"}), unreadable=frozenset({"quay.io"}))
    push = check_registry(SECRET, others, image, ())
    assert push is not None
    assert push.reason is Reason.CREDENTIALS_MISSING
    assert "has an entry for quay.io in its key .dockerconfigjson whose `auth`" in push.message
    assert push.message.endswith("for whichever registry.")
    # The operator reads what builders do not, and needs no builder for an image of another.
    assert check_reader(SECRET, others, image) is None
    own = RegistryAccess(frozenset({"ghcr.io"}), unreadable=frozenset({"ghcr.io"}))
    read = check_reader(SECRET, own, image)
    assert read is not None
    assert read.reason is Reason.CREDENTIALS_MISSING
    assert read.message.endswith("in base64, with its padding.")
    assert "kubectl create secret docker-registry -n album album-registry" in read.sentence


def test_a_program_is_no_credential_for_the_operator_that_pushes_an_index() -> None:
    several = replace(RESOLVED.build, platforms=("linux/amd64", "linux/arm64"))
    whole = replace(RESOLVED, build=replace(several, image=f"{ECR}/app:v1"))
    access = RegistryAccess(frozenset(), store="ecr-login")
    halt = check_index(SECRET, access, whole)

    assert halt is not None
    assert halt.reason is Reason.CREDENTIALS_MISSING
    assert "to a program, docker-credential-ecr-login. Kaniko builds several" in halt.sentence
    assert check_index(SECRET, _for(ECR), whole) is None
    assert check_index(SECRET, None, whole) is None
    one = replace(whole, build=replace(whole.build, platforms=("linux/amd64",)))
    assert check_index(SECRET, access, one) is None
