"""A GitHub App in a Secret, in place of a token."""

from dataclasses import replace

import pytest

from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.adapters.servers.addresses import check_forge_credential, check_git_credential
from album_operator.domain.errors import TerminalError
from album_operator.domain.forges import ForgeType
from album_operator.domain.places import ForgePlace, GitHubApp
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.steps.access import Access
from tests.fakes.builders import RESOLVED
from tests.fakes.cluster import FakeCluster, raw_secret

GIT = Ref("album", "album-git")
KEYS = {
    "url": "https://github.com/acme",
    "appID": "Iv1.12\n",
    "installationID": "34",
    "privateKey": "-----BEGIN pr1vate\nkey\n",
}


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


async def test_an_app_is_read_in_place_of_a_token(cluster: FakeCluster) -> None:
    cluster.apply(raw_secret("album-git", **KEYS))
    credential = await ClusterSecrets(cluster).find_credential(GIT)
    assert credential is not None
    assert credential.token == ""
    assert credential.app == GitHubApp("Iv1.12", 34, "-----BEGIN pr1vate\nkey")
    assert not credential.is_empty
    assert "pr1vate" not in repr(credential)
    repository = "https://github.com/acme/config"
    check_git_credential(credential, repository)
    check_forge_credential(credential, "https://api.github.com", repository)


async def test_a_token_beside_an_app_is_taken(cluster: FakeCluster) -> None:
    cluster.apply(raw_secret("album-git", **KEYS, token="t0ken"))
    credential = await ClusterSecrets(cluster).find_credential(GIT)
    assert credential is not None
    assert (credential.token, credential.app) == ("t0ken", None)


@pytest.mark.parametrize("key", ["appID", "installationID", "privateKey"])
async def test_a_missing_key_of_an_app_is_named(cluster: FakeCluster, key: str) -> None:
    cluster.apply(raw_secret("album-git", **{k: v for k, v in KEYS.items() if k != key}))
    with pytest.raises(TerminalError) as caught:
        await ClusterSecrets(cluster).find_credential(GIT)
    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert f"`{key}`" in caught.value.sentence
    assert "pr1vate" not in caught.value.sentence


@pytest.mark.parametrize("number", ["album", "-1", "٣", "1" * 30])
async def test_an_installation_is_a_number(cluster: FakeCluster, number: str) -> None:
    cluster.apply(raw_secret("album-git", **{**KEYS, "installationID": number}))
    with pytest.raises(TerminalError) as caught:
        await ClusterSecrets(cluster).find_credential(GIT)
    assert "`installationID`" in caught.value.sentence


async def test_git_is_given_a_token_that_the_app_made(cluster: FakeCluster) -> None:
    asked = []

    class App:
        async def git_token(self, place: ForgePlace) -> str:
            asked.append((place.api_url, place.repository, place.type, place.credential.app))
            return f"t{len(asked)}"

    cluster.apply(raw_secret("album-git", **KEYS))
    access = Access(ClusterSecrets(cluster), App(), "album")
    repository = "https://github.com/acme/config.git"
    resolved = replace(RESOLVED, config=replace(RESOLVED.config, repository=repository))
    for token in ("t1", "t2"):
        credential = (await access.to_config(resolved)).credential
        assert (credential.username, credential.token) == ("x-access-token", token)
        assert credential.app is None
    app = GitHubApp("Iv1.12", 34, "-----BEGIN pr1vate\nkey")
    assert asked[0] == ("https://api.github.com", "acme/config", ForgeType.GITHUB, app)

    elsewhere = replace(RESOLVED, config=replace(RESOLVED.config, repository="https://x.org/a/b"))
    with pytest.raises(TerminalError) as caught:
        await access.to_config(elsewhere)
    assert caught.value.reason is Reason.HOST_NOT_ALLOWED
    assert len(asked) == 2
