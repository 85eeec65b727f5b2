"""What git says when it fails, in the operator's words."""

import base64

import pytest

from album_operator.adapters.git_failures import WORDS_LENGTH, scrub, translate, words
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import Credential, GitPlace
from album_operator.domain.reasons import Reason

TOKEN = "s3cret/token+1"
CREDENTIAL = Credential("album-git", "https://git.example.org", "ann", TOKEN)
PLACE = GitPlace("https://git.example.org/owner/name", CREDENTIAL)
URL = f"{PLACE.url}/"


@pytest.mark.parametrize(
    ("stderr", "kind", "reason"),
    [
        (
            f"remote: Failed to authenticate user\nfatal: Authentication failed for '{URL}'",
            TerminalError,
            Reason.CREDENTIALS_REFUSED,
        ),
        (
            "fatal: could not read Password for 'https://ann@git.example.org': No such device",
            TerminalError,
            Reason.CREDENTIALS_REFUSED,
        ),
        (
            f"fatal: unable to access '{URL}': The requested URL returned error: 403",
            TerminalError,
            Reason.CREDENTIALS_REFUSED,
        ),
        (
            f"remote: Repository not found\nfatal: repository '{URL}' not found",
            TerminalError,
            Reason.REPOSITORY_NOT_FOUND,
        ),
        (
            f"fatal: unable to access '{URL}': The requested URL returned error: 301",
            TerminalError,
            Reason.REPOSITORY_NOT_FOUND,
        ),
        (
            "remote: This repository was archived so it is read-only.\n"
            f"fatal: unable to access '{URL}': The requested URL returned error: 403",
            TerminalError,
            Reason.REPOSITORY_ARCHIVED,
        ),
        (
            f"fatal: unable to access '{URL}': The requested URL returned error: 429",
            TransientError,
            Reason.RATE_LIMITED,
        ),
        (
            f"fatal: unable to access '{URL}': The requested URL returned error: 503",
            TransientError,
            Reason.GIT_UNAVAILABLE,
        ),
        (
            f"fatal: unable to access '{URL}': Could not resolve host: git.example.org",
            TransientError,
            Reason.GIT_UNAVAILABLE,
        ),
        (
            f"fatal: unable to access '{URL}': SSL certificate problem: self-signed certificate",
            TransientError,
            Reason.GIT_UNAVAILABLE,
        ),
        ("error: something new in git 3", TransientError, Reason.GIT_UNAVAILABLE),
        ("", TransientError, Reason.GIT_UNAVAILABLE),
    ],
)
def test_each_failure_has_its_reason(stderr: str, kind: type[OutsideError], reason: Reason) -> None:
    error = translate(PLACE, "read", stderr)
    assert type(error) is kind
    assert error.reason is reason
    assert PLACE.url in error.message
    assert error.message.endswith(".")


def test_a_refused_token_names_the_secret_and_what_it_must_be_allowed_to() -> None:
    message = translate(PLACE, "write to", "fatal: Authentication failed for 'x'").message
    assert "Secret album-git" in message
    assert "write to this repository" in message


def test_a_token_is_taken_out_in_every_form() -> None:
    pair = base64.b64encode(f"ann:{TOKEN}".encode()).decode()
    alone = base64.b64encode(TOKEN.encode()).decode()
    said = f"{TOKEN} s3cret%2Ftoken%2B1 Basic {pair} {alone}"
    assert scrub(said, CREDENTIAL) == "*** *** Basic *** ***"
    assert TOKEN not in words(f"remote: your token is {TOKEN}", CREDENTIAL)


def test_a_token_broken_by_the_cut_does_not_slip_through() -> None:
    said = words("x" * (WORDS_LENGTH - 4) + TOKEN, CREDENTIAL)
    assert len(said) <= WORDS_LENGTH
    assert TOKEN[:4] not in said


def test_an_empty_token_changes_nothing() -> None:
    assert scrub("words", Credential("s", "https://h", "", "")) == "words"


def test_words_are_one_printable_line() -> None:
    said = words("remote: \x1b[31mno\x00\r\nremote: \nfatal: é done", CREDENTIAL)
    assert said == "[31mno; fatal: done"
    assert words("", CREDENTIAL) == "it gave no reason"
