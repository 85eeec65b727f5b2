"""URLs, images, branches and paths of a pipeline, with what is refused in them.

They reach git, the builder and a registry, so the rules let through a short list of characters
instead of looking for bad ones; a leading `-` (an option to git) and `..` never pass.
"""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Annotated

from pydantic import Field

from album_operator.api.model import Rule, Rules
from album_operator.api.predicates import Predicate, begins, finds, is_not, matches
from album_operator.api.types import VERSION

_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = rf"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:{_PORT})?"
# Path component of an image's name (OCI distribution specification 1.1, "Pulling manifests").
_COMPONENT = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_SEGMENT = r"[A-Za-z0-9._+@=,-]+"

# Neither user nor host may begin with `-`: ssh would take it for an option.
_SSH = rf"ssh://([A-Za-z0-9_][A-Za-z0-9_.-]*@)?{_HOST}"
_REPOSITORY_PATH = r"(/[A-Za-z0-9._~-]+){2,8}/?"
_API_PATH = r"(/[A-Za-z0-9._~-]+){0,8}/?"


@dataclass(frozen=True)
class _Transports:
    """The transports of one kind of URL.

    Attributes:
        schemes: alternatives of a pattern.
        refused: pattern of a URL with a secret or a user that has no place in it.
        forms: patterns, of which a URL matches one as a whole.
        begin, refused_words, example: the same in the words of messages.
    """

    schemes: str
    refused: str
    forms: tuple[str, ...]
    begin: str
    refused_words: str
    example: str


def _url_rules(transports: _Transports) -> Rules:
    is_known = finds(f"^({transports.schemes})://")
    is_refused = finds(transports.refused)
    has_form = reduce(or_, map(matches, transports.forms))
    return Rules(
        Rule(is_known, f"the URL must begin with {transports.begin} are not supported."),
        Rule(
            ~is_refused,
            f"the URL must not hold {transports.refused_words}: put it into the Secret that "
            "secretRef names and remove it from here.",
        ),
        # Silent where a rule above speaks, so that the user reads one message.
        Rule(
            ~is_known | is_refused | (has_form & ~finds(r"/\.{1,2}(/|$)")),
            f"the URL must be of the form {transports.example}: letters, digits, '.', '_', '~' and "
            "'-' between slashes, no '..' segment, no query, no '$' and no escapes.",
        ),
    )


_OVER_GIT = _Transports(
    schemes="https?|ssh",
    refused="^https?://[^/]*@|^ssh://[^/@]*:[^/]*@",
    forms=(f"https?://{_HOST}{_REPOSITORY_PATH}", f"{_SSH}{_REPOSITORY_PATH}"),
    begin="https://, http:// or ssh://, such as https://git.example.org/owner/name or "
    "ssh://git@git.example.org/owner/name for git@git.example.org:owner/name: other transports "
    "(git, file, ext)",
    refused_words="a password or token, nor a user but that of ssh://",
    example="https://git.example.org/owner/name or ssh://git@git.example.org/owner/name",
)

_OVER_HTTP = _Transports(
    schemes="https?",
    refused="^https?://[^/]*@",
    forms=(f"https?://{_HOST}{_API_PATH}",),
    begin="https:// or http://, such as https://git.example.org/api/v1: other transports",
    refused_words="a user or token",
    example="https://git.example.org/api/v1",
)

RepositoryURL = Annotated[
    str,
    Field(max_length=512, examples=["https://git.example.org/owner/album-app"]),
    _url_rules(_OVER_GIT),
]

ApiURL = Annotated[
    str,
    Field(max_length=512, examples=["https://git.example.org/api/v1"]),
    _url_rules(_OVER_HTTP),
]

RegistryHost = Annotated[
    str,
    Field(max_length=255, examples=["ghcr.io"]),
    Rule(
        matches(_HOST),
        "registry must be a host with an optional port, such as ghcr.io or "
        "registry.example.org:5000, without https:// and without a path.",
    ),
]


RegistryPlace = Annotated[
    str,
    Field(max_length=255, examples=["mirror.example.org/ghcr"]),
    Rule(
        matches(f"{_HOST}(/{_COMPONENT})*"),
        "this must be a registry, or a place in one, such as ghcr.io or mirror.example.org/ghcr: "
        "no https://, no tag, no slash at the end.",
    ),
]


def _image_rules(has_tag: Predicate, form: Predicate, message: str) -> Rules:
    return Rules(
        Rule(
            ~has_tag,
            "the image repository must not hold a tag or digest, because the release's version "
            "becomes the tag: remove what follows ':' or '@'.",
        ),
        Rule(has_tag | form, message),
    )


ImageRepository = Annotated[
    str,
    Field(max_length=255, examples=["owner/album-app"]),
    _image_rules(
        finds("[:@]"),
        matches(f"{_COMPONENT}(/{_COMPONENT})*"),
        "the image repository must be a path below the registry, such as owner/album-app: "
        "lower-case letters and digits, with '.', '_', '-' or '/' between them.",
    ),
]

ImageName = Annotated[
    str,
    Field(max_length=255, examples=["ghcr.io/owner/album-app-backend"]),
    _image_rules(
        # A colon before the first slash is that of the registry's port.
        finds("@|/.*:"),
        matches(f"{_HOST}(/{_COMPONENT})+") & finds("^(localhost|[^/]*[.:][^/]*)/"),
        "image must be registry and repository, such as ghcr.io/owner/album-app-backend: a host "
        "with a '.' or a port, then lower-case letters and digits with '.', '_', '-' or '/' "
        "between them.",
    ),
]

BranchName = Annotated[
    str,
    Field(max_length=200, examples=["main"]),
    Rule(
        matches(r"[A-Za-z0-9_][A-Za-z0-9._/+-]*")
        & ~finds(r"\.\.|//|/\.|[/.]$|\.lock(/|$)|^refs/|^HEAD$"),
        "branch must be the name of a git branch, such as main: letters, digits, '.', '_', '+', "
        "'-' and '/', beginning with a letter or digit, no '..', no part beginning with '.' or "
        "ending with .lock, and without refs/heads/.",
    ),
]


# What conventions make of a source's path, and of registry, repository and version.
ImageReference = Annotated[
    str,
    Rule(
        matches(f"{_HOST}(/[a-z0-9._~-]+)+:{VERSION}"),
        "image must be registry, repository and version, such as "
        "ghcr.io/owner/album-app-backend:v1.1.0.",
    ),
]

# The same without the version, which is a cache's name or its beginning.
CacheReference = Annotated[
    str,
    Rule(
        matches(f"{_HOST}(/[a-z0-9._~-]+)+"),
        "repository must be registry and path, such as ghcr.io/owner/album-app-backend-cache.",
    ),
]

# The base branch may be the remote's default, which nobody wrote into a pipeline.
RemoteBranch = Annotated[
    str,
    Rule(
        matches(r"[A-Za-z0-9_@][A-Za-z0-9_@+./-]*") & ~finds(r"\.\.|//|@\{|[/.]$|\.lock(/|$)"),
        "baseBranch must be the name of a git branch, such as main.",
    ),
]

PageURL = Annotated[
    str,
    Rule(
        matches("https?://[!-~]+"),
        "url must be a page of the forge, such as https://git.example.org/owner/name/pulls/1.",
    ),
]


def _path_rule(name: str, example: str) -> Rule:
    return Rule(
        matches(f"{_SEGMENT}(/{_SEGMENT})*")
        & ~begins("-")
        & ~finds(r"(^|/)(\.\.|\.[gG][iI][tT][^/]*)(/|$)|(^|/)\./|/\.$"),
        f"{name} must be a path below the repository's root, such as {example}: not absolute, no "
        "'.' or '..' segment, not beginning with '-', no segment beginning with .git, no '/' at "
        "the end; letters, digits and . _ + @ = , - are allowed.",
    )


ContextDir = Annotated[
    str, Field(max_length=256, examples=["backend"]), _path_rule("contextDir", "backend")
]

DockerfilePath = Annotated[
    str,
    Field(max_length=256, examples=["Dockerfile"]),
    _path_rule("dockerfile", "Dockerfile"),
    Rule(is_not("."), "dockerfile must be a file, such as Dockerfile."),
]

FilePath = Annotated[
    str,
    Field(max_length=256, examples=["backend/values.yaml"]),
    _path_rule("path", "backend/values.yaml"),
    Rule(is_not("."), "path must be a file, such as backend/values.yaml."),
]
