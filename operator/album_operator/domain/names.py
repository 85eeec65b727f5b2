"""Names: how a git tag is split, and what a release calls its branch, Job and image."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from album_operator.domain.hosts import CASELESS, NO_ALIASES, OWN_NAMES, HostAliases
from album_operator.domain.versions import Versioning, is_version

DNS_LABEL_LENGTH = 63

PLATFORM_LENGTH = 16
"""Most of a Job's name that tells its platform: of no known architecture that is cut."""

FETCH, BUILDER = "fetch", "build"
"""The two containers of a build Pod, in the order they run."""

SSH_USER = "git"
"""Who logs in over SSH where a URL names nobody: the user all forges serve git with."""

ODD_PATH = re.compile(r"[%\\;]|//|(^|/)\.{1,2}(/|$)")
"""What a server may take for another path than the one that is written."""

ORIGIN = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[^:]{0,5})?")
"""A host, and at most as much as a port has."""

PATH_CHARACTERS = re.compile(r"[^\x00-\x1f\x7f\\:*?\[\]]{1,1024}")

SHORT_SSH = re.compile(r"([A-Za-z0-9._-]+)@([A-Za-z0-9.-]+):/*(.*)")
"""Git's short form of an SSH URL, `user@host:path` (git-fetch, "Git URLs")."""


@dataclass(frozen=True)
class AppVersion:
    """One app at one version: what a release releases."""

    app: str
    version: str


@dataclass(frozen=True)
class TagForm:
    """What the git tags of an app are: a prefix, and a version of a form after it."""

    prefix: str
    versioning: Versioning


def split_tag(tag: str, forms: Mapping[str, TagForm]) -> Iterator[AppVersion]:
    """Split a git tag after each prefix it begins with, the longest first.

    Args:
        tag: the tag's name without `refs/tags/`.
        forms: what the tags of each app are, by its name.
    """
    for app, form in sorted(forms.items(), key=lambda item: -len(item[1].prefix)):
        if tag.startswith(form.prefix):
            yield AppVersion(app, tag[len(form.prefix) :])


def parse_tag(tag: str, forms: Mapping[str, TagForm]) -> AppVersion | None:
    """Split a git tag into app and version: after the longest prefix that a version follows.

    So `web-shop-v2.0.0` is of the app whose prefix is `web-shop-`, before one with `web-`.
    """
    parts = split_tag(tag, forms)
    return next((of for of in parts if is_version(of.version, forms[of.app].versioning)), None)


def guess_tag(tag: str) -> AppVersion | None:
    """Split a git tag of which no pipeline tells the prefix, with a version of SemVer at its end.

    The version begins after the first `-`, `/` or `@` after which all the rest is one, so that
    `frontend-v1.3.4-rc.1` is app `frontend` at `v1.3.4-rc.1`; the app is named by what is before,
    without the folders on the way (`@acme/backend@1.1.0`).
    """
    for found in re.finditer("(?<=.)[-/@]", tag):
        if is_version(tag[found.end() :], Versioning.SEMVER):
            return AppVersion(tag[: found.start()].rpartition("/")[2], tag[found.end() :])
    return None


def shorten(name: str, limit: int = DNS_LABEL_LENGTH) -> str:
    """Make a name fit a limit by a hash suffix, so that two long names stay apart."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{name[: limit - len(digest) - 1].rstrip('-.')}-{digest}"


def job_name(release: str, attempt: int, platform: str = "") -> str:
    """Name the build Job of one attempt of a release, or its Job for one platform.

    The Job controller writes the name into a Pod label, so it must be a DNS label; dots of the
    version become dashes, and a hash of the release's name keeps `v1-0` and `v1.0` apart.
    """
    digest = hashlib.sha256(release.encode()).hexdigest()[:8]
    stem = re.sub(r"[^a-z0-9-]+", "-", release.lower()).strip("-")
    end = f"{digest}-{attempt}"
    if platform:
        end += f"-{shorten(platform, PLATFORM_LENGTH)}"
    room = DNS_LABEL_LENGTH - len(f"album-build--{end}") - 6
    return f"album-build-{stem[:room].rstrip('-')}-{end}"


def image_repository(reference: str) -> str:
    """Give an image's registry and repository, without tag and digest."""
    name = reference.split("@", 1)[0]
    # A colon before the last slash is that of the registry's port.
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.split(':', 1)[0]}"


def image_tag(reference: str) -> str:
    """Give the tag of an image's reference, the empty text where it has none."""
    return reference.split("@", 1)[0].rsplit("/", 1)[-1].partition(":")[2]


def repository_path(url: str) -> str:
    """Give `owner/name` of a repository URL: its path without slashes around it and `.git`."""
    return urlsplit(url).path.strip("/").removesuffix(".git")


def repository_name(url: str) -> str:
    """Give the last part of a repository URL's path, without `.git`."""
    return repository_path(url).rsplit("/", 1)[-1]


@lru_cache(1024)
def normal_url(url: str) -> str:
    """Bring a repository URL to a form in which two spellings of one repository are equal.

    Scheme and host in lower case, no default port, no user, no `.git`, no slash at the end. Over
    SSH the user is part of the address, `git` where none is named; `git@host:path` is SSH.
    """
    short = SHORT_SSH.fullmatch(url)
    parts = urlsplit("ssh://{}@{}/{}".format(*short.groups()) if short else url)
    scheme = parts.scheme.lower()
    host = _host_in(parts)
    default = {"http": 80, "https": 443, "ssh": 22}.get(scheme)
    if parts.port is not None and parts.port != default:
        host = f"{host}:{parts.port}"
    if scheme == "ssh":
        host = f"{parts.username or SSH_USER}@{host}"
    return f"{scheme}://{host}/{repository_path(parts.geturl())}"


def is_ssh(url: str) -> bool:
    """Tell whether a repository is reached over SSH."""
    return url.lower().startswith("ssh://")


def is_same_repository(
    one: str, other: str, aliases: HostAliases = NO_ALIASES, *, ignores_case: bool = False
) -> bool:
    """Tell whether two URLs name one repository, be it over SSH here and over HTTP(S) there.

    Args:
        one: a URL.
        other: another.
        aliases: which hosts are one, as an admin tells.
        ignores_case: their forge does, in the names of owners and repositories.
    """
    try:
        here, there = (_in_names_that_count(url, aliases) for url in (one, other))
    except ValueError:  # a port that is no number, a bracket left open
        return False
    if ignores_case:
        here, there = here.lower(), there.lower()
    return here == _in_scheme_of(here, there) or there == _in_scheme_of(there, here)


def missing_alias(one: str, other: str) -> str | None:
    """Give what an admin has to tell for two URLs of the same path to name one repository.

    Args:
        one: a URL, by a name that does not count.
        other: a URL, by the one that does.

    Returns:
        `host[:port]=host[:port]`; None where more than the host differs, or nothing.
    """
    if is_same_repository(one, other):
        return None
    try:
        here, there = urlsplit(normal_url(one)), urlsplit(normal_url(other))
    except ValueError:
        return None
    if here.path.lower() != there.path.lower():
        return None
    # Of SSH the host alone is meant.
    alias, home = (
        _host_in(parts) if parts.scheme == "ssh" else parts.netloc for parts in (here, there)
    )
    return f"{alias}={home}" if alias and home else None


def _in_names_that_count(url: str, aliases: HostAliases = NO_ALIASES) -> str:
    """Give the normal form of a URL for comparison: nothing goes to where it leads.

    What an admin tells of a host holds over SSH and HTTP(S) alike, on the ports it is told of.
    """
    normal = normal_url(url)
    parts = urlsplit(normal)
    host, port = (parts.hostname or "").rstrip("."), _port_of(parts)
    home = aliases.find_home(host, port, is_ssh=parts.scheme == "ssh")
    if home is not None:
        return f"https://{_below(home, parts.path)}"
    known = OWN_NAMES.get(host, host)
    if known not in CASELESS:
        return normal
    # Over SSH an organization may give its members a user of its own, `org-1234@github.com`.
    netloc = f"{SSH_USER}@{known}" if parts.scheme == "ssh" else parts.netloc.replace(host, known)
    return f"{parts.scheme}://{netloc}{parts.path}".lower()


def _in_scheme_of(other: str, url: str) -> str:
    """Give a URL as it reads in the scheme of another, where one of them is SSH.

    A host offers the same paths over SSH and over HTTP(S), on ports that say nothing of each other.

    Args:
        other: normal URL that decides the scheme, and for SSH the user and port.
        url: normal URL to give; on another host, or of the same scheme, it stays as it is.
    """
    here, there = urlsplit(url), urlsplit(other)
    if here.hostname == there.hostname:
        if there.scheme == "ssh" and here.scheme in ("http", "https"):
            return f"ssh://{there.netloc}{here.path}"
        if there.scheme == "https" and here.scheme == "ssh":
            return f"https://{_host_in(there)}{here.path}"
    return url


def host_of(url: str) -> str:
    """Give `scheme://host[:port]` of a URL in its normal form; no scheme means https."""
    parts = urlsplit(normal_url(_with_scheme(url)))
    return f"{parts.scheme}://{parts.netloc}"


def is_same_address(one: str, other: str) -> bool:
    """Tell whether two URLs of HTTP(S) name the same path at the same host."""
    try:
        same_host = host_of(one) == host_of(other)
    except ValueError:  # a port that is no number, a bracket left open
        return False
    return same_host and urlsplit(one).path.rstrip("/") == urlsplit(other).path.rstrip("/")


def _below(home: str, path: str) -> str:
    """Put a path below a home, which may have one of its own.

    A forge that is reached past its proxy may show pages with that path or without it, so it is not
    put before a repository's once more.
    """
    host, _, root = home.partition("/")
    rest = path.removeprefix(f"/{root}/")
    is_there = not root or (rest != path and "/" in rest)
    return f"{host}{path}" if is_there else f"{home}{path}"


def server_of(url: str) -> str:
    """Give `host:port` of the server of a repository or an API, by whichever path and user."""
    parts = urlsplit(normal_url(url))
    return f"{_host_in(parts)}:{_port_of(parts)}"


def _host_in(parts: SplitResult) -> str:
    """Give the host in lower case as it stands in a URL: an address of IPv6 in brackets."""
    host = (parts.hostname or "").lower()
    return f"[{host}]" if ":" in host else host


def _port_of(parts: SplitResult) -> int:
    return parts.port or {"http": 80, "ssh": 22}.get(parts.scheme, 443)


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"https://{url}"


def is_below(url: str, prefix: str) -> bool:
    """Tell whether a URL lies at or below a `scheme://host[/path]` prefix, by whole segments.

    A prefix without a scheme means https. `https://github.com.evil.org` is not below
    `https://github.com`. A prefix of HTTP(S) holds for the host's SSH too, on any port, and one of
    SSH for its HTTPS on the default port. Nothing is below a prefix without a host or one that is
    no URL; a URL with a path that servers may read in another way (`..`, `%2e`, `//`) is nowhere.

    No admin's word of hosts has a say in it: what is below a Secret's `url` gets the Secret.
    """
    return is_part_of(url, _with_scheme(prefix), NO_ALIASES)


def is_part_of(page: str, repository: str, aliases: HostAliases) -> bool:
    """Tell whether a page lies at or below a repository's, as `is_below` does.

    Args:
        page: a URL.
        repository: a URL.
        aliases: which hosts are one, as an admin tells.
    """
    try:
        if ODD_PATH.search(urlsplit(page).path):
            return False
        below, above = (_in_names_that_count(url, aliases) for url in (page, repository))
        above = _in_scheme_of(below, above)
    except ValueError:  # a port that is no number, a bracket left open
        return False
    if not urlsplit(above).hostname:
        return False
    return below == above.rstrip("/") or below.startswith(above.rstrip("/") + "/")


def origin_of(url: str) -> str:
    """Give scheme, host and port of a Secret's `url` for messages: the rest may hold a token.

    What stands in a port's place is shown only if it is as short as one.
    """
    scheme, _, rest = _with_scheme(url).partition("://")
    host = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{host}" if ORIGIN.fullmatch(host) else "no URL"


def without_user(url: str) -> str:
    """Give a URL without a user and password before its host, so that it may be shown."""
    scheme, separator, rest = url.rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rsplit('@', 1)[-1]}{slash}{path}"


def is_file_path(text: str) -> bool:
    """Tell whether `text` is a relative POSIX path below a repository's root."""
    parts = text.split("/")
    return (
        PATH_CHARACTERS.fullmatch(text) is not None
        and not text.startswith("-")
        and all(part not in ("", ".", "..") and part.lower() != ".git" for part in parts)
    )


def join_words(words: Iterable[str]) -> str:
    """List words in a sentence: `a`, `a and b`, `a, b and c`."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
