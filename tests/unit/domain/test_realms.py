"""Who may be shown a registry's credential beside the registry."""

import pytest

from album_operator.domain.realms import is_own_realm


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("registry-1.docker.io", "auth.docker.io"),
        ("example.org", "auth.example.org"),
        ("ghcr.io", "ghcr.io"),
        ("quay.io", "quay.io"),
        ("registry.gitlab.com", "gitlab.com"),
        ("registry.example.org", "gitlab.example.org"),
        ("gitlab.example.org:5050", "gitlab.example.org"),
        ("registry.example.co.uk", "gitlab.example.co.uk"),
        ("acme.azurecr.io", "acme.azurecr.io"),
        ("us.icr.io", "icr.io"),
        ("registry.cn-hangzhou.aliyuncs.com", "dockerauth.cn-hangzhou.aliyuncs.com"),
        ("registry.digitalocean.com", "api.digitalocean.com"),
        ("rg.fr-par.scw.cloud", "api.scaleway.com"),
        ("Registry.Example.org", "REGISTRY.example.org:8443"),
        ("10.0.0.5:5000", "10.0.0.5:5001"),
        ("[fd00::5]:5000", "[fd00::5]"),
        ("registry:5000", "registry"),
    ],
)
def test_servers_of_the_registry_itself_are_shown_its_credential(registry: str, realm: str) -> None:
    assert is_own_realm(registry, realm)


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("ghcr.io", "ghcr.io.example.org"),
        ("ghcr.io", "evilghcr.io"),
        ("ghcr.io", "quay.io"),
        ("registry.example.org", "example.org.evil.net"),
        ("registry.example.org", "evilexample.org"),
        ("registry.co.uk", "evil.co.uk"),
        ("registry.example.org", "a.b.example.org"),
        ("ghcr.io", "io"),
        ("acme.azurecr.io", "evil.azurecr.io"),
        ("europe-docker.pkg.dev", "evil.pkg.dev"),
        ("1.dkr.ecr.eu-west-1.amazonaws.com", "2.dkr.ecr.eu-west-1.amazonaws.com"),
        ("10.0.0.5:5000", "10.0.0.6:5000"),
        ("10.0.0.5", "9.0.0.5"),
        ("[fd00::5]:5000", "[fd00::6]"),
        ("registry:5000", "evil"),
        ("rg.fr-par.scw.cloud", "api.scaleway.com.evil.net"),
    ],
)
def test_look_alikes_are_shown_nothing(registry: str, realm: str) -> None:
    assert not is_own_realm(registry, realm)
