"""How tags are split, and what a release calls its things."""

import re
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from album_operator.domain import names
from album_operator.domain.names import AppVersion, TagForm
from album_operator.domain.versions import Versioning, is_version

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
object_names = st.from_regex(
    r"[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?){0,3}",
    fullmatch=True,
)
versions = st.from_regex(
    r"v?(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})"
    r"(-[0-9A-Za-z-]{1,8}(\.[0-9A-Za-z-]{1,8}){0,2})?",
    fullmatch=True,
)


def _semver(prefix: str) -> TagForm:
    return TagForm(prefix, Versioning.SEMVER)


@pytest.mark.parametrize(
    ("tag", "app", "version"),
    [
        ("backend-v1.0.0", "backend", "v1.0.0"),
        ("frontend-v1.3.4-rc.1", "frontend", "v1.3.4-rc.1"),
        ("web-shop-v2.0.0", "web-shop", "v2.0.0"),
        ("backend-1.0.0", "backend", "1.0.0"),
        ("backend-v1.0.5-alpha1", "backend", "v1.0.5-alpha1"),
        ("backend-v1.0.0-rc-1", "backend", "v1.0.0-rc-1"),
        ("backend/v1.1.0", "backend", "v1.1.0"),
        ("backend@1.1.0", "backend", "1.1.0"),
        ("@acme/backend@1.1.0", "backend", "1.1.0"),
        ("release/backend-v1.1.0-rc.1", "backend", "v1.1.0-rc.1"),
    ],
)
def test_a_tag_is_split_before_the_first_version_that_ends_it(
    tag: str, app: str, version: str
) -> None:
    assert names.guess_tag(tag) == AppVersion(app, version)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "v1.0.0",
        "-v1.0.0",
        "backend",
        "backend-",
        "backend-v1",
        "backend-v1.0",
        "backend-latest",
        "backend-v1.0.0+build.5",
        "backend-v1.0.0.0",
        "backend-v1.0.0-",
        "backend-v1.0.0\n",
        "backend-v1.0.0 ",
        "backend-v\u0661.0.0",
    ],
)
def test_a_tag_without_app_or_version_is_not_split(tag: str) -> None:
    assert names.parse_tag(tag, {"backend": _semver("backend-")}) is None
    assert names.guess_tag(tag) is None


def test_the_longest_prefix_wins() -> None:
    forms = {"web": _semver("web-"), "shop": _semver("web-shop-"), "whole": _semver("")}

    assert names.parse_tag("web-shop-v2.0.0", forms) == AppVersion("shop", "v2.0.0")
    assert names.parse_tag("web-v2.0.0", forms) == AppVersion("web", "v2.0.0")
    assert names.parse_tag("v2.0.0", forms) == AppVersion("whole", "v2.0.0")


@pytest.mark.parametrize("prefix", ["backend/", "backend@", "@acme/backend@", "@", "a/b_c/d-"])
def test_a_prefix_may_have_folders_and_scopes(prefix: str) -> None:
    assert names.parse_tag(f"{prefix}v1.1.0", {"backend": _semver(prefix)}) == AppVersion(
        "backend", "v1.1.0"
    )


def test_of_prefixes_that_overlap_one_counts_whose_app_has_such_versions() -> None:
    forms = {
        "web": TagForm("web-", Versioning.NUMERIC),
        "shop": TagForm("web-shop-", Versioning.SEMVER),
        "api": TagForm("web-v", Versioning.SEMVER),
    }

    assert names.parse_tag("web-737", forms) == AppVersion("web", "737")
    assert names.parse_tag("web-shop-v2.0.0", forms) == AppVersion("shop", "v2.0.0")
    assert names.parse_tag("web-v1.2.3", forms) == AppVersion("api", "1.2.3")
    assert names.parse_tag("web-v1.2", forms) == AppVersion("web", "v1.2")
    assert names.parse_tag("web-shop-737", forms) is None


def test_an_app_is_not_guessed_by_its_name_where_it_has_another_prefix() -> None:
    forms = {"site": _semver("web/"), "web": TagForm("site/", Versioning.NUMERIC)}

    assert names.parse_tag("web-v1.0.0", forms) is None
    assert names.parse_tag("site/1.0", forms) == AppVersion("web", "1.0")


@given(app=labels, version=versions)
def test_an_app_at_a_version_comes_back_from_its_own_tag(app: str, version: str) -> None:
    found = names.parse_tag(f"{app}-{version}", {app: _semver(f"{app}-")})

    assert found == AppVersion(app, version)


@given(tag=st.text(string.ascii_lowercase + string.digits + "-.v/@", max_size=24))
@example("a-v1.2.3-0.0.0")
def test_a_guess_takes_parts_of_the_tag_itself(tag: str) -> None:
    found = names.guess_tag(tag)

    if found is not None:
        prefix = tag.removesuffix(found.version)
        assert prefix[:-1].endswith(found.app)
        assert prefix[-1] in "-/@"
        assert is_version(found.version, Versioning.SEMVER)


@given(name=object_names, attempt=st.integers(1, 10_000))
@example("a" * 253, 1)
@example("1.2.3", 9_999)
def test_a_job_name_is_a_dns_label_with_room_for_a_pods_suffix(name: str, attempt: int) -> None:
    job = names.job_name(name, attempt)

    assert DNS_LABEL.fullmatch(job)
    assert len(job) <= 63 - len("-abcde")
    assert job.endswith(f"-{attempt}")


@given(
    one=object_names, other=object_names, attempts=st.tuples(st.integers(1, 9), st.integers(1, 9))
)
@example("v1.0", "v1-0", (1, 1))
@example("a" * 253, "a" * 252, (1, 1))
def test_distinct_builds_have_distinct_job_names(
    one: str, other: str, attempts: tuple[int, int]
) -> None:
    assume((one, attempts[0]) != (other, attempts[1]))

    assert names.job_name(one, attempts[0]) != names.job_name(other, attempts[1])


@given(one=object_names, other=object_names, limit=st.integers(16, 63))
def test_shortened_names_fit_and_stay_apart(one: str, other: str, limit: int) -> None:
    assert len(names.shorten(one, limit)) <= limit
    assert (names.shorten(one, limit) == names.shorten(other, limit)) == (one == other)


def test_a_name_that_fits_is_not_changed() -> None:
    assert names.shorten("album-app") == "album-app"


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/owner/album-app",
        "https://git.example.org/owner/album-app/",
        "https://git.example.org/owner/album-app.git",
        "HTTPS://Git.Example.ORG:443/owner/album-app.git",
        "https://somebody@git.example.org/owner/album-app",
    ],
)
def test_spellings_of_one_repository_are_equal(url: str) -> None:
    assert names.normal_url(url) == "https://git.example.org/owner/album-app"
    assert names.repository_path(url) == "owner/album-app"
    assert names.repository_name(url) == "album-app"


def test_another_port_or_scheme_is_another_repository() -> None:
    assert names.normal_url("http://g:80/o/r") == "http://g/o/r"
    assert names.normal_url("http://g:3000/o/r") == "http://g:3000/o/r"
    assert names.normal_url("https://g/o/r") != names.normal_url("http://g/o/r")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Git.example.org:443/api/v1", "https://git.example.org"),
        ("git.example.org:3000", "https://git.example.org:3000"),
        ("http://git.example.org/x", "http://git.example.org"),
    ],
)
def test_the_host_of_a_url_is_given_in_its_normal_form(url: str, host: str) -> None:
    assert names.host_of(url) == host


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://Git.Example.org/owner/name.git", "git.example.org:443"),
        ("https://git.example.org:8443/owner/name", "git.example.org:8443"),
        ("http://git.example.org/api/v1", "git.example.org:80"),
        ("ssh://one@git.example.org/owner/name", "git.example.org:22"),
        ("ssh://other@git.example.org:2222/owner/name", "git.example.org:2222"),
        ("owner", ":443"),
    ],
)
def test_the_server_of_a_url_is_the_same_for_each_path_and_user(url: str, server: str) -> None:
    assert names.server_of(url) == server


@pytest.mark.parametrize(
    ("prefix", "allowed"),
    [
        ("github.com", True),
        ("https://github.com", True),
        ("https://github.com/owner", True),
        ("https://github.com/owner/", True),
        ("https://github.com/owner/name", True),
        ("https://github.com/own", False),
        ("https://github.com/owner/name/more", False),
        ("http://github.com", False),
        ("https://github.com.evil.org", False),
        ("https://hub.com", False),
        ("https://github.com:8443", False),
        ("https://github.com:port", False),
        ("https://[github.com", False),
        ("", False),
    ],
)
def test_a_url_lies_below_a_prefix_by_whole_segments(prefix: str, *, allowed: bool) -> None:
    assert names.is_below("https://github.com/owner/name.git", prefix) is allowed


@pytest.mark.parametrize(
    "path", ["a/../b", "a/./b", "a/..", "a//b", "/a/b", "a/%2e%2e/b", "a/..%2fb", "a/..;/b", "a\\b"]
)
def test_a_path_that_can_be_read_in_another_way_is_below_nothing(path: str) -> None:
    assert not names.is_below(f"https://git.example.org/{path}", "https://git.example.org")


@pytest.mark.parametrize("url", ["https://[", "https://h:x/a"])
def test_what_is_no_url_is_no_address(url: str) -> None:
    assert not names.is_same_address(url, "https://h/a")
    assert not names.is_below(url, "https://h")


def test_a_host_that_only_begins_alike_is_not_below() -> None:
    assert not names.is_below("https://github.com.evil.org/owner/name", "https://github.com")
    assert not names.is_below("https://evil.org/github.com/owner", "https://github.com")


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_words_are_listed_as_in_a_sentence(words: list[str], text: str) -> None:
    assert names.join_words(words) == text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://git.example.org/owner", "https://git.example.org/owner"),
        ("https://bot:s3cret@git.example.org/owner", "https://git.example.org/owner"),
        ("bot:s3cret@git.example.org/owner", "git.example.org/owner"),
        ("https://git.example.org/a@b", "https://git.example.org/a@b"),
        ("https://bot:s3@cret@git.example.org", "https://git.example.org"),
    ],
)
def test_a_url_is_shown_without_its_user_and_password(url: str, shown: str) -> None:
    assert names.without_user(url) == shown


@pytest.mark.parametrize(
    ("reference", "repository", "tag"),
    [
        ("ghcr.io/owner/app:v1", "ghcr.io/owner/app", "v1"),
        ("localhost:5000/app:v1", "localhost:5000/app", "v1"),
        ("localhost:5000/app", "localhost:5000/app", ""),
        ("ghcr.io/owner/app@sha256:0f", "ghcr.io/owner/app", ""),
        ("ghcr.io/owner/app:v1@sha256:0f", "ghcr.io/owner/app", "v1"),
        ("app:v1", "app", "v1"),
        ("", "", ""),
    ],
)
def test_an_images_reference_is_taken_apart(reference: str, repository: str, tag: str) -> None:
    assert names.image_repository(reference) == repository
    assert names.image_tag(reference) == tag


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://git.example.org", "https://git.example.org"),
        ("git.example.org:3000/owner", "https://git.example.org:3000"),
        (
            "https://user:s3cret@git.example.org/owner?token=s3cret#s3cret",
            "https://git.example.org",
        ),
        ("https://git.example.org?s3cret", "https://git.example.org"),
        ("ssh://s3cret@git.example.org:2222/x", "ssh://git.example.org:2222"),
        ("https://[::1]:8443/x", "https://[::1]:8443"),
        ("https://user:s3cret", "no URL"),
        ("https://", "no URL"),
        ("not a url", "no URL"),
    ],
)
def test_of_a_secrets_url_scheme_and_host_are_shown(url: str, shown: str) -> None:
    assert names.origin_of(url) == shown


ADDRESS = "https://[FD00::1]:3000/owner/name"


def test_an_address_of_ipv6_keeps_its_brackets() -> None:
    assert names.normal_url(ADDRESS) == "https://[fd00::1]:3000/owner/name"
    assert names.normal_url(names.normal_url(ADDRESS)) == names.normal_url(ADDRESS)
    assert names.normal_url("ssh://[fd00::1]/o/n.git") == "ssh://git@[fd00::1]/o/n"
    assert names.server_of(ADDRESS) == "[fd00::1]:3000"
    assert names.server_of("https://[fd00::1]/o/n") == "[fd00::1]:443"


def test_a_repository_at_an_address_of_ipv6_is_known_by_its_other_spellings() -> None:
    assert names.is_same_repository(ADDRESS, "https://[fd00::1]:3000/owner/name.git/")
    assert names.is_same_repository("ssh://git@[fd00::1]:2222/o/n", "https://[fd00::1]/o/n")
    assert not names.is_same_repository(ADDRESS, "https://[fd00::1]/owner/name")
    assert names.is_below(ADDRESS, "https://[fd00::1]:3000")
    assert not names.is_below(ADDRESS, "https://[fd00::2]:3000")
    assert names.missing_alias(ADDRESS, "https://git.example.org/owner/name") == (
        "[fd00::1]:3000=git.example.org"
    )
