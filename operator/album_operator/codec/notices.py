"""What the webhooks of the forges and of registries are about.

Sources: "Webhook events and payloads" (docs.github.com/webhooks); Gitea `modules/structs/hook.go`;
"Work with notifications" (distribution.github.io); "Configure Webhook Notifications" (goharbor.io),
format Default.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from album_operator.domain.forges import ForgeType
from album_operator.domain.names import normal_url
from album_operator.domain.notice import (
    AnyNotice,
    CommitNotice,
    ImageNotice,
    Notice,
    TagNotice,
)

Payload = Mapping[str, object]

_Place = tuple[int | None, str | None]
"""Number and head branch of a pull request."""

EVERYTHING: _Place = (None, None)

PULL_REQUEST_EVENTS = frozenset(
    {
        "pull_request",
        "pull_request_review",
        # Gitea's own. Its releases differ in which of the names `X-Gitea-Event` holds.
        "pull_request_approved",
        "pull_request_rejected",
        "pull_request_review_approved",
        "pull_request_review_rejected",
        "pull_request_sync",
    }
)

CHECK_EVENTS = frozenset({"status", "check_run", "check_suite", "workflow_run"})

QUEUED = re.compile(r"gh-readonly-queue/.+/pr-([0-9]{1,18})-[0-9a-f]+")
"""Branch on which GitHub's merge queue tests a pull request; its events name no other."""


USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(\[bot\])?")
"""Name of a user as forges let people and Apps have it."""

TAG_LENGTH = 255
"""Longest tag that is taken from a delivery."""

PACKAGE_EVENTS = ("package", "registry_package")

TAGS = "refs/tags/"

PUSHES = frozenset({"push", "PUSH_ARTIFACT"})
"""Of distribution's events, and of Harbor's."""


def parse_notices(forge: ForgeType, event: str, payload: Payload) -> tuple[AnyNotice, ...]:
    """Read what a delivery is about.

    Args:
        forge: whose it is.
        event: its name there, such as `pull_request`.
        payload: the body, of which nothing is certain but that it is an object.

    Returns:
        One for each pull request, branch, commit, image or tag, and none for what nobody waits
        for.
    """
    match forge:
        # Gitea's bodies have the field names of GitHub's.
        case ForgeType.GITEA | ForgeType.GITHUB if event in PACKAGE_EVENTS:
            return _read_package(payload.get(event))
        case ForgeType.GITEA | ForgeType.GITHUB:
            return (
                *_read(event, payload),
                *_read_commit(event, payload),
                *_read_tag(forge, event, payload),
            )
        case _:
            assert_never(forge)


def repository_in(payload: Payload) -> str:
    """Give the URL of the repository that a forge's delivery is about; empty where it is none."""
    url = _find(payload, "repository", "html_url")
    return url if isinstance(url, str) and _is_url(url) else ""


def parse_image_notices(payload: Payload) -> tuple[ImageNotice, ...]:
    """Read which images a registry tells were pushed, in the form of distribution or of Harbor."""
    events = [event for event in _items(payload.get("events")) if _is_push(event, "action")]
    told = [
        (_find(event, "target", "repository"), _find(event, "target", "tag")) for event in events
    ]
    if _is_push(payload, "type"):
        resources = _items(_find(payload, "event_data", "resources"))
        path = _find(payload, "event_data", "repository", "repo_full_name")
        told += [(path, _find(resource, "tag")) for resource in resources]
    return _images(told)


def _is_push(event: object, key: str) -> bool:
    word = _find(event, key)
    return isinstance(word, str) and word in PUSHES


def _images(told: Iterable[tuple[object, object]]) -> tuple[ImageNotice, ...]:
    """Keep what names a repository, each image once."""
    named = [
        ImageNotice(path, tag if isinstance(tag, str) and tag else None)
        for path, tag in told
        if isinstance(path, str)
    ]
    return tuple(dict.fromkeys(named))


def _read_package(package: object) -> tuple[ImageNotice, ...]:
    """Read which image a forge tells was pushed to the registry that is its own."""
    owner = _find(package, "namespace") or _find(package, "owner", "login")
    name, version = _find(package, "name"), _find(package, "version")
    tag = _find(package, "package_version", "container_metadata", "tag", "name") or version
    return _images([(f"{owner}/{name}", tag)])


def _read(event: str, payload: Payload) -> tuple[Notice, ...]:
    places = [EVERYTHING] if event == "repository" else dict.fromkeys(_places(event, payload))
    return tuple(
        Notice(repository, number, branch)
        for repository in _repositories(event, payload)
        for number, branch in places
    )


def _read_commit(event: str, payload: Payload) -> Iterator[CommitNotice]:
    """Read of which commit a check is told."""
    commit = payload.get("sha") if event == "status" else _find(payload, event, "head_sha")
    if isinstance(commit, str) and event in CHECK_EVENTS:
        yield CommitNotice(commit)


def _read_tag(forge: ForgeType, event: str, payload: Payload) -> Iterator[TagNotice]:
    """Read which tag was pushed, or has a release that was published, and who did that."""
    tag = _tag(event, payload)
    user = _find(payload, "sender", "login")
    known = user if isinstance(user, str) and USER.fullmatch(user) else ""
    if isinstance(tag, str) and 0 < len(tag) <= TAG_LENGTH:
        for repository in _repositories(event, payload):
            yield TagNotice(forge, repository, tag, known)


def _tag(event: str, payload: Payload) -> object:
    ref = payload.get("ref")
    match event:
        case "push" if isinstance(ref, str) and payload.get("deleted") is not True:
            return ref.removeprefix(TAGS) if ref.startswith(TAGS) else None
        case "create" if payload.get("ref_type") == "tag":
            return ref
        case "release" if payload.get("action") == "published":
            return _find(payload, event, "tag_name")
        case _:
            return None


def _repositories(event: str, payload: Payload) -> Iterator[str]:
    """Give the URL of the repository, and the one a release knows it by that was renamed now."""
    url = repository_in(payload)
    former = _find(payload, "changes", "repository", "name", "from")
    if url:
        yield url
        if event == "repository" and isinstance(former, str):
            yield f"{url.rstrip('/').rpartition('/')[0]}/{former}"


def _is_url(text: str) -> bool:
    try:
        return normal_url(text).startswith(("http://", "https://"))
    except ValueError:  # a port that is no number, a bracket left open
        return False


def _places(event: str, payload: Payload) -> Iterable[_Place]:
    match event:
        case _ if event in PULL_REQUEST_EVENTS:
            pull_request = payload.get("pull_request")
            return _at(_find(pull_request, "head", "ref"), [pull_request])
        case "push":
            return _at(payload.get("ref"))
        case "delete" if payload.get("ref_type") == "branch":
            return _at(payload.get("ref"))
        case "status" if "branches" not in payload:
            return [EVERYTHING]  # Gitea names only the commit
        case "status":
            branches = _items(payload["branches"])
            return [place for branch in branches for place in _at(_find(branch, "name"))]
        case "check_run":
            run = payload.get(event)
            pull_requests = _items(_find(run, "pull_requests"))
            return _at(_find(run, "check_suite", "head_branch"), pull_requests)
        case "check_suite" | "workflow_run":
            run = payload.get(event)
            return _at(_find(run, "head_branch"), _items(_find(run, "pull_requests")))
        case "merge_group":
            return _at(_find(payload, event, "head_ref"))
        case _:
            return ()


def _at(ref: object, pull_requests: Iterable[object] = ()) -> Iterator[_Place]:
    """Give a head branch with each of its pull requests, alone without; nothing for neither."""
    branch = ref.removeprefix("refs/heads/") if isinstance(ref, str) else ""
    if branch.startswith("refs/"):  # a tag, or Gitea's name for a head whose branch is gone
        branch = ""
    found = [_find(pull_request, "number") for pull_request in pull_requests]
    numbers = [number for number in found if type(number) is int]
    if queued := QUEUED.fullmatch(branch):
        numbers.append(int(queued[1]))
    if numbers:
        yield from ((number, branch or None) for number in numbers)
    elif branch:
        yield None, branch


def _find(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []
