"""The kinds of forges: what is particular to each, beside the adapter that speaks its API."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from urllib.parse import quote, urlsplit

from album_operator.domain.hosts import OWN_NAMES
from album_operator.domain.names import is_ssh, repository_path


class ForgeType(StrEnum):
    """Kind of a forge; Forgejo has Gitea's API."""

    GITEA = "Gitea"
    GITHUB = "GitHub"


@dataclass(frozen=True)
class Deliveries:
    """How a forge sends webhooks; of several headers with one meaning, the first counts.

    Attributes:
        signature: of the body by HMAC-SHA256; the first group is its 64 hex digits.
        signatures: headers with the signature.
        events: headers with the name of the event.
        ids: headers with what tells deliveries apart.
    """

    signature: re.Pattern[str]
    signatures: tuple[str, ...]
    events: tuple[str, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Forge:
    """A kind of forge.

    Attributes:
        api_path: of the API, on the host of the repositories.
        home: the host that is known to be of this kind, and whose API is at `api.<home>`; empty
            where there is none.
        may_be_below_path: it may share its host with others, and be served below a path.
        commit_path: of a commit's page, below its repository's.
        comparison_path: of the page that compares two commits.
        looks: most pull requests that are looked at in a row, None for all: many take one request.
        deliveries: its webhooks.
    """

    api_path: str
    home: str
    may_be_below_path: bool
    commit_path: str
    comparison_path: str
    looks: int | None
    deliveries: Deliveries

    def api_of(self, repository: str) -> str:
        """Give the base URL of the API of a repository's forge, by the kind's own convention."""
        parts = urlsplit(repository)
        if _host_of(repository) == self.home:
            return f"https://api.{self.home}"
        if is_ssh(repository):
            # Where SSH listens says nothing of where the API does.
            return f"https://{parts.hostname}{self.api_path}"
        # A repository is always `owner/name` below the forge.
        root = parts.path.strip("/").rpartition("/")[0].rpartition("/")[0]
        below = f"/{root}" if root and self.may_be_below_path else ""
        return f"{parts.scheme}://{parts.netloc}{below}{self.api_path}"

    def web_of(self, api_url: str) -> str:
        """Give the URL that repositories lie below."""
        parts = urlsplit(api_url)
        if self.home and parts.netloc.startswith("api.") and not parts.path.strip("/"):
            return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"
        return api_url.removesuffix(self.api_path)

    def path_in(self, api_url: str, repository: str) -> str:
        """Give `owner/name` of a repository as its forge's API knows it, also of one below a path.

        Args:
            api_url: base URL of the API.
            repository: URL of the repository.
        """
        path, root = repository_path(repository), urlsplit(api_url).path.rstrip("/")
        root = root.removesuffix(self.api_path).strip("/")
        below = path.removeprefix(f"{root}/")
        return below if below.count("/") == 1 else path

    def commit_page(self, repository: str, commit: str) -> str:
        """Give the page of a commit in a repository, which is named by its own page."""
        return f"{repository}/{self.commit_path}/{quote(commit)}"

    def comparison_page(self, repository: str, since: str, until: str) -> str:
        """Give the page of what two tags have between them."""
        between = f"{quote(since, safe='')}...{quote(until, safe='')}"
        return f"{repository}/{self.comparison_path}/{between}"


GITEA = Forge(
    api_path="/api/v1",
    home="",
    may_be_below_path=True,
    commit_path="commit",
    comparison_path="compare",
    looks=50,
    deliveries=Deliveries(
        re.compile("([0-9a-f]{64})"),
        ("X-Gitea-Signature", "X-Forgejo-Signature"),
        ("X-Gitea-Event", "X-Forgejo-Event"),
        ("X-Gitea-Delivery", "X-Forgejo-Delivery"),
    ),
)

GITHUB = Forge(
    # Of a GitHub Enterprise Server (docs.github.com, "Getting started with the REST API").
    api_path="/api/v3",
    home="github.com",
    may_be_below_path=False,
    commit_path="commit",
    comparison_path="compare",
    looks=None,
    deliveries=Deliveries(
        re.compile("sha256=([0-9a-f]{64})"),
        ("X-Hub-Signature-256",),
        ("X-GitHub-Event",),
        ("X-GitHub-Delivery",),
    ),
)


def forge_of(kind: ForgeType) -> Forge:
    """Describe a kind of forge."""
    match kind:
        case ForgeType.GITEA:
            return GITEA
        case ForgeType.GITHUB:
            return GITHUB
        case _:
            assert_never(kind)


def guess_type(repository: str) -> ForgeType:
    """Tell the kind of a repository's forge by its host, Gitea where that tells nothing."""
    host = _host_of(repository)
    return next((kind for kind in ForgeType if forge_of(kind).home == host), ForgeType.GITEA)


def _host_of(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return OWN_NAMES.get(host, host)
