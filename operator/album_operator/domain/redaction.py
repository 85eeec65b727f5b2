"""Known secrets in texts: how they may stand there, and taking them out.

A secret is found as it is, in base64 (standard and URL-safe, also inside of a longer text), in hex
digits, with percent signs, JSON's backslashes or HTML's entities, each also twice, over line breaks
and through colours; and in part where a text is cut. What is too short to tell from a word is left:

- 8 characters and more are found anywhere, and of 16 and more any run of 16;
- 4 to 7 characters are found as a whole word;
- shorter ones only beside their user name, as in `x:y`, plain or in base64;
- names (of users and Apps) have at least 8, and stay where they are a part of a path, such as the
  owner in a repository's URL.
"""

import base64
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from album_operator.domain.secret_words import Words

STARS = "***"

ANYWHERE, WORD = 8, 4
"""Shortest secrets that are found anywhere, and as a whole word, in characters."""

RUN = 16
"""Shortest part of a secret that is found inside of a text."""

EDGE = 4
"""Shortest part of a secret that is found where a text begins or ends."""

LOG_BYTES, LOG_LINES = 2000, 80

MESSAGE_LENGTH = 1024

LEVELS = 2
"""How many times a text is unescaped."""

_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")

_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

NEAR = 24
"""Where the characters beside a name are looked for, beyond a colour."""

# Colours (ECMA-48), blanks, and what BuildKit and git put before each line of others.
_BETWEEN = re.compile(
    r"(?:\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b."
    r"|^(?:#[0-9]+ [0-9]+\.[0-9]+ |remote: )|[\s\x00-\x1f\x7f\u200b-\u200d\u2060\ufeff])+",
    re.MULTILINE,
)
_ESCAPES = (
    re.compile(r"(?:%[0-9A-Fa-f]{2})+"),
    re.compile(r"(?:\\u[0-9A-Fa-f]{4})+|\\x[0-9A-Fa-f]{2}|\\."),
    re.compile(r"&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});"),
)
"""Of URLs, of JSON, of HTML; each is taken away by itself, for a secret may hold another's."""

_UNKNOWN = (
    (re.compile(r"(https?://)[^/\s@]+@"), rf"\1{STARS}@"),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), rf"\1:{STARS}@"),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-)[A-Za-z0-9_.-]{16,}"), STARS),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"), STARS),
    (re.compile(r"(?i)\b(authorization:\s*(?:basic|bearer|token)\s+)\S+"), rf"\1{STARS}"),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)", re.S),
        STARS,
    ),
)
"""Secrets that are known by their form: those of others, and ours from before a rotation."""


@dataclass(frozen=True)
class _Reading:
    """A text as it is compared: without blanks and escapes, and where each character stood.

    Attributes:
        text: the text itself.
        starts: where each of `chars` begins in it.
        ends: where it ends there.
    """

    text: str
    chars: str
    starts: list[int]
    ends: list[int]


class Redactor:
    """Takes known secrets out of texts.

    Args:
        known: what is secret.
    """

    def __init__(self, known: Iterable[Words]) -> None:
        secrets: set[str] = set()
        names: set[str] = set()
        for words in known:
            secrets |= words.secrets
            names |= {name for name in words.names if len(name) >= ANYWHERE}
        plain = {name for name in names if re.fullmatch(r"[\w.-]+", name)}
        forms = {form for text in secrets | names for form in _in_base64(text)}
        forms |= {_compact(text) for text in secrets | names}
        for text in filter(lambda secret: len(secret) >= ANYWHERE, secrets):
            digits = text.encode().hex()
            forms |= {digits, digits.upper()}
        self._names = plain - secrets
        self._index: dict[str, list[tuple[str, int]]] = {}
        self._heads: set[str] = set()
        self._tails: set[str] = set()
        for form in forms:
            if len(form) >= ANYWHERE:
                self._add(form)
        short = {text for text in secrets if WORD <= len(text) < ANYWHERE}
        self._short = _whole(short)

    def _add(self, form: str) -> None:
        # Every run of RUN characters holds one of these whole.
        for offset in range(0, len(form) - ANYWHERE + 1, ANYWHERE):
            part = form[offset : offset + ANYWHERE]
            self._index.setdefault(part, []).append((form, offset))
        for length in range(EDGE, min(RUN, len(form)) if form not in self._names else 0):
            self._heads.add(form[:length])
            self._tails.add(form[-length:])

    def clean(self, text: str) -> str:
        """Give a text with three stars in place of each secret."""
        spans = [found.span() for found in self._short.finditer(text)] if self._short else []
        for reading in _readings(text) if self._index else ():
            spans += self._find(reading)
        text = _without(text, spans)
        for pattern, stars in _UNKNOWN:
            text = pattern.sub(stars, text)
        return text

    def _find(self, reading: _Reading) -> Iterator[tuple[int, int]]:
        chars, at = reading.chars, 0
        lengths = range(min(RUN - 1, len(chars)), EDGE - 1, -1)
        found = [(0, length) for length in lengths if chars[:length] in self._tails]
        found += [
            (len(chars) - length, len(chars))
            for length in lengths
            if chars[-length:] in self._heads
        ]
        while at <= len(chars) - ANYWHERE:
            places = self._index.get(chars[at : at + ANYWHERE])
            if places is None:  # nearly always
                at += 1
                continue
            runs = [self._run(reading, at, form, offset) for form, offset in places]
            begin, end = max(runs, key=lambda run: run[1] - run[0])
            if end:
                found.append((begin, end))
            at = max(end, at + 1)
        return ((reading.starts[begin], reading.ends[end - 1]) for begin, end in found)

    def _run(self, reading: _Reading, at: int, form: str, offset: int) -> tuple[int, int]:
        """Give how far a text and a form are equal around a part they share; 0, 0 if too little."""
        chars, text = reading.chars, reading.text
        begin, end = at, at + ANYWHERE
        first, last = offset, offset + ANYWHERE
        while begin and first and chars[begin - 1] == form[first - 1]:
            begin, first = begin - 1, first - 1
        while end < len(chars) and last < len(form) and chars[end] == form[last]:
            end, last = end + 1, last + 1
        if last - first < min(RUN, len(form)):
            return 0, 0
        if form in self._names:
            before = text[max(0, reading.starts[begin] - NEAR) : reading.starts[begin]]
            after = text[reading.ends[end - 1] : reading.ends[end - 1] + NEAR]
            beside = _COLOUR.sub("", before)[-1:] + _COLOUR.sub("", after)[:1]
            is_whole = last - first == len(form) and not re.search(r"[\w/]", beside)
            return (begin, end) if is_whole else (0, 0)
        # The padding of base64 says nothing by itself.
        return begin, end + len(chars[end : end + 2]) - len(chars[end : end + 2].lstrip("="))


def _whole(texts: Iterable[str]) -> re.Pattern[str] | None:
    """Make the pattern that finds some texts as words of their own; None for no text."""
    choices = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)") if choices else None


def _in_base64(text: str) -> Iterator[str]:
    """Give what of a text shows in any base64 that has it somewhere (RFC 4648, sections 4, 5)."""
    data = text.encode()
    for shift, unknown in enumerate((0, 2, 3)):
        form = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")[unknown:]
        forms = {form}
        if len(form) <= RUN and (shift + len(data)) % 3:
            forms.add(form[:-1])  # what follows has a share in the last character
        for known in forms:
            yield from (known, known.translate(str.maketrans("+/", "-_")))


def _compact(text: str) -> str:
    return _BETWEEN.sub("", text)


def _read(text: str) -> _Reading:
    parts: list[str] = []
    starts: list[int] = []
    at = 0
    for begin, end in [*(gap.span() for gap in _BETWEEN.finditer(text)), (len(text), len(text))]:
        parts.append(text[at:begin])
        starts.extend(range(at, begin))
        at = end
    return _Reading(text, "".join(parts), starts, [start + 1 for start in starts])


def _readings(text: str) -> Iterator[_Reading]:
    """Read a text as it is, and with each escaping taken away that it may have."""
    layer = [_read(text)]
    for _ in range(LEVELS + 1):
        yield from layer
        layer = [
            plainer
            for reading in layer
            for escape in _ESCAPES
            if (plainer := _unescaped(reading, escape)) is not None
        ]


def _unescaped(reading: _Reading, escape: re.Pattern[str]) -> _Reading | None:
    """Take one layer of escapes away; None where there is none."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for found in escape.finditer(reading.chars):
        begin, end = found.span()
        plain = _compact(_plain(found[0]))
        parts += reading.chars[at:begin], plain
        starts += reading.starts[at:begin] + [reading.starts[begin]] * len(plain)
        ends += reading.ends[at:begin] + [reading.ends[end - 1]] * len(plain)
        at = end
    if not at:
        return None
    parts.append(reading.chars[at:])
    return _Reading(
        reading.text, "".join(parts), starts + reading.starts[at:], ends + reading.ends[at:]
    )


def _plain(escaped: str) -> str:
    """Give what an escape stands for; nothing for those of white space."""
    if escaped[0] != "\\":
        return unquote(html.unescape(escaped))
    if escaped[1] in "ux" and len(escaped) > 2:
        data = bytes.fromhex(escaped.replace("\\u", "").replace("\\x", "00"))
        return data.decode("utf-16-be", errors="replace")
    return "" if escaped[1] in "nrtbf" else escaped[1]


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = 0
    for begin, end in sorted(spans):
        if end <= at:
            continue
        if begin > at or not parts:
            parts += text[at:begin], STARS
        at = end
    return "".join([*parts, text[at:]])


def from_start(text: str) -> str:
    """Leave out the first line where a kubelet began in its middle.

    Of a log it keeps the last 2048 bytes or 80 lines (Kubernetes documentation, "Determine the
    Reason for Pod Failure"), of a message the first 4096 bytes.
    """
    lines = text.split("\n")
    if len(text.encode()) < LOG_BYTES and len(lines) < LOG_LINES:
        return text
    return "\n".join(lines[1:]) if len(lines) > 1 else tail(f"{text} ", len(text)).rstrip()


def last_words(text: str) -> str:
    """Give the end of a message: a failed build says why in its last lines."""
    return tail(_legible(text), MESSAGE_LENGTH)


def first_words(text: str) -> str:
    """Give the beginning of a message: the control plane says there what it is about."""
    return head(_legible(text), MESSAGE_LENGTH)


def _legible(text: str) -> str:
    """Leave out what a terminal would obey, or nobody can see: a builder can say anything."""
    return _UNSEEN.sub("", _COLOUR.sub("", text)).strip()


def head(text: str, limit: int) -> str:
    """Cut a text at a blank, so that no half of a word stays that may be a secret nobody knows."""
    if len(text) <= limit:
        return text
    return re.sub(r"\S*\Z", "", text[: limit + 1]).rstrip()


def tail(text: str, limit: int) -> str:
    """Give the end of a text from a blank on."""
    if len(text) <= limit:
        return text
    return re.sub(r"\A\S*", "", text[-limit - 1 :]).lstrip()
