"""A Secret with the proxy of builds."""

import pytest

from album_operator.decisions import build_proxy
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref


@pytest.mark.parametrize(
    ("keys", "lacks"),
    [
        (None, "does not exist"),
        (frozenset({"https_proxy"}), "has no key `HTTPS_PROXY`"),
        (frozenset({"HTTPS_PROXY"}), None),
    ],
)
def test_a_secret_with_the_proxy_of_builds_that_lacks_is_told_with_the_command_that_makes_it(
    keys: frozenset[str] | None, lacks: str | None
) -> None:
    halt = build_proxy.check_proxy(Ref("album", "album-proxy"), keys)

    assert (halt is not None) is (lacks is not None)
    if halt is not None:
        assert halt.reason is Reason.CREDENTIALS_MISSING
        assert f"Secret album/album-proxy with the proxy of builds {lacks}" in halt.message
        command = "create secret generic" if keys is None else "patch secret"
        assert f"(kubectl {command} -n album album-proxy -" in halt.remedy
