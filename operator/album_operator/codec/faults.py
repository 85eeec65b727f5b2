"""What a status holds that no operator writes: it is acted upon, so it is checked like a spec."""

from collections.abc import Sequence

from pydantic import ValidationError

from album_operator.api.status import ReleaseStatus
from album_operator.codec.text import Raw


def check(raw: Raw) -> ReleaseStatus | str:
    """Look for the first such field of a status.

    Returns:
        The status where there is none; else the field's path and what it must be, as a sentence
        without the value.
    """
    try:
        status = ReleaseStatus.parse(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{_path(first['loc'])}: {_sentence(first['msg'])}"
    if status.resolved is not None and (status.app is None or status.version is None):
        return "status.resolved: it is there without status.app and status.version."
    return status


def _path(location: Sequence[str | int]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(["status", *parts])


def _sentence(message: str) -> str:
    return f"{message.removeprefix('Value error, ').rstrip('.')}."
