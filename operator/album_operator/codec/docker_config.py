"""A Docker configuration (`config.json`): as builders read it, and what it has for one registry."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from album_operator.codec.foreign_json import parse_json
from album_operator.domain.images import (
    DOCKER_HUB,
    DOCKER_HUB_KEY,
    host_in,
    in_full,
    registry_named,
)
from album_operator.domain.registry import RegistryCredential
from album_operator.domain.registry_access import RegistryAccess

_PROGRAMS = frozenset({"credHelpers", "credsStore"})
_CREDENTIALS = ("auth", "password", "identitytoken", "registrytoken")


def for_builders(text: str) -> str:
    """Put a credential for Docker Hub, under whichever of its names, where builders look for it.

    Args:
        text: the configuration, of which nothing is certain.

    Raises:
        ValueError: it is no JSON with `auths`.
    """
    config, auths = _read(text)
    for key, credential in list(auths.items()):
        if registry_named(host_in(key)) == DOCKER_HUB:
            auths.setdefault(DOCKER_HUB_KEY, credential)
    return json.dumps(config)


def credential_in(text: str, image: str, secret: str) -> RegistryCredential | None:
    """Find what a configuration has for an image's registry; what programs give is not known here.

    An entry may be for a part of a registry (`registry.example.org/team`): of those that the image
    is below the longest counts, as for go-containerregistry and the kubelet.

    Args:
        text: the configuration, of which nothing is certain.
        image: a reference.
        secret: name of the Secret it is from.

    Raises:
        ValueError: it is no JSON with `auths`.
    """
    _, auths = _read(text)
    wanted = in_full(image)
    others = frozenset(registry_named(host_in(key)) for key in auths)
    found = [
        (len(place), key == DOCKER_HUB_KEY, credential)
        for key, entry in auths.items()
        if isinstance(entry, dict)
        and _is_below(wanted, place := _place_of(key))
        and (credential := _credential(entry, secret, wanted, others)) is not None
    ]
    # Of Docker Hub's several names, builders look for one first.
    return max(found, key=lambda each: each[:2])[2] if found else None


def _credential(
    entry: Mapping[str, Any], secret: str, image: str, others: frozenset[str]
) -> RegistryCredential | None:
    """Read an entry; None where it says nothing, as those of programs do."""
    username, password = _pair(entry)
    credential = RegistryCredential(
        secret=secret,
        registry=image.partition("/")[0],
        username=username,
        password=password,
        identity_token=str(entry.get("identitytoken") or ""),
        registry_token=str(entry.get("registrytoken") or ""),
        others=others,
    )
    is_told = credential.password or credential.identity_token or credential.registry_token
    return credential if is_told else None


def access_in(text: str) -> RegistryAccess:
    """Find which registries a configuration is for.

    Args:
        text: the configuration, of which nothing is certain.

    Raises:
        ValueError: it is no JSON with `auths`, `credHelpers` or `credsStore`.
    """
    config, auths = _read(text)
    # Several entries may be of one host, each for a part of it.
    entries = [(host_in(str(key)), one) for key, one in auths.items() if isinstance(one, dict)]
    programs, store = config.get("credHelpers"), config.get("credsStore")
    return RegistryAccess(
        hosts=frozenset(
            host for host, entry in entries if any(entry.get(name) for name in _CREDENTIALS)
        ),
        programs={
            host_in(str(host)): str(program)
            for host, program in (programs.items() if isinstance(programs, dict) else ())
        },
        store=store if isinstance(store, str) else "",
        unreadable=frozenset(
            host for host, entry in entries if not _is_readable(str(entry.get("auth") or ""))
        ),
    )


def _read(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    config = parse_json(text)
    auths = config.get("auths") if isinstance(config, dict) else None
    if auths is None and isinstance(config, dict) and config.keys() & _PROGRAMS:
        auths = {}
    if not isinstance(auths, dict):
        raise ValueError("no auths")  # noqa: TRY004 - as JSON that cannot be read
    return config, auths


def _place_of(key: str) -> str:
    """Give `host[:port][/path]` of a key; of a URL builders take the host alone."""
    host, _, path = key.split("://", 1)[-1].partition("/")
    path = path.strip("/")
    registry = registry_named(host)
    is_whole = "://" in key or path in {"", "v1", "v2"}
    return registry if is_whole else f"{registry}/{path}"


def _is_below(image: str, place: str) -> bool:
    rest = image.removeprefix(place)
    return image.startswith(place) and rest[:1] in {"", "/", ":", "@"}


def _is_readable(auth: str) -> bool:
    """Tell whether builders can read an `auth` (docker/cli, `cli/config/configfile`).

    Go's base64 wants its padding, and knows no blank but the end of a line.
    """
    try:
        pair = base64.b64decode(re.sub(r"[\r\n]", "", auth), validate=True)
    except ValueError:
        return False
    user, colon, _ = pair.partition(b":")
    return not auth or bool(user and colon)


def _pair(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Give name and password, of which `auth` has both in base64 (Docker, `config.json`)."""
    if entry.get("password"):
        return str(entry.get("username") or ""), str(entry["password"])
    try:
        pair = base64.b64decode(str(entry.get("auth") or "")).decode()
    except ValueError:
        return "", ""
    username, _, password = pair.partition(":")
    # Docker's own files may end in a zero byte.
    return username, password.rstrip("\0")
