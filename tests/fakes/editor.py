"""The port `Editor` without a process and a queue: every edit is made at once."""

import asyncio
from collections.abc import Mapping
from functools import cache

from album_operator.domain.release import Edit
from album_operator.domain.seen import Edited
from album_operator.render import proposal
from album_operator.render.yaml_plain import read_plain


class FakeEditor:
    """Edits files where it is asked to."""

    async def edit(
        self, namespace: str, wanted: Mapping[Edit, str], files: Mapping[str, bytes]
    ) -> Edited:
        """Read the values of some edits, and make these."""
        del namespace
        await asyncio.sleep(0)  # as all that is done elsewhere, it lets others run
        return _edit(tuple(wanted.items()), tuple(files.items()))

    async def read(self, namespace: str, data: bytes) -> object:
        """Give a text of YAML as plain data."""
        del namespace
        await asyncio.sleep(0)
        return read_plain(data)


@cache
def _edit(wanted: tuple[tuple[Edit, str], ...], files: tuple[tuple[str, bytes], ...]) -> Edited:
    """Make edits: the same of the same files, as most passes of most tests do, only once."""
    return proposal.edit(dict(wanted), dict(files))
