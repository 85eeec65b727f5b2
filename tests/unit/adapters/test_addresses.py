"""Which URLs and hosts a token may go to."""

from dataclasses import replace

import pytest

from album_operator.adapters.servers.addresses import (
    check_address,
    check_forge_credential,
    check_git_address,
    check_git_credential,
)
from album_operator.domain.errors import TerminalError
from album_operator.domain.places import Credential
from album_operator.domain.reasons import Reason

CREDENTIAL = Credential("album-git", "https://git.example.org/owner", "x", "some-token")


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/owner/name",
        "https://git.example.org/owner/name.git",
        "https://git.example.org:8443/owner/name/",
        "https://[2001:db8::1]/owner/name",
        "http://gitea:3000/owner/name",
    ],
)
def test_https_and_listed_plain_hosts_pass(url: str) -> None:
    check_address(url, {"Gitea:3000"})
    check_git_address(url, {"Gitea:3000"})


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git.example.org/owner/name",
        "ssh://git@git.example.org:2222/~owner/name.git",
    ],
)
def test_a_repository_may_be_reached_over_ssh_and_an_api_not(url: str) -> None:
    check_git_address(url, {})
    with pytest.raises(TerminalError):
        check_address(url, {})


@pytest.mark.parametrize(
    "url",
    [
        "http://git.example.org/owner/name",
        "http://gitea/owner/name",
        "http://gitea:30000/owner/name",
        "http://169.254.169.254/",
        "ext::sh -c id",
        "file:///etc/passwd",
        "ssh://-oProxyCommand=x/y",
        "ssh://git@-oProxyCommand=x/y",
        "ssh://-lroot@git.example.org/y",
        "ssh://git:s3cret@git.example.org/y",
        "ssh://git@git.example.org/a/../b",
        "ssh://git@git.example.org/$(id)",
        "ssh://git@git.example.org/a'b",
        "ssh://git@git.example.org/a\n",
        "ssh://git.example.org",
        "git@host:owner/name",
        "https://user:token@git.example.org/owner/name",
        "https://git.example.org/$TOKEN",
        "https://git.example.org/a/../b",
        "https://git.example.org/a?x=1",
        "https://git.example.org/a#x",
        "https://git.example.org/a%2e%2e",
        "https://git.example.org/a\r\nHost: b",
        "https://git.example.org/a\n",
        "https:///a",
        "--upload-pack=x",
        "",
    ],
)
def test_all_else_is_refused_by_name(url: str) -> None:
    with pytest.raises(TerminalError) as caught:
        check_git_address(url, {"gitea:3000"})
    assert caught.value.reason is Reason.HOST_NOT_ALLOWED


def test_a_token_goes_only_below_its_own_url() -> None:
    check_git_credential(CREDENTIAL, "https://git.example.org/owner/name")
    for url in ("https://git.example.org/other/name", "https://git.example.org.evil.org/owner/x"):
        with pytest.raises(TerminalError) as caught:
            check_git_credential(CREDENTIAL, url)
        assert "album-git" in caught.value.sentence
        assert "some-token" not in caught.value.sentence


def test_a_key_that_is_missing_is_named_before_anything_is_sent() -> None:
    with pytest.raises(TerminalError) as caught:
        check_git_credential(CREDENTIAL, "ssh://git@git.example.org/owner/name")
    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert "`identity`" in caught.value.sentence
    without = replace(CREDENTIAL, token="", identity="i", known_hosts="k")
    check_git_credential(without, "ssh://git@git.example.org/owner/name")
    with pytest.raises(TerminalError) as caught:
        check_forge_credential(
            without, "https://git.example.org/api/v1", "ssh://git@git.example.org/owner/name"
        )
    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert "`token`" in caught.value.sentence


def test_a_token_goes_to_the_api_of_its_own_host_for_its_own_repositories() -> None:
    api = "https://git.example.org/api/v1"
    check_forge_credential(CREDENTIAL, api, "https://git.example.org/owner/name")
    with pytest.raises(TerminalError):
        check_forge_credential(CREDENTIAL, api, "https://git.example.org/other/name")
    with pytest.raises(TerminalError):
        check_forge_credential(
            CREDENTIAL, "https://api.example.org", "https://git.example.org/owner/name"
        )


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "169.254.169.254", "[::1]", "[fe80::1]", "[::ffff:127.0.0.1]", "0x7f.1",
        "127.1", "2130706433", "0177.0.0.1", "0.1.2.3", "[::]", "[64:ff9b::a9fe:a9fe]",
        "224.0.0.1",
        "kubernetes.default.svc", "gitea.gitea.svc", "Argocd-Server.argocd.svc.CLUSTER.local",
    ],
)  # fmt: skip
def test_a_pipeline_leads_to_no_address_of_node_or_cluster(host: str) -> None:
    for url in (f"https://{host}/o/n", f"https://{host}:6443/o/n"):
        for check in (check_address, check_git_address):
            with pytest.raises(TerminalError) as caught:
                check(url, {})
            assert caught.value.reason is Reason.HOST_NOT_ALLOWED
    if not host.startswith("["):
        with pytest.raises(TerminalError):
            check_git_address(f"ssh://git@{host}/o/n", {})


def test_an_admin_lets_a_host_be_there_on_all_ports_or_on_one() -> None:
    url = "https://gitea.gitea.svc:3000/o/n"
    check_address(url, {}, {"gitea.gitea.svc"})
    check_address(url, {}, {"Gitea.gitea.SVC:3000"})
    check_address("https://[::1]:3000/o/n", {}, {"[::1]:3000"})
    check_address("https://gitea.gitea.svc/o/n", {}, {"gitea.gitea.svc:443"})
    check_git_address("ssh://git@gitea.gitea.svc/o/n", {}, {"gitea.gitea.svc:22"})
    for other in ({"gitea.gitea.svc:443"}, {"gitea"}, {"svc"}):
        with pytest.raises(TerminalError) as caught:
            check_address(url, {}, other)
        assert "add gitea.gitea.svc:3000 to the operator's ALBUM_ALLOWED_HOSTS" in (
            caught.value.sentence
        )


def test_private_ranges_are_gone_to() -> None:
    for host in ("10.0.0.7", "172.30.0.5", "192.168.1.1", "gitea", "gitea.internal"):
        check_address(f"https://{host}/o/n", {})
