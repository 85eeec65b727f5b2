"""What HTTPS_PROXY and NO_PROXY mean, and that they mean one thing only."""

import pytest

from album_operator.domain.proxies import (
    Proxies,
    Proxy,
    ProxyVariablesError,
    parse_proxy,
    read_proxies,
)
from album_operator.domain.secret_words import Words

PROXY = Proxy("proxy.example.org:3128")


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://proxy.example.org:3128", PROXY),
        ("http://Proxy.example.org:3128/", PROXY),
        ("proxy.example.org:3128", PROXY),
        ("http://[fd00::1]:3128", Proxy("[fd00::1]:3128")),
        (
            "http://ann:p%40ss%2Fword@proxy.example.org:3128",
            Proxy("proxy.example.org:3128", "ann", "p@ss/word"),
        ),
        ("http://ann@proxy.example.org:3128", Proxy("proxy.example.org:3128", "ann")),
    ],
)
def test_the_url_of_a_proxy_is_read(text: str, proxy: Proxy) -> None:
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "proxy.example.org",  # curl takes port 1080, Go 80
        "http://proxy.example.org",
        "http://proxy.example.org:0",
        "http://proxy.example.org:65536",
        "http://proxy.example.org:3128/path",
        "http://proxy.example.org:3128?a",
        "http://:3128",
        "http://ann:p@ss@proxy.example.org:3128",
        "http://-oProxyCommand=x:3128",
        "https://proxy.example.org:3128",
        "socks5://proxy.example.org:1080",
        "http://proxy.example.org:3128\n",
    ],
)
def test_what_is_no_such_url_is_told(text: str) -> None:
    assert parse_proxy(text) is None


def test_user_and_password_are_in_the_one_url_that_needs_them() -> None:
    proxy = Proxy("proxy.example.org:3128", "ann", "p@ss/word")
    assert proxy.url == "http://proxy.example.org:3128"
    assert proxy.secret_url == "http://ann:p%40ss%2Fword@proxy.example.org:3128"
    assert parse_proxy(proxy.secret_url) == proxy
    assert proxy.headers == {"Proxy-Authorization": "Basic YW5uOnBAc3Mvd29yZA=="}
    assert "p@ss" not in repr(proxy)
    assert proxy.words == Words(frozenset({"p@ss/word", "ann:p@ss/word"}), frozenset({"ann"}))
    assert PROXY.words == Words(frozenset())
    assert Proxy("p:1", "ann").secret_url == "http://ann:@p:1"
    assert (PROXY.secret_url, PROXY.headers) == (PROXY.url, {})


@pytest.mark.parametrize(
    ("entry", "through", "directly"),
    [
        ("example.org", ["badexample.org", "example.org.evil"], ["example.org", "git.Example.org"]),
        (".example.org", ["badexample.org"], ["example.org", "a.git.example.org", "example.org."]),
        ("*.example.org", ["badexample.org"], ["example.org", "git.example.org"]),
        (
            "git.example.org:8443",
            ["git.example.org", "git.example.org:443"],
            ["git.example.org:8443"],
        ),
        ("git.example.org:443", ["git.example.org:8443"], ["git.example.org"]),
        (".svc", ["svc.example.org"], ["gitea.gitea.svc:3000"]),
        ("10.0.0.0/8", ["11.0.0.1", "ten.example.org", "[fd00::1]"], ["10.1.2.3"]),
        ("10.1.2.3/8", ["11.0.0.1"], ["10.9.9.9"]),
        ("fd00::/8", ["[fe00::1]", "10.0.0.1"], ["[fd12::1]:8443"]),
        ("10.0.0.1", ["10.0.0.10", "x10.0.0.1", "0.0.1"], ["10.0.0.1", "10.0.0.1:8443"]),
        ("10.0.0.1:8443", ["10.0.0.1"], ["10.0.0.1:8443"]),
        ("fd00::1", ["[fd00::2]"], ["[fd00::1]", "[fd00:0::1]:8443"]),
        ("[fd00::1]", ["[fd00::2]"], ["[fd00::1]"]),
        ("[fd00::1]:8443", ["[fd00::1]"], ["[fd00::1]:8443"]),
        ("*", [], ["example.org", "10.0.0.1"]),
        ("", ["example.org"], ["localhost", "127.0.0.1:3000", "[::1]"]),
    ],
)
def test_hosts_of_no_proxy_are_gone_to_directly(
    entry: str, through: list[str], directly: list[str]
) -> None:
    proxies = read_proxies({"HTTPS_PROXY": PROXY.url, "NO_PROXY": f" {entry} , other.invalid"})
    assert [host for host in through if proxies.find(f"https://{host}/o/n") is None] == []
    assert [host for host in directly if proxies.find(f"https://{host}/o/n")] == []


@pytest.mark.parametrize("url", ["http://example.org/o/n", "ssh://git@example.org/o/n", "/path"])
def test_nothing_but_tls_goes_through_a_proxy(url: str) -> None:
    assert Proxies(PROXY).find(url) is None
    assert Proxies(PROXY).find("https://example.org/o/n") is PROXY


def test_without_a_proxy_all_is_gone_to_directly() -> None:
    assert read_proxies({"HTTPS_PROXY": " ", "NO_PROXY": "", "HTTP_PROXY": PROXY.url}) == Proxies()
    assert Proxies().find("https://example.org/o/n") is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_either_spelling_counts(name: str) -> None:
    assert read_proxies({name: PROXY.url, "no_proxy": "a,A"}) == Proxies(PROXY, ("a",))
    both = {"HTTPS_PROXY": PROXY.url, "https_proxy": PROXY.url}
    assert read_proxies(both) == Proxies(PROXY)


def test_every_variable_that_is_wrong_is_named_and_no_password_quoted() -> None:
    with pytest.raises(ProxyVariablesError) as caught:
        read_proxies(
            {
                "HTTPS_PROXY": "http://ann:canary@proxy.example.org",
                "NO_PROXY": "a b,10.0.0.0/33,a/b,*foo,http://a",
                "no_proxy": "a b,10.0.0.0/33,a/b,*foo,http://a",
            }
        )
    said = str(caught.value)
    assert "HTTPS_PROXY is not of the form http://host:port" in said
    assert "canary" not in said
    for entry in ("a b", "10.0.0.0/33", "a/b", "*foo", "http://a"):
        assert f"NO_PROXY: `{entry}` is no host, domain, address or network, and no *" in said


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "NO_PROXY"])
def test_two_spellings_that_differ_are_refused(name: str) -> None:
    with pytest.raises(ProxyVariablesError, match=f"{name} and {name.lower()} differ"):
        read_proxies({name: "a.example.org:1", name.lower(): "b.example.org:1"})


def test_other_programs_are_told_what_all_of_them_read_alike() -> None:
    proxies = read_proxies({"NO_PROXY": "*.Example.org,.svc,10.1.0.0/8,[fd00::1]"})
    assert proxies.no_proxy(["r:5000", "svc"]) == "example.org,svc,10.0.0.0/8,fd00::1,r:5000"
