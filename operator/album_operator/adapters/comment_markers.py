"""How a comment of ours is known again: by a line that readers do not see."""

import re

KEY = re.compile(r"[A-Za-z0-9_.:/@+-]{1,200}")


def marker_of(key: str) -> str:
    """Give the line a comment with a key ends with.

    Raises:
        ValueError: the key could end the line before its end.
    """
    if not KEY.fullmatch(key) or "--" in key:
        raise ValueError(f"{key!r} is no key of a comment")
    return f"<!-- album:{key} -->"


def last_line(text: str | None) -> str:
    """Give the line of a comment that is a marker where it is ours.

    The last one: a quotation of ours does not end like ours.
    """
    return (text or "").rstrip().rsplit("\n", 1)[-1].strip()
