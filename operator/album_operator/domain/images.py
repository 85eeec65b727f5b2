"""What a text in a values file says of an image: a tag, a digest, a repository or all of it."""

import hashlib
import re

from album_operator.domain.names import image_repository

DIGEST = re.compile(r"(@?)((?:sha(?:256|384|512):)?)([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})")
"""A digest as charts want it: whole, after an `@`, or the hexadecimal digits alone."""

DIGEST_BEGINS = re.compile(r"@?sha(256|384|512):")

REFERENCE = re.compile(
    r"[\w.-]+(?::[0-9]+(?=/))?(?P<path>(?:/[\w.-]+)*)(?P<tag>(?::[A-Za-z0-9_][\w.-]*)?)(?:@\S+)?",
    re.ASCII,
)
"""An image's reference (distribution/reference), upper case allowed as placeholders have it."""

PORT = re.compile(r":[0-9]{1,5}")

WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
COMPOUND = re.compile(r"(image|img)?(digest|sha256|sha|tag)")

DOCKER_HUB = "docker.io"

DOCKER_HUB_HOSTS = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})
"""Hosts of one registry (distribution/reference, `normalize.go`; Docker's clients)."""

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""The one key of a Docker configuration's `auths` under which builders look for Docker Hub.

Sources: go-containerregistry `pkg/authn/keychain.go` (kaniko); BuildKit
`session/auth/authprovider`.
"""


def split_pin(text: str) -> tuple[str, str]:
    """Split a tag or reference from the digest it is pinned to, which is empty without one."""
    name, at, digest = text.partition("@")
    return (name, digest) if at and name and DIGEST_BEGINS.match(digest) else (text, "")


def pinned(name: str, digest: str) -> str:
    """Pin a tag or reference to a digest, if one is known."""
    return f"{name}@{digest}" if digest else name


def is_digest(text: str) -> bool:
    """Tell whether a text names an image's content and no tag."""
    return DIGEST.fullmatch(text) is not None or DIGEST_BEGINS.match(text) is not None


def as_written(digest: str, present: str) -> str:
    """Give a digest in the form in which one stands already; whole where none does.

    kube-prometheus-stack and others put `@sha256:` before the digits of `image.sha` themselves.
    """
    form = DIGEST.fullmatch(present)
    if form is None:
        return digest
    at, algorithm, _ = form.groups()
    return at + (digest if algorithm else digest.rpartition(":")[2])


def is_reference(text: str) -> bool:
    """Tell whether a text is an image with a tag or digest; `redis:6379` may be host and port."""
    found = REFERENCE.fullmatch(text)
    if found is None:
        return False
    if split_pin(text)[1]:
        return bool(found["path"] or found["tag"])
    return bool(found["tag"]) and bool(found["path"] or not PORT.fullmatch(found["tag"]))


def renamed(reference: str, before: str, after: str) -> str:
    """Give an image that lies below one registry, or a place in it, as one below another.

    Any other image stays as it is.
    """
    host, slash, folder = before.partition("/")
    place, image = f"{registry_named(host)}{slash}{folder}/", in_full(reference)
    return f"{after}/{image.removeprefix(place)}" if image.startswith(place) else reference


def is_same_image(one: str, other: str) -> bool:
    """Tell whether two references are of one repository, whatever their tags and digests."""
    return image_repository(in_full(one)) == image_repository(in_full(other))


def in_full(reference: str) -> str:
    """Write a reference as Docker's clients understand it (distribution/reference, `normalize.go`).

    No host means Docker Hub, which has several; a name without a folder is in its `library/`. Two
    references are of the same image if they are equal in full.
    """
    host, slash, path = reference.partition("/")
    if not slash or not (set(host) & set(".:") or host == "localhost"):
        host, path = DOCKER_HUB, reference
    registry = registry_named(host)
    if registry == DOCKER_HUB and "/" not in image_repository(path):
        path = f"library/{path}"
    return f"{registry}/{path}"


def label_of(image: str) -> str:
    """Give a label's value that is the same for all names of one image with its tag."""
    return hashlib.sha256(in_full(image).encode()).hexdigest()[:40]


def registry_of(image: str) -> str:
    """Give `host[:port]` of the registry of an image, by the one name of it that is used here."""
    return in_full(image).split("/", 1)[0]


def registry_named(host: str) -> str:
    """Give the one name that is used here of a registry that goes by several."""
    host = host.lower()
    return DOCKER_HUB if host in DOCKER_HUB_HOSTS else host


def host_in(key: str) -> str:
    """Give the host of a key of a Docker configuration's `auths`, which may be a URL."""
    return key.split("://", 1)[-1].split("/", 1)[0]


def words_of(name: str) -> frozenset[str]:
    """Give the words of a key's name in lower case: `imageDigest` and `image-digest` alike."""
    words: set[str] = set()
    for word in map(str.lower, WORD.findall(name)):
        compound = COMPOUND.fullmatch(word)
        words.update(filter(None, compound.groups()) if compound is not None else (word,))
    return frozenset(words)
