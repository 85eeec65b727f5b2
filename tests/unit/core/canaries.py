"""A value in each key of each Secret a release uses, and all the ways somebody may say them."""

import base64
import json
import textwrap
from collections.abc import Iterator
from urllib.parse import quote

from tests.fakes.cluster import Raw, raw_secret
from tests.fakes.git_server import TOKEN

HOST = "git.example.org"
CANARIES = {
    "url-user": "canary-in-url-user",
    "url-password": "canary-in/url&password",
    "url-query": "canary-in-url-query",
    "username": "canary-in-username",
    "identity": "Q2FuYXJ5SW5JZGVudGl0eUxpbmVPZkJhc2U2NEFBQUFC3nzaC1r",
    "known_hosts": "AAAAC3NzaC1lZDI1NTE5Q2FuYXJ5SW5Lbm93bkhvc3Rz",
    "appID": "Iv1.canaryinappid",
    "installationID": "90817263544536",
    "privateKey": "TUlJRXBBSUJBQUtDQVFFQUNhbmFyeUluUHJpdmF0ZUtleQ9xQz",
    "note": 'canary "in" a key\\of no+kind=at/all',
    "docker-user": "canary-in-docker-user",
    "docker-password": "canary-in:docker~password",
    "docker-auth-user": "canary-auth-user",
    "docker-auth-password": "canary-auth+password",
    "docker-email": "canary@docker.example.org",
    "docker-identity": "canary-identity-token",
    "docker-header": "canary-in-header",
    "token": TOKEN,
}


def git_secret(name: str = "album-git") -> Raw:
    """Give the Secret for git and the forge, with something in each key."""
    value = CANARIES
    pem = "-----BEGIN {0}-----\n{1}\n-----END {0}-----\n"
    user, password = value["url-user"], quote(value["url-password"], safe="")
    return raw_secret(
        name,
        url=f"https://{user}:{password}@{HOST}?key={value['url-query']}",
        username=value["username"],
        token=value["token"],
        identity=pem.format("OPENSSH PRIVATE KEY", value["identity"]),
        known_hosts=f"{HOST} ssh-ed25519 {value['known_hosts']}",
        appID=value["appID"],
        installationID=value["installationID"],
        privateKey=pem.format("RSA PRIVATE KEY", value["privateKey"]),
        note=value["note"],
    )


def docker_config() -> str:
    """Give the configuration to push with, with something in each of its texts."""
    value = CANARIES
    pair = f"{value['docker-auth-user']}:{value['docker-auth-password']}"
    return json.dumps(
        {
            "auths": {
                "ghcr.io": {
                    "username": value["docker-user"],
                    "password": value["docker-password"],
                    "email": value["docker-email"],
                    "auth": base64.b64encode(pair.encode()).decode(),
                    "identitytoken": value["docker-identity"],
                }
            },
            "HttpHeaders": {"X-Key": value["docker-header"]},
        }
    )


def registry_secret(config: str | None = None) -> Raw:
    """Give the Secret to push with."""
    return raw_secret(
        "album-registry", **{".dockerconfigjson": docker_config() if config is None else config}
    )


def forms(text: str) -> Iterator[str]:
    """Give the ways in which a text may be said."""
    data = text.encode()
    yield text
    for shift, others in enumerate((0, 2, 3)):
        yield base64.b64encode(b"xy"[:shift] + data + b":z").decode()[others:]
    for written in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
        yield from (written, written.rstrip("="))
    yield quote(text, safe="")
    yield "".join(f"%{byte:02x}" for byte in data)
    yield "".join(f"%{byte:02X}" for byte in data)
    yield json.dumps(text)[1:-1]
    yield "".join(f"\\u{ord(char):04x}" for char in text)


def shout() -> str:
    """Say all of them in all ways, short lines between; at the end, over lines and in colours."""
    said = [f"he said {form} aloud" for text in CANARIES.values() for form in forms(text)]
    wrapped = ["\n#7 0.123 ".join(textwrap.wrap(text, 11)) for text in CANARIES.values()]
    coloured = [f"\x1b[31m{text[:5]}\x1b[0m{text[5:]}" for text in CANARIES.values()]
    return "\n".join([*said, *wrapped, *coloured])


def found_in(text: str) -> list[str]:
    """Give the forms of canaries that a text shows, and parts of 16 characters of the long ones."""
    parts = [
        form[at : at + 16]
        for canary in CANARIES.values()
        for form in forms(canary)
        if len(form) >= 24
        for at in range(0, len(form) - 15, 4)
    ]
    whole = [form for canary in CANARIES.values() for form in forms(canary)]
    return sorted({form for form in [*whole, *parts] if form in text})
