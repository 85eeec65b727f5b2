"""The lines of the log."""

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from inspect import signature
from typing import Any

import pytest

from album_operator import logs
from album_operator.domain.release import Ref
from album_operator.logs import LogFormat, LogLevel, about, make_handler
from album_operator.secrecy import KnownSecrets, clean_logs
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import Stage

LOG = logging.getLogger("album_operator.somewhere")
RELEASE = Ref("album", "backend-v1.2.0")
MOST_LINES = 20


class _Log:
    """What is written, and the clock of who writes it."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.now = 0.0

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@contextmanager
def _writing(form: LogFormat, *filters: Callable[[logging.LogRecord], bool]) -> Iterator[_Log]:
    log, level = _Log(), logging.root.level
    handler = make_handler(log.stream, form, *filters, clock=lambda: log.now)
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.INFO)
    try:
        yield log
    finally:
        logging.root.setLevel(level)
        logging.root.removeHandler(handler)


def test_a_line_of_text_names_its_pass() -> None:
    with _writing(LogFormat.TEXT) as log:
        LOG.info("Before.")
        with about("release", RELEASE):
            LOG.warning("In it.")
            LOG.info("In it, too.")
    before, first, second = log.lines
    assert before.endswith("INFO    album_operator.somewhere: Before.")
    assert "WARNING album_operator.somewhere: In it. [pass " in first
    assert first.split("[pass ")[1] == second.split("[pass ")[1]


def test_a_line_of_json_says_what_it_is_about() -> None:
    with _writing(LogFormat.JSON) as log:
        with about("release", RELEASE):
            LOG.info("AlbumRelease %s: Done", RELEASE, extra={"reason": "Done", "step": None})
        with about("pipeline", Ref("album", "app")):
            LOG.info("Other", extra={"k8s_ref": object()})
        LOG.info("None")
    release, pipeline, none = log.told
    assert datetime.fromisoformat(release.pop("time")).utcoffset() == timedelta()
    assert len(release.pop("pass")) == 8
    assert release == {
        "level": "INFO",
        "logger": "album_operator.somewhere",
        "message": "AlbumRelease album/backend-v1.2.0: Done",
        "namespace": "album",
        "release": "backend-v1.2.0",
        "reason": "Done",
    }
    assert set(pipeline) == {"time", "level", "logger", "message", "namespace", "pipeline", "pass"}
    assert set(none) == {"time", "level", "logger", "message"}


ODD = ['a "quote"', "two\nlines", "\x1b[31mred", "\u2028", "\udcff", "%s", "\r\x85\x9b"]


@pytest.mark.parametrize("words", ODD)
def test_whatever_is_said_is_one_object_on_one_line(words: str) -> None:
    stream = io.StringIO()
    # Not by a logger: pytest's own handler would keep what no report of it can hold.
    make_handler(stream, LogFormat.JSON).handle(logging.makeLogRecord({"msg": words}))
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["message"] == words


@pytest.mark.parametrize("words", ODD)
def test_in_text_too_and_what_belongs_to_it_begins_no_line(words: str) -> None:
    stream = io.StringIO()
    error = ValueError(f"{words}\n2026-11-28 ERROR   somewhere: forged")
    said = {
        "msg": words,
        "name": "somewhere",
        "levelname": "ERROR",
        "exc_info": (ValueError, error, None),
    }
    make_handler(stream, LogFormat.TEXT).handle(logging.makeLogRecord(said))
    text = stream.getvalue()
    first, *more = text.splitlines()

    escaped = words.encode("unicode_escape").decode()
    assert first.endswith(f"ERROR   somewhere: {escaped}")
    assert more[-1] == "    2026-11-28 ERROR   somewhere: forged"
    assert all(line.startswith("    ") for line in more)
    text.encode()


@pytest.mark.parametrize("form", list(LogFormat))
def test_no_line_shows_a_secret(form: LogFormat) -> None:
    known = KnownSecrets()
    known.learn(Ref("album", "album-git"), {"token": b"s3cret-t0ken"})
    put_back = clean_logs(known.clean_all)
    try:
        with _writing(form) as log:
            LOG.info("It is %s", "s3cret-t0ken")
            LOG.error("Failed", exc_info=ValueError("not s3cret-t0ken"))
    finally:
        put_back()
    said = log.stream.getvalue()
    assert "s3cret-t0ken" not in said
    assert "It is ***" in said
    assert "ValueError: not ***" in said


def test_a_line_is_said_again_after_a_minute_and_tells_how_often_it_was_kept_back() -> None:
    with _writing(LogFormat.TEXT) as log:
        for second in range(0, 121, 10):
            log.now = second
            LOG.warning("The same %s.", "words")
            if not second:
                LOG.error("The same words.")
    said = [line.split("somewhere: ")[1] for line in log.lines]
    again = "The same words. (said 5 times more)"
    assert said == ["The same words.", "The same words.", again, again]


def test_of_many_different_lines_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LINES", 2)
    with _writing(LogFormat.TEXT) as log:
        for words in ("one", "other", "third", "third", "one"):
            LOG.info(words)
    assert [line.split()[-1] for line in log.lines] == ["one", "other", "third", "one"]


def test_a_clock_that_steps_back_keeps_no_line_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with _writing(LogFormat.JSON) as log:
        for second, of_day in ((0, 1e9), (59, 1e9 - 86400), (60, 1e9 - 86400), (61, 0)):
            log.now = second
            monkeypatch.setattr("time.time", partial(float, of_day))
            LOG.info("words")
    said = [json.loads(line) for line in log.lines]
    assert [line["message"] for line in said] == ["words", "words (said 1 times more)"]
    assert [line["time"][:10] for line in said] == ["2001-09-09", "2001-09-08"]


def test_what_was_said_is_remembered_by_a_clock_that_does_not_step() -> None:
    shipped = signature(make_handler).parameters["clock"].default
    assert shipped is time.monotonic


def test_libraries_say_nothing_below_info_whatever_the_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(logging, "basicConfig", lambda **options: asked.update(options))
    own = logging.getLogger(logs.OPERATOR)
    try:
        for level, root, ours in (
            (LogLevel.DEBUG, logging.INFO, logging.DEBUG),
            (LogLevel.INFO, logging.INFO, logging.INFO),
            (LogLevel.ERROR, logging.ERROR, logging.ERROR),
        ):
            logs.set_up(LogFormat.TEXT, level)
            assert (asked["level"], own.level) == (root, ours)
    finally:
        own.setLevel(logging.NOTSET)


def test_a_filter_keeps_lines_back() -> None:
    with _writing(LogFormat.TEXT, lambda line: "noise" not in line.getMessage()) as log:
        LOG.info("noise")
        LOG.info("words")
    assert len(log.lines) == 1


async def test_a_release_from_a_tag_to_healthy_says_few_lines_each_with_its_step() -> None:
    stage = Stage()
    with _writing(LogFormat.JSON) as log:
        stage.apply()
        await stage.settle()
        finish_build(stage.cluster, stage.jobs[0])
        await stage.settle()
        stage.merge()
        await stage.settle()
        stage.argocd.run()
        await stage.settle()
        stage.clock.advance(timedelta(seconds=60))
        await stage.settle()
    assert stage.ready() == ("True", "Released")
    assert len(log.told) <= MOST_LINES
    said = [(line.get("step"), line["reason"]) for line in log.told if "reason" in line]
    assert ("ImageReady", "Building") in said
    assert ("ImageReady", "ImageReady") in said
    assert ("Merged", "AwaitingMerge") in said
    assert said[-1] == ("Deployed", "Released")
