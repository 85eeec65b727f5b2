"""What git says when it fails, in the operator's words."""

import base64
import time

import pytest

from album_operator.adapters.foreign_words import WORDS_LENGTH, scrub
from album_operator.adapters.git.failures import TokenRefusedError, translate, words
from album_operator.domain.errors import (
    OutsideError,
    TerminalError,
    TransientError,
    UnansweredError,
)
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
            TokenRefusedError,
            Reason.CREDENTIALS_REFUSED,
        ),
        (
            "fatal: could not read Password for 'https://ann@git.example.org': No such device",
            TokenRefusedError,
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
            UnansweredError,
            Reason.GIT_UNAVAILABLE,
        ),
        (
            f"fatal: unable to access '{URL}': Could not resolve host: git.example.org",
            UnansweredError,
            Reason.GIT_UNAVAILABLE,
        ),
        (
            f"fatal: unable to access '{URL}': SSL certificate problem: self-signed certificate",
            UnansweredError,
            Reason.GIT_UNAVAILABLE,
        ),
        ("error: something new in git 3", UnansweredError, Reason.GIT_UNAVAILABLE),
        ("", UnansweredError, Reason.GIT_UNAVAILABLE),
    ],
)
def test_each_failure_has_its_reason(stderr: str, kind: type[OutsideError], reason: Reason) -> None:
    error = translate(PLACE, "read", stderr)
    assert type(error) is kind
    assert error.reason is reason
    assert PLACE.url in error.sentence
    assert error.sentence.endswith(".")


WITH_KEY = Credential(
    "album-git",
    "ssh://git.example.org",
    "x",
    "",
    identity="-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\nAAAAsecond+line/==\n"
    "-----END OPENSSH PRIVATE KEY-----",
    known_hosts="git.example.org ssh-ed25519 AAAA",
)
OVER_SSH = GitPlace("ssh://git@git.example.org/owner/name", WITH_KEY)
ADVICE = (
    "fatal: Could not read from remote repository.\n\n"
    "Please make sure you have the correct access rights\nand the repository exists.\n"
)
CHANGED = """\
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
The fingerprint for the ED25519 key sent by the remote host is
SHA256:0AcKTc4bWLwoUIvnFWVbOLq2CdX72IDCk84RuEf6Wfg.
Host key verification failed.
"""


@pytest.mark.parametrize(
    ("stderr", "reason", "said"),
    [
        (CHANGED, Reason.HOST_KEY_CHANGED, "SHA256:0AcKTc4bWLwoUIvnFWVbOLq2CdX72IDCk84RuEf6Wfg)"),
        (
            "@  WARNING: REVOKED HOST KEY DETECTED!  @\nHost key verification failed.",
            Reason.HOST_KEY_CHANGED,
            "another host key than",
        ),
        (
            "No ED25519 host key is known for git.example.org and you have requested strict "
            "checking.\nHost key verification failed.",
            Reason.CREDENTIALS_MISSING,
            "`known_hosts`",
        ),
        (
            "git@git.example.org: Permission denied (publickey).",
            Reason.CREDENTIALS_REFUSED,
            "Permission denied",
        ),
        (
            'Load key "/tmp/x/identity": error in libcrypto\ngit@h: Permission denied (publickey).',
            Reason.CREDENTIALS_REFUSED,
            "error in libcrypto",
        ),
        (
            "error:\nerror: Deploy Key: 2:dk is not authorized to write to owner/name.\nerror:",
            Reason.CREDENTIALS_REFUSED,
            "Deploy Key",
        ),
        (
            "ERROR: Permission to owner/name.git denied to deploy key",
            Reason.CREDENTIALS_REFUSED,
            "deploy key",
        ),
        (
            "ERROR: The key you are authenticating with has been marked as read only.",
            Reason.CREDENTIALS_REFUSED,
            "read only",
        ),
        (
            "error: Cannot find repository: owner/name",
            Reason.REPOSITORY_NOT_FOUND,
            "does not exist",
        ),
        ("ERROR: Repository not found.", Reason.REPOSITORY_NOT_FOUND, "does not exist"),
        (
            "remote: ERROR: The project you were looking for could not be found or you don't have "
            "permission to view it.",
            Reason.REPOSITORY_NOT_FOUND,
            "does not exist",
        ),
        (
            "fatal: '/owner/name' does not appear to be a git repository",
            Reason.REPOSITORY_NOT_FOUND,
            "does not exist",
        ),
        (
            "ssh: connect to host git.example.org port 22: Connection refused",
            Reason.GIT_UNAVAILABLE,
            "Connection refused",
        ),
        (
            "ssh: connect to host git.example.org port 22: Connection timed out",
            Reason.GIT_UNAVAILABLE,
            "timed out",
        ),
        (
            "kex_exchange_identification: Connection closed by remote host",
            Reason.GIT_UNAVAILABLE,
            "closed",
        ),
        ("sh: 1: ssh: not found", Reason.GIT_UNAVAILABLE, "not found"),
    ],
)
def test_each_failure_over_ssh_has_its_reason(stderr: str, reason: Reason, said: str) -> None:
    error = translate(OVER_SSH, "read", f"{stderr}\n{ADVICE}")
    assert error.reason is reason
    assert isinstance(error, TransientError) is (reason is Reason.GIT_UNAVAILABLE)
    assert said in error.sentence
    assert error.sentence.endswith(".")
    assert "access rights" not in error.sentence
    assert ".." not in error.sentence


def test_a_changed_host_key_says_what_to_compare_and_which_key_to_change() -> None:
    message = translate(OVER_SSH, "read", CHANGED).sentence
    assert "key `known_hosts` of Secret album-git" in message
    assert "fingerprints the forge publishes" in message


def test_a_private_key_is_taken_out_line_by_line() -> None:
    body = WITH_KEY.identity.splitlines()[1:3]
    whole = base64.b64encode(WITH_KEY.identity.encode()).decode()
    assert scrub(f"{body[0]} and {body[1]}, {whole}", WITH_KEY) == "*** and ***, ***"
    assert scrub("a PRIVATE KEY", WITH_KEY) == "a PRIVATE KEY"
    for line in body:
        assert line not in translate(OVER_SSH, "read", f"{WITH_KEY.identity} is wrong").sentence


def test_a_refused_token_names_the_secret_and_what_it_must_be_allowed_to() -> None:
    message = translate(PLACE, "write to", "fatal: Authentication failed for 'x'").sentence
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


def test_words_of_a_server_take_no_square_of_their_length() -> None:
    def seconds(times: int) -> float:
        said = "fatal: " + "repository '" * times
        began = time.process_time()
        translate(PLACE, "read", said)
        return time.process_time() - began

    assert min(seconds(16_000) for _ in range(3)) < 9 * min(seconds(4000) for _ in range(3))
