"""`album plan` shows no token, be it in the change or in what a server says."""

import base64
from pathlib import Path
from urllib.parse import quote

from tests.cli.command import CHANGES, REFUSED, VALUES, album, commit, git
from tests.unit.core.canaries import CANARIES

TOKEN = CANARIES["note"]
VARIABLES = {"ALBUM_GIT_TOKEN": TOKEN, "ALBUM_GIT_USERNAME": CANARIES["username"]}
WISH = ("plan", "--tag", "backend-v1.3.3", "--source", "https://git.example.org/o/album-app")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_change_that_shows_the_token_is_printed_without_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    # Of what is before the change git shows three lines.
    said = [TOKEN, quote(TOKEN, safe=""), f"{_base64(f'bot:{TOKEN}')} of {CANARIES['username']}"]
    values = VALUES.replace("  tag:", "".join(f"# {line}\n" for line in said) + "  tag:")
    commit(tmp_path, "values", {"backend/values.yaml": values.encode()})

    ended = album(*WISH, "--config-repo", str(tmp_path), cwd=tmp_path, variables=VARIABLES)

    assert ended.status == CHANGES, ended.err
    assert ended.out.count(b"***") == 4
    assert TOKEN.encode() not in ended.out
    assert CANARIES["username"].encode() not in ended.out
    assert b'+  tag: "v1.3.3"' in ended.out


def test_what_is_refused_is_told_without_the_token(tmp_path: Path) -> None:
    url = f"https://127.0.0.1:1/{CANARIES['url-user']}/x"
    variables = {"ALBUM_GIT_TOKEN": CANARIES["url-user"]}
    ended = album(*WISH, "--config-repo", url, cwd=tmp_path, variables=variables)

    assert ended.status == REFUSED
    assert CANARIES["url-user"] not in ended.err
