"""What may become an argument of git, checked again although the API server has checked it."""

import re
from collections.abc import Iterable

from album_operator.domain.errors import TerminalError
from album_operator.domain.names import is_file_path
from album_operator.domain.reasons import Reason

COMMIT = re.compile(r"[0-9a-f]{40}")

REF_NAME = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_@+./-]{0,254}")
"""Branch and tag names: a part of what git-check-ref-format allows, without any glob."""


def is_commit(text: str) -> bool:
    """Tell whether `text` is a full SHA-1 commit id in lower case."""
    return COMMIT.fullmatch(text) is not None


def is_ref_name(text: str) -> bool:
    """Tell whether `text` can be a branch or tag (git-check-ref-format, and no option)."""
    return (
        REF_NAME.fullmatch(text) is not None
        and not any(bad in text for bad in ("..", "//", "@{"))
        and text != "@"
        and all(
            not part.startswith(".") and not part.endswith((".lock", "."))
            for part in text.split("/")
        )
        and not text.endswith("/")
    )


def check_commit(text: str) -> str:
    """Give back a commit id, or refuse it."""
    return _checked(text, "commit", known=is_commit(text))


def check_ref_name(text: str) -> str:
    """Give back a branch or tag name, or refuse it."""
    return _checked(text, "branch or tag", known=is_ref_name(text))


def beginnings(names: Iterable[str]) -> tuple[str, ...]:
    """Give how the names of refs begin of which all are meant, by `/` or `*` at the end."""
    return tuple(name.rstrip("*") for name in names if name.endswith(("/", "*")))


def check_file_path(text: str) -> str:
    """Give back a path, or refuse it."""
    return _checked(text, "path", known=is_file_path(text))


def _checked(text: str, what: str, *, known: bool) -> str:
    if known:
        return text
    # The CRD's rules admit nothing of the kind; who passes them by gets no further than here.
    raise TerminalError(
        Reason.NAME_NOT_ALLOWED,
        f"{text[:128]!r} is no {what} the operator hands to git.",
        "Correct the pipeline or the release",
    )
