"""What steps of a Dockerfile ask for is there, and is no credential of the operator's."""

from dataclasses import replace

import pytest

from album_operator.decisions.build_secrets import check_secrets
from album_operator.domain.build_outputs import BuildSecret, SecretKeyRef
from album_operator.domain.reasons import Reason
from album_operator.domain.resolved import Resolved
from tests.fakes.builders import RESOLVED


def _with_secret(key: str = ".npmrc") -> Resolved:
    secrets = (BuildSecret("npmrc", SecretKeyRef("npm", key)),)
    return replace(RESOLVED, build=replace(RESOLVED.build, secrets=secrets))


@pytest.mark.parametrize(
    ("keys", "reason", "said"),
    [
        (None, Reason.CREDENTIALS_MISSING, "create secret generic -n album npm --from-file=.npmrc"),
        ({"other"}, Reason.CREDENTIALS_MISSING, "has no key `.npmrc`"),
        ({".npmrc", "url", "token"}, Reason.HOST_NOT_ALLOWED, "goes to the host in its `url`"),
        ({".npmrc", "url", "identity"}, Reason.HOST_NOT_ALLOWED, "into no build"),
        ({".npmrc", "url", "privateKey"}, Reason.HOST_NOT_ALLOWED, "into no build"),
    ],
)
def test_a_secret_that_cannot_be_given_is_named_with_its_field(
    keys: set[str] | None, reason: Reason, said: str
) -> None:
    known = {"npm": None if keys is None else frozenset(keys)}
    halt = check_secrets("album", _with_secret(), known)

    assert halt is not None
    assert halt.reason is reason
    assert said in halt.sentence
    assert halt.message.startswith("spec.build.secrets[npmrc].secretRef: Secret album/npm ")


@pytest.mark.parametrize("keys", [{".npmrc"}, {".npmrc", "url"}, {".npmrc", "token"}])
def test_a_secret_with_its_key_will_do(keys: set[str]) -> None:
    assert check_secrets("album", _with_secret(), {"npm": frozenset(keys)}) is None
    assert check_secrets("album", RESOLVED, {}) is None
