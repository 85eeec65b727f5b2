"""To whom a registry's credential is shown."""

import pytest

from album_operator.adapters.registry.challenge import Challenge, check_realm, parse_challenge
from album_operator.domain.errors import TerminalError
from album_operator.domain.registry import ImagePlace, RegistryCredential


def place_in(registry: str, *others: str) -> ImagePlace:
    credential = RegistryCredential("push", registry, "u", "p", others=frozenset(others))
    return ImagePlace(f"{registry}/acme/shop", credential)


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("docker.io", "https://auth.docker.io/token"),
        ("ghcr.io", "https://ghcr.io/token"),
        ("quay.io", "https://quay.io/v2/auth"),
        ("registry.gitlab.com", "https://gitlab.com/jwt/auth"),
        ("registry.example.org", "https://gitlab.example.org/jwt/auth"),
        ("registry.example.org:5050", "https://registry.example.org/jwt/auth"),
        ("europe-docker.pkg.dev", "https://europe-docker.pkg.dev/v2/token"),
        ("acme.azurecr.io", "https://acme.azurecr.io/oauth2/token"),
    ],
)
def test_real_registries_have_their_tokens_made(registry: str, realm: str) -> None:
    check_realm(place_in(registry), realm, ())


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("ghcr.io", "https://evil.io/token"),
        ("ghcr.io", "https://ghcr.io.example.org/token"),
        ("registry.example.org", "https://example.com/token"),
        ("registry.example.org", "https://registry.example.org.evil.org/token"),
        ("registry.example.org", "https://a.b.example.org/token"),
        ("192.0.2.7", "https://192.0.2.8/token"),
        ("192.0.2.7", "https://0.2.7/token"),
    ],
)
def test_a_stranger_is_shown_nothing_until_the_secret_names_it(registry: str, realm: str) -> None:
    host = realm.split("/")[2]
    with pytest.raises(TerminalError, match=f"add an entry for {host} to the Secret's auths"):
        check_realm(place_in(registry), realm, ())
    check_realm(place_in(registry, host), realm, ())


def test_plain_http_shows_nothing_unless_an_admin_allows_it() -> None:
    place, realm = place_in("ghcr.io"), "http://ghcr.io/token"
    with pytest.raises(TerminalError, match="ALBUM_INSECURE_HOSTS"):
        check_realm(place, realm, ())
    check_realm(place, realm, {"GHCR.io"})


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b:c"',
            Challenge("https://auth.docker.io/token", "registry.docker.io"),
        ),
        (
            'bearer service=s , REALM="https://ghcr.io/token"',
            Challenge("https://ghcr.io/token", "s"),
        ),
        (
            'Bearer realm="https://x.example.org/a", error="q\\"uoted, x"',
            Challenge("https://x.example.org/a"),
        ),
        (
            'Basic realm="Registry", Bearer realm="https://x.example.org/a"',
            Challenge("https://x.example.org/a"),
        ),
        (
            'Bearer realm="https://x.example.org/a?account=team%20a&x=1",service="s"',
            Challenge("https://x.example.org/a?account=team%20a&x=1", "s"),
        ),
        ('Basic realm="Registry"', Challenge()),
        ("basic", Challenge()),
        # GoogleContainerTools/kaniko#196, regclient#265, go-containerregistry#1075.
        ('BASIC realm="Sonatype Nexus Repository Manager"', Challenge()),
        ("Basic realm=/", Challenge()),
        ('Negotiate, Basic realm="r"', Challenge()),
        (
            'Bearer realm="https://x.example.org/a",service="s",error="insufficient_scope",'
            'scope="repository:a:pull,push repository:b:pull"',
            Challenge("https://x.example.org/a", "s"),
        ),
    ],
)
def test_challenges_are_read_in_every_spelling(header: str, wanted: Challenge) -> None:
    assert parse_challenge(place_in("ghcr.io"), [header]) == wanted
