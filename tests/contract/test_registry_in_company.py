"""A real registry behind a company's proxy, with a certificate of its own authority."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from album_operator.adapters.registry.failures import SHARES
from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.adapters.servers.authorities import trusting
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.errors import TransientError
from album_operator.domain.proxies import read_proxies
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace, RegistryCredential
from tests.contract.company_network import Company, company_network
from tests.contract.distribution_server import (
    PASSWORD,
    USER,
    DistributionServer,
    running_distribution,
)
from tests.contract.registry_stages import on_distribution

NAME = "registry.company.test"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributionServer]:
    with running_distribution(tmp_path_factory.mktemp("registry"), "htpasswd") as running:
        yield running


@pytest.fixture
def company(tmp_path: Path, server: DistributionServer) -> Iterator[Company]:
    with company_network(tmp_path, {NAME: server.host}) as made:
        yield made


def place_of(path: str) -> ImagePlace:
    return ImagePlace(f"{NAME}/{path}", RegistryCredential("push", NAME, USER, PASSWORD), "a")


def registry_in(company: Company) -> HttpRegistry:
    proxies = read_proxies({"HTTPS_PROXY": company.secret_url})
    return HttpRegistry(gateway=Gateway(SHARES, Reason.REGISTRY_UNAVAILABLE, proxies=proxies))


async def test_a_registry_is_read_and_written_through_a_proxy_by_its_own_certificate(
    company: Company, server: DistributionServer
) -> None:
    stage = on_distribution(server, is_open=False)
    digest = stage.push("v1.1.0", {"a": "b"})
    place = place_of(stage.place.path)
    with trusting(company.ca_file):
        registry = registry_in(company)
        seen = await registry.find(place, "v1.1.0")
        await registry.tag(place, digest, "v1.1")
        await registry.close()
    await stage.registry.close()

    assert seen is not None
    assert seen.digest == digest
    assert set(company.connects) == {f"{NAME}:443"}
    assert company.odd == []
    assert PASSWORD.encode() not in company.carried


async def test_a_registry_with_an_unknown_certificate_is_shown_nothing(company: Company) -> None:
    registry = registry_in(company)
    with pytest.raises(TransientError, match="certificate") as caught:
        await registry.find(place_of("acme/shop"), "v1.1.0")
    await registry.close()

    assert caught.value.reason is Reason.REGISTRY_UNAVAILABLE


async def test_a_proxy_that_does_not_connect_is_named(company: Company) -> None:
    company.answer = 403
    registry = registry_in(company)
    with pytest.raises(TransientError, match="answered CONNECT with 403") as caught:
        await registry.find(place_of("acme/shop"), "v1.1.0")
    await registry.close()

    assert caught.value.reason is Reason.REGISTRY_UNAVAILABLE


async def test_a_proxy_is_asked_for_no_registry_in_plain_http(
    company: Company, server: DistributionServer
) -> None:
    stage = on_distribution(server, is_open=False)
    stage.push("v1.1.0", {"a": "b"})
    proxies = read_proxies({"HTTPS_PROXY": company.secret_url})
    gateway = Gateway(SHARES, Reason.REGISTRY_UNAVAILABLE, proxies=proxies)
    registry = HttpRegistry(allowed_hosts={server.host}, gateway=gateway)
    assert await registry.find(replace(stage.place, insecure=True), "v1.1.0") is not None
    await registry.close()
    await stage.registry.close()

    assert company.connects == []
