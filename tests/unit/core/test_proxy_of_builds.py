"""A build whose proxy is in a Secret of its namespace begins when that is there."""

import pytest

from tests.fakes.builders import NAMESPACE
from tests.fakes.cluster import raw_secret
from tests.unit.core.stage import Stage

PROXY = "http://user:pa55word@proxy.example.org:3128"


@pytest.mark.parametrize("other", [None, "https_proxy"])
async def test_a_secret_that_lacks_is_told_first_and_once_it_is_there_a_retry_builds(
    other: str | None,
) -> None:
    stage = Stage(ALBUM_BUILD_PROXY_SECRET="album-proxy")
    if other is not None:
        stage.cluster.apply({**raw_secret("album-proxy", **{other: PROXY}), "kind": "Secret"})
    stage.apply()
    await stage.settle()
    assert stage.ready() == ("False", "CredentialsMissing")
    assert f"Secret {NAMESPACE}/album-proxy with the proxy of builds" in stage.message()
    assert stage.jobs == []
    assert "pa55word" not in stage.message()

    stage.cluster.apply({**raw_secret("album-proxy", HTTPS_PROXY=PROXY), "kind": "Secret"})
    stage.annotate(retry="1")
    await stage.settle()
    assert stage.ready() == ("Unknown", "Building")
