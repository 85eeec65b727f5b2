"""Addresses of the node and the cluster, in whatever spelling, are told from all others."""

import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from album_operator.adapters.servers import networks
from album_operator.adapters.servers.dialer import look_up
from album_operator.adapters.servers.networks import (
    addresses_of,
    describe_address,
    describe_host,
    describe_name,
    find_address,
)


@pytest.fixture(autouse=True)
def in_a_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 10.96.0.10\nsearch album.svc.k8s.acme svc.k8s.acme k8s.acme\n")
    monkeypatch.setattr(networks, "RESOLV_CONF", resolv)
    networks._domains.cache_clear()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "::1", "0.0.0.0", "0.1.2.3", "::",  # noqa: S104
        "169.254.169.254", "169.254.0.1", "fe80::1", "febf::1",
        "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1",
        "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "10.96.0.1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.96.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1",
        "2002:7f00:1::", "2002:a9fe:a9fe::1",
    ],
)  # fmt: skip
def test_what_belongs_to_node_and_cluster_is_told(address: str) -> None:
    assert describe_address(ip_address(address)) is not None


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.1", "140.82.121.4", "2001:db8::1", "2606:50c0:8000::153", "64:ff9b::8c52:7904",
        # Forges live there.
        "10.0.0.1", "172.16.0.1", "172.30.0.5", "192.168.1.1", "fd12:3456::1", "100.64.0.1",
        "10.96.0.2", "168.63.129.17",
    ],
)  # fmt: skip
def test_all_others_are_gone_to(address: str) -> None:
    assert describe_address(ip_address(address)) is None


@pytest.mark.parametrize(
    "host", ["0x7f.1", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "127.0.0.01", "1", "0"]
)
def test_a_number_in_another_spelling_is_no_address(host: str) -> None:
    with pytest.raises(ValueError, match=host):
        find_address(host)


def test_names_are_no_addresses() -> None:
    for host in ("git.example.org", "0x7f.example.org", "1.example", "beef", "127.0.0.1.nip.io"):
        assert find_address(host) is None
    assert find_address("[2001:db8::1]") == ip_address("2001:db8::1")


@pytest.mark.parametrize(
    "name",
    [
        "kubernetes.default.svc", "KUBERNETES.default.SVC", "a.b.svc.cluster.local",
        "10-0-0-1.album.pod.cluster.local", "argocd-server.argocd.svc.k8s.acme",
        "x.k8s.acme",
    ],
)  # fmt: skip
def test_names_of_services_and_pods_are_told(name: str) -> None:
    assert describe_name(name) is not None


def test_other_names_are_gone_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("git.example.org", "svc.example.org", "notk8s.acme", "gitea.svc.example.org"):
        assert describe_name(name) is None
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "api.k8s.example.org")
    assert describe_name("api.k8s.example.org") == "the API server"
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    assert describe_name("git.example.org") is None


def test_without_a_configuration_of_dns_only_the_usual_names_are_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(networks, "RESOLV_CONF", tmp_path / "none")
    assert describe_name("x.k8s.acme") is None
    assert describe_name("x.y.svc") is not None


def answering(monkeypatch: pytest.MonkeyPatch, addresses: list[str], canonical: str = "") -> None:
    """Let DNS say this of every name."""

    def look(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        del host
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, canonical, (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["192.0.2.1", "169.254.169.254"], ["fe80::1%eth0"], ["10.96.0.1"]]
)
def test_one_bad_address_of_a_name_is_enough(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    answering(monkeypatch, addresses)
    assert describe_host("git.example.org", look_up("git.example.org", 443)) is not None


def test_a_short_name_is_what_the_resolver_makes_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["10.1.2.3"], "argocd-server.argocd.svc.cluster.local")
    found = look_up("argocd-server.argocd", 443)
    assert describe_host("argocd-server.argocd", found) == "a Service or Pod of the cluster"
    answering(monkeypatch, ["10.1.2.3", "10.1.2.3", "10.1.2.2"], "git.example.org")
    found = look_up("git", 443)
    assert describe_host("git", found) is None
    assert addresses_of(found) == ("10.1.2.3", "10.1.2.2")
