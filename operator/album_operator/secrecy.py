"""The values of Secrets this process has read, and the one way they are taken out of texts.

A namespace's texts are freed of that namespace's Secrets alone: else whoever can make a build say
words could guess a neighbour's password by what is starred. The log, which only admins read, is
freed of all.
"""

import logging
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from types import TracebackType

from album_operator.domain.redaction import Redactor
from album_operator.domain.release import Ref
from album_operator.domain.secret_words import Words, words_of

LOG = logging.getLogger(__name__)

MakeLine = Callable[..., logging.LogRecord]

FRESH_SECONDS = 300.0
"""How long a Secret's values are taken for known without reading it again."""

VERSIONS = 3
"""Values of a Secret that are remembered: a build goes on with those it began with."""

SECRETS, TOKENS = 4096, 256
"""Secrets that are remembered, and tokens that forges made for us."""


class KnownSecrets:
    """What must not be said.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._read: OrderedDict[Ref, tuple[float, Mapping[str, bytes]]] = OrderedDict()
        self._words: dict[Ref, deque[Words]] = {}
        self._tokens: deque[str] = deque(maxlen=TOKENS)
        self._own: list[Words] = []
        self._redactors: dict[str | None, Redactor] = {}

    def learn(self, ref: Ref, data: Mapping[str, bytes]) -> None:
        """Remember the values of a Secret that was read."""
        known = self._read.pop(ref, None)
        self._read[ref] = self._clock(), data
        if known is None or known[1] != data:
            self._words.setdefault(ref, deque(maxlen=VERSIONS)).append(words_of(data))
            self._forget_redactors(ref.namespace)
        if len(self._read) > SECRETS:
            oldest, _ = self._read.popitem(last=False)
            del self._words[oldest]
            self._forget_redactors(oldest.namespace)

    def learn_token(self, token: str) -> None:
        """Remember a token that was made for us, or a secret of the operator's own."""
        if token not in self._tokens:
            self._tokens.append(token)
            self._redactors.clear()

    def learn_own(self, words: Words) -> None:
        """Remember what the operator itself was started with, for good."""
        self._own.append(words)
        self._redactors.clear()

    def is_fresh(self, ref: Ref) -> bool:
        """Tell whether a Secret was read not long ago."""
        read = self._read.get(ref)
        return read is not None and self._clock() - read[0] < FRESH_SECONDS

    def clean(self, namespace: str, text: str) -> str:
        """Take the values of a namespace's Secrets out of a text."""
        return self._redactor(namespace).clean(text)

    def clean_all(self, text: str) -> str:
        """Take all known values out of a text, for the log."""
        return self._redactor(None).clean(text)

    def _redactor(self, namespace: str | None) -> Redactor:
        known = self._redactors.get(namespace)
        if known is None:
            words = [
                version
                for ref, versions in list(self._words.items())
                if namespace in {None, ref.namespace}
                for version in versions
            ]
            known = Redactor([*words, *self._own, Words(frozenset(self._tokens))])
            self._redactors[namespace] = known
        return known

    def _forget_redactors(self, namespace: str) -> None:
        self._redactors.pop(namespace, None)
        self._redactors.pop(None, None)


def _cleaning(make: MakeLine, clean: Callable[[str], str]) -> MakeLine:
    """Make lines as `make` does, free of secrets."""
    formatter = logging.Formatter()

    def make_clean(*args: object, **kwargs: object) -> logging.LogRecord:
        line: logging.LogRecord = make(*args, **kwargs)
        try:
            text = line.getMessage()
        except (TypeError, ValueError, KeyError):  # arguments that do not fit their text
            text = f"{line.msg} {line.args}"
        line.msg, line.args = clean(text), ()
        if line.exc_info:
            # Formatters take what is there already.
            line.exc_text = clean(formatter.formatException(line.exc_info))
        if line.stack_info:
            line.stack_info = clean(line.stack_info)
        return line

    return make_clean


def clean_logs(clean: Callable[[str], str]) -> Callable[[], None]:
    """Free every line of any logger of this process, with its traceback, before a handler sees it.

    What Python itself would print, the end of the process by an error and that of a thread, becomes
    a line too.

    Returns:
        Puts all back as it was.
    """
    make = logging.getLogRecordFactory()
    hooks = sys.excepthook, threading.excepthook

    def tell(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            hooks[0](kind, error, where)
        else:
            LOG.critical("The process ends by an error", exc_info=(kind, error, where))

    def tell_of_thread(args: threading.ExceptHookArgs) -> None:
        error = args.exc_value or args.exc_type()
        LOG.error("A thread ended by an error", exc_info=(args.exc_type, error, args.exc_traceback))

    def restore() -> None:
        logging.setLogRecordFactory(make)
        logging.captureWarnings(capture=False)
        sys.excepthook, threading.excepthook = hooks

    logging.setLogRecordFactory(_cleaning(make, clean))
    logging.captureWarnings(capture=True)
    sys.excepthook, threading.excepthook = tell, tell_of_thread
    return restore
