"""Known secrets are taken out of texts, however they stand there."""

import base64
import json
import textwrap
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.domain.redaction import (
    Redactor,
    first_words,
    from_start,
    head,
    last_words,
    tail,
)
from album_operator.domain.secret_words import Words, words_of

TOKEN = 'tk/Zx9+81_ab"cd%41ef\\gh3kLmN'
URL = b"https://git.example.org"

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n".format(
    "\n".join(
        f"{line:02}" + "QyNTUxOQAAACBf7aXk9mPzE1sVdWqLhRt0uJcGyb3nKoZi5Mv8Fp6DA"[line:]
        for line in range(9)
    )
)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _redactor(token: str = TOKEN, **others: str) -> Redactor:
    data = {"url": URL, "username": b"bot", "token": token.encode()}
    return Redactor([words_of(data | {key: value.encode() for key, value in others.items()})])


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a URL": lambda text: quote(text, safe=""),
    "in a URL, every character": _percent,
    "in a URL, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "in JSON": json.dumps,
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "in JSON, every character": lambda text: "".join(
        f"\\u{text.encode('utf-16-be')[at : at + 2].hex()}"
        for at in range(0, len(text.encode("utf-16-be")), 2)
    ),
    "in Python": lambda text: "".join(f"\\x{ord(char):02x}" for char in text),
    "in HTML": lambda text: text.replace("&", "&amp;").replace('"', "&quot;"),
    "in HTML, every character": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "in HTML, by hex": lambda text: "".join(f"&#x{ord(char):x};" for char in text),
    "in base64": _b64,
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "in base64 without padding": lambda text: _b64(text).rstrip("="),
    "in base64 in a URL": lambda text: quote(_b64(text), safe=""),
    "in hex digits": lambda text: text.encode().hex(),
    "in hex digits of capitals": lambda text: text.encode().hex().upper(),
    "in base64 with the line's end": lambda text: _b64(f"{text}\n"),
    "beside its user": lambda text: _b64(f"bot:{text}"),
    "in base64 after one": lambda text: _b64(f"a{text}bc"),
    "in base64 after two": lambda text: _b64(f"ab{text}c"),
    "over lines": lambda text: "\n".join(textwrap.wrap(text, 7)),
    "over lines of BuildKit": lambda text: "\n#12 0.345 ".join(textwrap.wrap(text, 9)),
    "over lines of git": lambda text: "\nremote: ".join(textwrap.wrap(text, 9)),
    "in colours": lambda text: f"\x1b[1;31m{text[:6]}\x1b[0m{text[6:]}\x1b]8;;x\x07",
    "with nothing to see between": lambda text: "\u200b".join(text),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_secret_is_taken_out_however_it_is_written(encode: Callable[[str], str]) -> None:
    shown = encode(TOKEN)

    said = _redactor().clean(f"It said {shown} twice: {shown}.")

    assert shown.strip('"') not in said
    assert "It said " in said
    assert said.count("***") >= 2
    for part in (shown[index : index + 16] for index in range(len(shown) - 15)):
        assert part not in said


@given(
    token=st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=12),
    encode=st.sampled_from([ENCODINGS[name] for name in ENCODINGS if name != "in Python"][:13]),
)
def test_any_secret_is_taken_out(token: str, encode: Callable[[str], str]) -> None:
    said = _redactor(token).clean(f"a {encode(token)} z")

    assert encode(token).strip('"') not in said
    assert token not in said


@pytest.mark.parametrize("cut", [5, 12, 20])
def test_a_part_is_taken_out_where_a_text_is_cut(cut: int) -> None:
    redactor = _redactor()

    assert redactor.clean(f"It ends {TOKEN[:cut]}") == "It ends ***"
    assert redactor.clean(f"{TOKEN[-cut:]} it began") == "*** it began"
    assert redactor.clean(f"it ends {_b64(TOKEN)[:cut]}") == "it ends ***"


def test_a_long_part_is_taken_out_anywhere() -> None:
    assert _redactor().clean(f"It knows {TOKEN[4:22]}… only") == "It knows ***… only"


@pytest.mark.parametrize(
    "shown",
    [
        KEY,
        json.dumps(KEY),
        _b64(KEY),
        base64.encodebytes(KEY.encode()).decode(),
        KEY[300:],
        KEY[:200],
    ],
)
def test_no_line_of_a_key_stays(shown: str) -> None:
    said = _redactor(identity=KEY).clean(f"{shown} follows")

    for line in KEY.splitlines()[1:-1]:
        assert line not in said
        assert line[20:44] not in said
        assert _b64(line)[4:20] not in said


def test_what_is_too_short_is_left_alone_but_beside_its_user() -> None:
    redactor = Redactor([words_of({"username": b"x", "token": b"y", "password": b""})])

    assert redactor.clean("x may try y, exactly") == "x may try y, exactly"
    assert Redactor([words_of({"username": b"x", "token": b"abc"})]).clean("as x:abc") == "as ***"
    user = Redactor([words_of({"username": b"somebody-x", "token": b"y"})])
    assert user.clean(f"Basic {_b64('somebody-x:y')}") == "Basic ***"


def test_a_short_password_is_a_word_of_its_own() -> None:
    redactor = _redactor("hunter2")

    assert redactor.clean("hunter2 is wrong, hunter22 is not") == "*** is wrong, hunter22 is not"


def test_a_name_stays_in_a_path() -> None:
    redactor = _redactor(username="jane-doe-bot", appID="Iv1.0123456789")

    assert redactor.clean("jane-doe-bot may not push to https://h/jane-doe-bot/app") == (
        "*** may not push to https://h/jane-doe-bot/app"
    )
    assert redactor.clean("App Iv1.0123456789") == "App ***"
    assert _redactor(username="DOMAIN\\jane").clean("as DOMAIN\\jane") == "as ***"


def test_of_a_url_only_what_is_secret_goes() -> None:
    redactor = _redactor(
        url="https://someuser:some%2Bpassword@git.example.org/owner/abcdefghij0123456789x?k=queried-1#frag-ment"
    )

    for secret in (
        "someuser",
        "some%2Bpassword",
        "some+password",
        "queried-1",
        "frag-ment",
        "abcdefghij0123456789x",
    ):
        assert redactor.clean(f"<{secret}>") == "<***>"
    kept = "https://git.example.org/owner/app"
    assert redactor.clean(kept) == kept
    assert _redactor(url="ssh://git@host").clean("git@host") == "git@host"
    assert _redactor(url="host-of-all/x").clean("host-of-all") == "host-of-all"
    assert _redactor(url="https://[broken-url").clean("at https://[broken-url") == "at ***"


def test_of_known_hosts_only_the_keys_go() -> None:
    redactor = _redactor(known_hosts="git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n")

    assert redactor.clean("git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5") == (
        "git.example.org ssh-ed25519 ***"
    )


def test_all_of_a_docker_configuration_but_its_hosts_goes() -> None:
    config = {
        "auths": {
            "registry.example.org": {
                "username": "pushing-user",
                "password": "pushing-password",
                "email": "someone@example.org",
                "auth": _b64("other-user:other-password"),
            },
            "ghcr.io": {"auth": "no base64!"},
            "deep": {"identitytoken": "identity-token", "more": ["in-a-list", 7]},
        },
        "HttpHeaders": {"X-Key": "header-value"},
    }
    redactor = Redactor([words_of({".dockerconfigjson": json.dumps(config).encode()})])

    for secret in (
        "pushing-user",
        "pushing-password",
        "pushing-user:pushing-password",
        "someone@example.org",
        _b64("other-user:other-password"),
        "other-user",
        "other-password",
        "identity-token",
        "in-a-list",
        "header-value",
    ):
        assert redactor.clean(f"<{secret}>") in {"<***>"}
    assert redactor.clean("registry.example.org") == "registry.example.org"


def test_a_docker_configuration_that_is_none_is_searched_for_words() -> None:
    broken = b'{"auths": {"h": {"auth": "Zm9vOmJhcmJhcmJhcmJhcg=="'
    deep = ("[" * 200 + '"a-deep-secret"' + "]" * 200).encode()

    assert (
        Redactor([words_of({".dockerconfigjson": broken})]).clean("auth Zm9vOmJhcmJhcmJhcmJhcg== h")
        == "auth *** h"
    )
    assert words_of({".dockerconfigjson": deep}) == Words(frozenset())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://user:pw@host/x", "https://***@host/x"),
        ("ssh://git:pw@host/x and ssh://git@host/y", "ssh://git:***@host/x and ssh://git@host/y"),
        ("redis://:pw@host/0", "redis://:***@host/0"),
        ("token ghs_16C7e42F292c6912E7710c838347Ae178B4a", "token ***"),
        ("jwt eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0In0.c2ln is old", "jwt *** is old"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- x", "*** x"),
        ("-----BEGIN PRIVATE KEY-----\nMII", "***"),
    ],
)
def test_secrets_of_nobody_we_know_are_told_by_their_form(text: str, said: str) -> None:
    assert Redactor(()).clean(text) == said


def test_a_text_without_secrets_stays_as_it_is() -> None:
    text = "Tag v1.0.0 does not exist in https://git.example.org/owner/app. 100% of \\n &co; ☃"

    assert _redactor().clean(text) == text
    assert _redactor().clean("") == ""


def test_a_cut_leaves_no_half_of_a_word() -> None:
    assert head("one two three", 20) == "one two three"
    assert head("one two three", 9) == "one two"
    assert head("one two three", 7) == "one two"
    assert head("onetwothree", 5) == ""
    assert tail("one two three", 20) == "one two three"
    assert tail("one two three", 7) == "three"
    assert tail("onetwothree", 5) == ""


def test_a_log_that_begins_in_the_middle_of_a_line_begins_with_the_next() -> None:
    assert from_start("whole\nlog") == "whole\nlog"
    assert from_start("x" * 3000 + "\nthe cause") == "the cause"
    assert from_start("\n".join(map(str, range(80)))).startswith("1\n2\n")
    assert from_start("x" * 3000 + " the cause") == "the cause"
    assert from_start("x" * 3000) == ""


def test_the_last_words_of_a_log_are_kept() -> None:
    assert last_words("x" * 5000 + " the cause") == "the cause"
    assert len(last_words("why " * 1000)) <= 1024


def test_the_first_words_of_a_message_are_kept() -> None:
    assert first_words("the cause " + "x" * 5000) == "the cause"
    assert len(first_words("why " * 1000)) <= 1024


def test_what_a_terminal_would_obey_or_nobody_sees_is_left_out() -> None:
    said = "\x1b[31mno\x1b[0m \x07\x00ro\u200bom\u202e\x9b\ud800\ton\nthe \ufffd disk\r\n"
    assert first_words(said) == last_words(said) == "no room\ton\nthe \ufffd disk"
