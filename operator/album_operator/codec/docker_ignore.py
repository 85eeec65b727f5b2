"""`.dockerignore`, read as BuildKit and kaniko read it (github.com/moby/patternmatcher).

The last pattern that matches a path, or a folder it lies in, decides. A pattern that is no proper
one matches nothing here; the builder says what is wrong with it.
"""

import posixpath
import re
from dataclasses import dataclass

PART = re.compile(r"\*\*/?|\*|\?|\[\^?[^\]]+\]|\\.|.", re.DOTALL)

WILD = re.compile(r"[*?\[\\]")


@dataclass(frozen=True)
class _Pattern:
    text: str
    regex: re.Pattern[str]
    is_exception: bool

    def matches(self, path: str) -> bool:
        parts = path.split("/")
        return any(
            self.regex.fullmatch("/".join(parts[:count])) for count in range(1, len(parts) + 1)
        )

    def may_be_below(self, folder: str) -> bool:
        """Tell whether the pattern can name something in a folder that it does not match."""
        ours, theirs = self.text.split("/"), folder.split("/")
        return all(
            WILD.search(one) or one == other for one, other in zip(ours, theirs, strict=False)
        )


class DockerIgnore:
    """The patterns of one file.

    Args:
        text: its content, empty where there is none.
    """

    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
        found = (_parse(line) for line in lines if line and not line.startswith("#"))
        self._patterns = tuple(filter(None, found))

    def leaves_out(self, path: str) -> bool:
        """Tell whether a file is no part of the build context.

        Args:
            path: below the context, such as `assets/logo.png`.
        """
        is_out = False
        for pattern in self._patterns:
            if pattern.is_exception == is_out and pattern.matches(path):
                is_out = not is_out
        return is_out

    def leaves_out_all(self, folder: str) -> bool:
        """Tell whether nothing of a folder is part of the build context.

        Where an exception may name something in it, the answer is no.
        """
        exceptions = (one for one in self._patterns if one.is_exception)
        if any(one.may_be_below(folder) for one in exceptions):
            return False
        # `folder/**` matches all that is in it and not the folder.
        return self.leaves_out(f"{folder}/x")


def _parse(line: str) -> _Pattern | None:
    text = line.removeprefix("!").strip()
    text = posixpath.normpath(text).lstrip("/")
    try:
        regex = re.compile("".join(map(_as_regex, PART.findall(text))), re.DOTALL)
    except re.error:
        return None
    return _Pattern(text, regex, line.startswith("!"))


def _as_regex(part: str) -> str:
    match part:
        case "**/":
            return "(.*/)?"
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _ if part.startswith("[") and len(part) > 1:
            return part
        case _:
            return re.escape(part[-1])
