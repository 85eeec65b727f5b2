"""What a status holds that no operator writes: it is acted upon, so it is checked like a spec."""

from pydantic import ValidationError

from album_operator.api.resolved import Resolved
from album_operator.api.status import ReleaseStatus
from album_operator.codec.newer import path_of, read_known
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
        return f"status{path_of(first['loc'])}: {_sentence(first['msg'])}"
    if status.resolved is None:
        return status
    if status.app is None or status.version is None:
        return "status.resolved: it is there without status.app and status.version."
    _, newer = read_known(Resolved, raw["resolved"])
    if newer:
        return f"status.resolved{newer}: this version of the operator does not know it."
    return status


def _sentence(message: str) -> str:
    return f"{message.removeprefix('Value error, ').rstrip('.')}."
