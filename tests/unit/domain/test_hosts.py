"""One repository by several names of its host."""

import pytest

from album_operator.domain.hosts import HostAliases, find_faults
from album_operator.domain.names import is_below, is_part_of, is_same_repository, missing_alias

OURS = "https://git.example.org/acme/config"
ALIASES = HostAliases(
    {
        "gitea.gitea.svc:3000": "git.example.org",
        "gitea-ssh.gitea.svc": "git.example.org",
        "git.example.org:3000": "git.example.org",
    }
)
BELOW = HostAliases({"forgejo.git.svc:443": "h.example.org:8443/git"})


@pytest.mark.parametrize(
    "url",
    [
        "http://gitea.gitea.svc:3000/acme/config",
        "http://Gitea.gitea.SVC:3000/acme/config.git/",
        "https://gitea.gitea.svc:3000/acme/config",
        "http://git.example.org:3000/acme/config",
        "http://git.example.org/acme/config",
        "ssh://git@gitea.gitea.svc:2222/acme/config",
        "git@gitea-ssh.gitea.svc:acme/config.git",
        "ssh://git@gitea-ssh.gitea.svc.:22/acme/config",
        "ssh://git@git.example.org:2222/acme/config",
    ],
)
def test_a_repository_is_known_by_all_names_an_admin_tells(url: str) -> None:
    assert is_same_repository(url, OURS, ALIASES)
    assert is_same_repository(OURS, url, ALIASES)


@pytest.mark.parametrize(
    "url",
    [
        "http://gitea.gitea.svc:3000/acme/config2",
        "http://gitea.gitea.svc:3000/Acme/config",
        "http://gitea.gitea.svc:4000/acme/config",
        "http://gitea.other.svc:3000/acme/config",
        "https://git.example.org:8443/acme/config",
        "https://git.example.org.evil.org/acme/config",
        "https://git.example.org:port/acme/config",
        "https://[git.example.org/acme/config",
    ],
)
def test_what_no_admin_told_is_another_repository(url: str) -> None:
    assert not is_same_repository(url, OURS, ALIASES)
    assert not is_same_repository(OURS, url, ALIASES)


@pytest.mark.parametrize(
    "url",
    [
        "https://forgejo.git.svc/acme/config",
        "https://forgejo.git.svc/git/acme/config",
        "ssh://git@forgejo.git.svc:2222/acme/config",
        "git@h.example.org:acme/config.git",
        "http://h.example.org:8443/git/acme/config",
    ],
)
def test_a_forge_below_a_path_has_names_without_it(url: str) -> None:
    assert is_same_repository(url, "https://h.example.org:8443/git/acme/config", BELOW)
    assert not is_same_repository(url, "https://h.example.org:8443/acme/config", BELOW)


def test_an_owner_may_be_called_like_the_path_of_the_forge() -> None:
    below = "https://h.example.org:8443/git/git/config"
    assert is_same_repository("https://forgejo.git.svc/git/config", below, BELOW)
    assert is_same_repository("https://forgejo.git.svc/git/git/config", below, BELOW)


def test_a_host_with_two_forges_below_paths_has_no_one_meaning_over_ssh() -> None:
    both = HostAliases({"a.svc": "h.example.org/a", "b.svc": "h.example.org/b"})
    over_ssh = "ssh://git@h.example.org/acme/config"
    assert not is_same_repository(over_ssh, "https://h.example.org/a/acme/config", both)
    assert is_same_repository("ssh://git@b.svc/x/y", "https://h.example.org/b/x/y", both)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Acme/Config",
        "git@github.com:ACME/config.git",
        "ssh://git@ssh.github.com:443/acme/config.git",
        "ssh://git@SSH.github.com:443/Acme/config",
        "org-1234@github.com:acme/config.git",
        "ssh://org-1234@ssh.github.com:443/acme/config.git",
        "https://bot@github.com/acme/config.git",
    ],
)
def test_github_has_its_own_names_and_no_case(url: str) -> None:
    assert is_same_repository(url, "https://github.com/acme/config")
    assert is_same_repository(url, "ssh://git@github.com/acme/config")
    assert not is_same_repository(url, "https://github.com/acme/config2")


def test_case_counts_but_where_the_forge_ignores_it() -> None:
    other = OURS.replace("acme", "Acme")
    assert not is_same_repository(OURS, other)
    assert is_same_repository(OURS, other, ignores_case=True)
    assert is_same_repository("git@git.example.org:ACME/config", OURS, ignores_case=True)
    assert not is_same_repository(OURS, f"{other}2", ignores_case=True)


@pytest.mark.parametrize(
    ("url", "prefix", "allowed"),
    [
        ("ssh://git@ssh.github.com:443/acme/config", "https://github.com/acme", True),
        ("ssh://git@ssh.github.com:443/acme/config", "https://github.com/other", False),
        ("ssh://git@github.com/acme/config", "ssh://git@ssh.github.com:443", True),
        ("https://github.com/acme/config", "https://github.com/Acme", True),
        ("https://github.com:8443/acme/config", "https://github.com/acme", False),
        ("http://github.com/acme/config", "https://github.com/acme", False),
        ("https://git.example.org/acme/config", "https://git.example.org/Acme", False),
        ("https://ssh.github.com.evil.org/acme/config", "https://github.com", False),
        ("https://github.com.evil.org/acme/config", "ssh://git@ssh.github.com", False),
        ("ssh://git@ssh.git.example.org:443/acme/config", "https://git.example.org", False),
        ("http://gitea.gitea.svc:3000/acme/config", "https://git.example.org", False),
    ],
)
def test_only_what_a_forge_says_of_itself_counts_for_where_a_secret_goes(
    url: str, prefix: str, *, allowed: bool
) -> None:
    assert is_below(url, prefix) is allowed


def test_a_page_lies_below_its_repository_by_any_name_of_it() -> None:
    page = "http://gitea.gitea.svc:3000/acme/config/pulls/7"
    assert is_part_of(page, OURS, ALIASES)
    assert not is_part_of(page, f"{OURS}2", ALIASES)
    assert not is_part_of(page, OURS, BELOW)


@pytest.mark.parametrize(
    ("one", "missing"),
    [
        ("http://gitea.gitea.svc:3000/acme/config.git", "gitea.gitea.svc:3000=git.example.org"),
        ("ssh://git@ssh.gitea.svc:2222/acme/config", "ssh.gitea.svc=git.example.org"),
        ("http://git.example.org/acme/config", "git.example.org=git.example.org"),
        ("https://git.example.org:8443/acme/config", "git.example.org:8443=git.example.org"),
        (OURS, None),
        ("git@git.example.org:acme/config", None),
        ("https://git.example.org/acme/other", None),
        ("https://git.example.org:port/acme/config", None),
        ("/acme/config", None),
    ],
)
def test_what_is_missing_makes_them_one(one: str, missing: str | None) -> None:
    assert missing_alias(one, OURS) == missing
    if missing is not None:
        name, _, home = missing.partition("=")
        assert is_same_repository(one, OURS, HostAliases({name: home}))
        assert find_faults([(name, home)]) == []


@pytest.mark.parametrize(
    ("pairs", "fault"),
    [
        ([("a.svc", "b.example.org"), ("a.svc", "c.example.org")], "stands for two hosts"),
        ([("a.svc", "b.example.org"), ("b.example.org", "c.example.org")], "no name can stand"),
        ([("github.com", "evil.example.org")], "is what it is"),
        ([("github.com:8443", "evil.example.org")], "is what it is"),
        ([("ssh.github.com", "evil.example.org")], "is what it is"),
    ],
)
def test_names_that_contradict_each_other_are_told(
    pairs: list[tuple[str, str]], fault: str
) -> None:
    [said] = find_faults(pairs)
    assert fault in said


def test_several_names_of_one_host_are_no_fault() -> None:
    assert find_faults(ALIASES.homes.items()) == []
    assert find_faults([("a.svc", "b"), ("a.svc", "b"), ("h", "h/git")]) == []
