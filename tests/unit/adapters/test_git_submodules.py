"""Where a submodule is, and with what it is gone to."""

import pytest

from album_operator.adapters.git.submodules import locate
from album_operator.domain.places import Credential, GitPlace

TOKEN = Credential("album-git", "https://git.example.org", "x-access-token", "some-token")
KEY = Credential("album-git", "ssh://git.example.org", "git", "", "some-key", "some-hosts")
PORT = Credential("album-git", "https://git.example.org:8443", "x-access-token", "some-token")
HTTPS = "https://git.example.org/acme/app"
SSH = "ssh://git@git.example.org/acme/app.git"


@pytest.mark.parametrize(
    ("above", "credential", "url", "found", "is_shown"),
    [
        (HTTPS, TOKEN, "../lib", "https://git.example.org/acme/lib", True),
        (HTTPS, TOKEN, "../lib.git", "https://git.example.org/acme/lib.git", True),
        (f"{HTTPS}/", TOKEN, "../../other/lib", "https://git.example.org/other/lib", True),
        (HTTPS, TOKEN, "./lib", "https://git.example.org/acme/app/lib", True),
        (HTTPS, TOKEN, "../../../../lib", "https://git.example.org/lib", True),
        (SSH, KEY, "../lib.git", "ssh://git@git.example.org/acme/lib.git", True),
        (HTTPS, TOKEN, "git@git.example.org:acme/lib.git", f"{HTTPS[:-3]}lib.git", True),
        (HTTPS, TOKEN, "ssh://git@git.example.org:2222/acme/lib", f"{HTTPS[:-3]}lib", True),
        (SSH, KEY, "git@git.example.org:acme/lib.git", f"{SSH[:-7]}lib.git", True),
        (SSH, KEY, "https://git.example.org/acme/lib", f"{HTTPS[:-3]}lib", False),
        (HTTPS, TOKEN, "git@other.example.org:a/lib", "https://other.example.org/a/lib", False),
        (HTTPS, TOKEN, "https://me:pw@git.example.org/a", "https://git.example.org/a", True),
        (HTTPS, TOKEN, "https://git.example.org.evil.org/a", None, False),
        (HTTPS, TOKEN, "https://git.example.org:444/a", None, False),
        (HTTPS, TOKEN, "http://git.example.org/a", None, False),
        (HTTPS, TOKEN, "https://[::1/a", None, False),
        (HTTPS, TOKEN, "file:///etc", None, False),
        (
            "https://git.example.org:8443/acme/app",
            PORT,
            "git@git.example.org:acme/lib",
            "https://git.example.org:8443/acme/lib",
            True,
        ),
    ],
)
def test_a_credential_goes_only_where_it_is_for(
    above: str, credential: Credential, url: str, found: str | None, *, is_shown: bool
) -> None:
    place = locate(url, GitPlace(above, credential), credential)

    assert place.url == (found or url)
    assert (place.credential == credential) is is_shown
    assert is_shown or place.credential.is_empty
