"""What a process knows of Secrets, and its log without them."""

import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from album_operator import secrecy
from album_operator.domain.release import Ref
from album_operator.secrecy import FRESH_SECONDS, KnownSecrets, clean_logs

REF = Ref("album", "album-git")
LOG = logging.getLogger("somebody.else")


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def known() -> KnownSecrets:
    return KnownSecrets(_Clock())


@pytest.fixture
def cleaned(known: KnownSecrets) -> Iterator[KnownSecrets]:
    known.learn(REF, {"token": b"s3cret-t0ken"})
    put_back = clean_logs(known.clean_all)
    yield known
    put_back()


def test_a_namespaces_texts_are_freed_of_its_own_secrets(known: KnownSecrets) -> None:
    known.learn(REF, {"token": b"s3cret-t0ken"})

    assert known.clean("album", "it is s3cret-t0ken") == "it is ***"
    assert known.clean("other", "it is s3cret-t0ken") == "it is s3cret-t0ken"
    assert known.clean_all("it is s3cret-t0ken") == "it is ***"


def test_a_value_from_before_a_rotation_is_known_for_a_while(known: KnownSecrets) -> None:
    for number in range(4):
        known.learn(REF, {"token": f"s3cret-t0ken-{number}".encode()})
        known.learn(REF, {"token": f"s3cret-t0ken-{number}".encode()})

    said = [known.clean("album", f"s3cret-t0ken-{number} was") for number in range(4)]
    assert said == ["s3cret-t0ken-0 was", "*** was", "*** was", "*** was"]


def test_a_token_made_for_us_is_known_everywhere(known: KnownSecrets) -> None:
    known.learn_token("made-t0ken-1")
    known.learn_token("made-t0ken-1")

    assert known.clean("album", "made-t0ken-1") == "***"


def test_a_secret_is_fresh_for_some_minutes() -> None:
    clock = _Clock()
    known = KnownSecrets(clock)
    assert not known.is_fresh(REF)
    known.learn(REF, {})
    assert known.is_fresh(REF)
    clock.now = FRESH_SECONDS
    assert not known.is_fresh(REF)


def test_what_is_remembered_has_an_end(
    known: KnownSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrecy, "SECRETS", 2)
    for name in ("a", "b", "c"):
        known.learn(Ref("album", name), {"token": f"s3cret-t0ken-{name}".encode()})

    assert known.clean("album", "s3cret-t0ken-a") == "s3cret-t0ken-a"
    assert known.clean("album", "s3cret-t0ken-b") == "***"


def test_every_line_of_the_log_is_freed_with_its_traceback(
    cleaned: KnownSecrets, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        int("s3cret-t0ken")
    except ValueError:
        LOG.exception("It was %s", "s3cret-t0ken", stack_info=True)
    LOG.warning("no argument fits %d", "s3cret-t0ken")

    assert cleaned is not None
    assert "s3cret-t0ken" not in caplog.text.replace('"s3cret-t0ken"', "")
    assert "ValueError: invalid literal for int() with base 10: '***'" in caplog.text
    assert "It was ***" in caplog.text
    assert "Stack (most recent call last)" in caplog.text


def test_what_python_itself_would_print_is_a_line_of_the_log(
    cleaned: KnownSecrets, caplog: pytest.LogCaptureFixture
) -> None:
    error = ValueError("at s3cret-t0ken")
    sys.excepthook(ValueError, error, None)
    threading.excepthook(threading.ExceptHookArgs((ValueError, error, None, None)))
    threading.excepthook(threading.ExceptHookArgs((ValueError, None, None, None)))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("of s3cret-t0ken", UserWarning, stacklevel=1)

    assert cleaned is not None
    assert caplog.text.count("ValueError: at ***") == 2
    assert "The process ends by an error" in caplog.text
    assert "A thread ended by an error" in caplog.text


def test_ctrl_c_ends_as_ever(cleaned: KnownSecrets, capsys: pytest.CaptureFixture[str]) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert cleaned is not None
    assert "KeyboardInterrupt" in capsys.readouterr().err


def test_the_log_is_put_back() -> None:
    before = logging.getLogRecordFactory(), sys.excepthook, threading.excepthook
    clean_logs(str)()

    assert (logging.getLogRecordFactory(), sys.excepthook, threading.excepthook) == before
