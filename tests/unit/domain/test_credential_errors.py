"""What is said of Secrets that will not do."""

from dataclasses import replace

import pytest

from album_operator.domain.credential_errors import foreign_host, missing_key, missing_secret
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from tests.fakes.builders import API, CREDENTIAL

SECRET = Ref("album", "album-git")


@pytest.mark.parametrize("what", ["git", "forge"])
def test_a_missing_secret_comes_with_the_command_that_makes_it(what: str) -> None:
    error = missing_secret(SECRET, what)

    assert error.reason is Reason.CREDENTIALS_MISSING
    assert "kubectl create secret generic -n album album-git" in error.sentence


def test_a_missing_secret_for_ssh_comes_with_its_own_keys() -> None:
    error = missing_secret(SECRET, "ssh")

    assert error.reason is Reason.CREDENTIALS_MISSING
    assert "--from-file=identity=… --from-file=known_hosts=…" in error.sentence


@pytest.mark.parametrize(
    ("key", "way_out"),
    [
        ("token", "Add a token of the forge"),
        ("identity", "name an https:// URL in the pipeline"),
        ("known_hosts", "ssh-keyscan"),
    ],
)
def test_a_key_that_is_missing_is_named_with_the_way_out(key: str, way_out: str) -> None:
    error = missing_key("album/album-git", key, "ssh://git:pw@git.example.org/o/n")

    assert error.reason is Reason.CREDENTIALS_MISSING
    assert f"Secret album/album-git has no key `{key}`" in error.sentence
    assert "git.example.org/o/n" in error.sentence
    assert way_out in error.sentence
    assert error.sentence.endswith("set the annotation album.dev/retry.")
    assert "pw" not in error.sentence


def test_a_secret_for_another_host_is_refused_without_showing_what_is_in_it() -> None:
    credential = replace(CREDENTIAL, url="https://bot:s3cret-t0ken@git.example.org")
    error = foreign_host(str(SECRET), credential, API)

    assert error.reason is Reason.HOST_NOT_ALLOWED
    assert API in error.sentence
    assert "https://git.example.org by its key" in error.sentence
    assert CREDENTIAL.token not in error.sentence
