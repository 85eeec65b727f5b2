"""The push credential as builders find it."""

import json

import pytest

from album_operator.codec.docker_config import for_builders

KEY = "https://index.docker.io/v1/"
OURS = {"auth": "b3Vycw=="}
OTHER = {"auth": "b3RoZXI="}


@pytest.mark.parametrize(
    "key", ["docker.io", "index.docker.io", "https://registry-1.docker.io/v2/", "Docker.io", KEY]
)
def test_a_credential_for_docker_hub_is_put_where_builders_look(key: str) -> None:
    config = json.dumps({"auths": {"ghcr.io": OTHER, key: OURS}, "credsStore": "x"})
    found = json.loads(for_builders(config))

    assert found["auths"] == {"ghcr.io": OTHER, key: OURS, KEY: OURS}
    assert found["credsStore"] == "x"


def test_a_credential_that_stands_there_already_is_kept() -> None:
    config = json.dumps({"auths": {"docker.io": OTHER, KEY: OURS}})

    assert json.loads(for_builders(config)) == {"auths": {"docker.io": OTHER, KEY: OURS}}


def test_credentials_for_other_registries_are_left_alone() -> None:
    config = {"auths": {"ghcr.io": OTHER, "docker.io.example.org": OURS}}

    assert json.loads(for_builders(json.dumps(config))) == config


@pytest.mark.parametrize("text", ["", "s3cret", "[]", "{}", '{"auths": 7}', "[" * 100_000])
def test_what_is_no_docker_configuration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        for_builders(text)

    assert "s3cret" not in str(caught.value)
