"""What of a Secret is secret: the values of its keys, by their kind."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

NAME_KEYS = frozenset({"username", "email", "appID", "installationID"})
DOCKER_KEYS = frozenset({".dockerconfigjson", ".dockercfg", "config.json"})
DEFAULT_USER = "x-access-token"

LONG = 16
"""Shortest word of a Docker configuration that cannot be read which is taken for a secret."""

DEPTH = 32
"""How deep a Docker configuration is looked into."""


@dataclass(frozen=True)
class Words:
    """What is taken out of texts.

    Attributes:
        secrets: tokens, passwords, keys.
        names: of users and Apps.
    """

    secrets: frozenset[str]
    names: frozenset[str] = frozenset()


def words_of(data: Mapping[str, bytes]) -> Words:
    """Give what is secret in a Secret: the values of all its keys, by their kind.

    Of `url` its user, password and query are, and long parts of its path that look like a token;
    of `known_hosts` the keys; of a Docker configuration all texts in it and what `auth` decodes to.
    """
    secrets: set[str] = set()
    names: set[str] = set()
    texts = {key: value.decode(errors="ignore").strip() for key, value in data.items()}
    for key, text in texts.items():
        if key == "url":
            secrets.update(_of_url(text))
        elif key in NAME_KEYS:
            names.add(text)
        elif key == "known_hosts":
            secrets.update(line.split(maxsplit=2)[-1] for line in text.splitlines() if line)
        elif key in DOCKER_KEYS:
            _add_docker(_parsed(text), secrets, names)
        else:
            secrets.update((text, *(line.strip() for line in text.splitlines())))
    for key in ("token", "password"):
        if texts.get(key):
            secrets.add(f"{texts.get('username') or DEFAULT_USER}:{texts[key]}")
    return Words(frozenset(secrets - {""}), frozenset(names - {""}))


def _of_url(text: str) -> Iterator[str]:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        user, password = parts.username or "", parts.password or ""
    except ValueError:  # a bracket left open
        yield text
        return
    if user and (password or parts.scheme != "ssh"):
        yield from (user, unquote(user), password, unquote(password), f"{user}:{password}")
    yield from (value for _, value in parse_qsl(parts.query, keep_blank_values=True))
    yield from (parts.query, parts.fragment)
    yield from (
        part
        for part in parts.path.split("/")
        if re.fullmatch(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_]{20,}", part)
    )


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # What stands in quotes, or between blanks, is a value or a host.
        return [part for part in re.split(r'[\s"\',:{}\[\]]+', text) if len(part) >= LONG]


def _add_docker(node: object, secrets: set[str], names: set[str], depth: int = 0) -> None:
    """Add all texts of a Docker configuration; hosts are its keys."""
    if depth > DEPTH:
        return
    if isinstance(node, list):
        for item in node:
            _add_docker(item, secrets, names, depth + 1)
    elif isinstance(node, str):
        secrets.add(node)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in NAME_KEYS and isinstance(value, str):
                names.add(value)
            else:
                _add_docker(value, secrets, names, depth + 1)
        user, password = node.get("username"), node.get("password")
        if isinstance(user, str) and isinstance(password, str):
            secrets.add(f"{user}:{password}")
        if isinstance(node.get("auth"), str):
            _add_auth(node["auth"], secrets, names)


def _add_auth(auth: str, secrets: set[str], names: set[str]) -> None:
    try:
        pair = base64.b64decode(auth).decode()
    except ValueError:
        return
    user, _, password = pair.partition(":")
    secrets.update((pair, password))
    names.add(user)
