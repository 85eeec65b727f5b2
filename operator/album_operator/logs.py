"""The log: its level and form, what each line is about, and that none is said again and again."""

import logging
import re
import secrets
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

from album_operator.domain.release import Ref

Filter = Callable[[logging.LogRecord], bool]

OPERATOR = "album_operator"

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s%(of_pass)s"

BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, and what else ends a line or cannot be written (Unicode, section 5.8)."""

AGAIN_SECONDS = 60.0
"""For so long a line that was said is not said again."""

LINES = 1024
"""Different lines that are remembered for that."""

ABOUT = ("namespace", "release", "pipeline", "pass", "step", "reason")
"""What a line may tell beside its words."""

FIELDS = ("time", "level", "logger", "message", *ABOUT, "error")

_about: ContextVar[Mapping[str, str]] = ContextVar("album_log_about", default={})  # noqa: B039


class LogFormat(StrEnum):
    """How lines are written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least a line must be to be written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def number(self) -> int:
        """As Python's logging counts them."""
        return logging.getLevelNamesMapping()[self.name]


@contextmanager
def about(kind: str, ref: Ref) -> Iterator[None]:
    """Let all lines until the block ends say which pass they belong to.

    Args:
        kind: `release` or `pipeline`.
        ref: what is passed over.
    """
    told = {"namespace": ref.namespace, kind: ref.name, "pass": secrets.token_hex(4)}
    token = _about.set(told)
    try:
        yield
    finally:
        _about.reset(token)


def set_up(form: LogFormat, level: LogLevel, *filters: Filter) -> None:
    """Write what this process says to its standard error.

    Args:
        form: of the lines.
        level: of the operator's own lines. Libraries say nothing below `info`: what they tell then
            are whole objects of the API server.
        filters: tell whether a line is worth reading.
    """
    handler = make_handler(sys.stderr, form, *filters)
    logging.basicConfig(level=max(level.number, logging.INFO), handlers=[handler])
    logging.getLogger(OPERATOR).setLevel(level.number)


def make_handler(
    stream: TextIO, form: LogFormat, *filters: Filter, clock: Callable[[], float] = time.monotonic
) -> logging.Handler:
    """Give what writes lines to a stream.

    Args:
        stream: such as `sys.stderr`.
        form: of the lines.
        filters: tell whether a line is worth reading.
        clock: monotonic seconds.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Json() if form is LogFormat.JSON else _Text())
    for is_worth_reading in (*filters, _tell_about, _Repeats(clock).is_new):
        handler.addFilter(is_worth_reading)
    return handler


def _tell_about(line: logging.LogRecord) -> bool:
    """Give a line the pass it was said in."""
    told = _about.get()
    for key, value in told.items():
        if not hasattr(line, key):
            setattr(line, key, value)
    line.of_pass = f" [pass {told['pass']}]" if told else ""
    return True


@dataclass
class _Said:
    """When a line was said, and how often it has been kept back since."""

    at: float
    times: int = 0


class _Repeats:
    """Keeps a line back that was said within a minute; the next one tells how often it was.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._said: OrderedDict[tuple[str, int, str, str | None], _Said] = OrderedDict()

    def is_new(self, line: logging.LogRecord) -> bool:
        """Tell whether a line is written."""
        text = line.getMessage()
        key = (line.name, line.levelno, text, line.exc_text)
        now, known = self._clock(), self._said.get(key)
        if known is not None and now - known.at < AGAIN_SECONDS:
            known.times += 1
            return False
        if known is not None and known.times:
            line.msg, line.args = f"{text} (said {known.times} times more)", ()
        # To the end, by steps that may meet those of another thread.
        self._said.pop(key, None)
        self._said[key] = _Said(now)
        if len(self._said) > LINES:
            self._said.popitem(last=False)
        return True


class _Text(logging.Formatter):
    """One line for each; of a traceback all lines are indented, so that what others say is none."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def format(self, record: logging.LogRecord) -> str:
        """Give the line and what belongs to it."""
        record = copy(record)
        record.msg, record.args = _escape(record.getMessage()), ()
        return "\n    ".join(_escape(line) for line in super().format(record).split("\n"))


def _escape(text: str) -> str:
    """Write what ends a line, moves a terminal's cursor, or is no character, as Python would."""
    return BREAKING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class _Json(JsonFormatter):
    """One object on one line: `time` (UTC), `level`, `logger`, `message`, `error`, and `ABOUT`."""

    def __init__(self) -> None:
        names = {"levelname": "level", "name": "logger", "exc_info": "error"}
        super().__init__(["time", "levelname", "name", "message"], rename_fields=names)

    def format(self, record: logging.LogRecord) -> str:
        """Take the text of an error that is there already, freed of secrets, as Python's does.

        The library's own makes it anew of the error itself.
        """
        if record.exc_text:
            record = copy(record)
            record.exc_info = None
        return super().format(record)

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Give the time, with an offset: whoever collects lines may be anywhere."""
        record.time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        super().add_fields(log_data, record, message_dict)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Leave out what libraries add to their lines."""
        return {key: log_data[key] for key in FIELDS if log_data.get(key) is not None}
