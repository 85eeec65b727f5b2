"""Who writes to a repository when: one after another, so that pushes of one process do not race."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta

from album_operator.domain.names import normal_url
from album_operator.domain.places import GitPlace
from album_operator.slots import Shares, Slots

LONGEST_WAIT = timedelta(seconds=5)
"""For the writers of other namespaces; some fifty pushes to a server that is well."""

ANY = 1_000_000

ONE_OF_A_NAMESPACE = Shares(total=ANY, namespace=ANY, host=ANY, pair=1)
ONE_OF_ALL = Shares(total=ANY, namespace=ANY, host=1, pair=1)


class Writers:
    """Lets the writers of a repository follow each other.

    A writer waits for those of its own namespace as long as it takes, and for those of others only
    a moment: who names the same URL and is slow there, by a credential of its own, must not keep
    them out. What a turn spares is a lost race, and no push overwrites what it has not looked at.

    Args:
        longest_wait: for the writers of other namespaces.
    """

    def __init__(self, longest_wait: timedelta = LONGEST_WAIT) -> None:
        self._wait = longest_wait.total_seconds()
        self._own = Slots(ONE_OF_A_NAMESPACE)
        self._all = Slots(ONE_OF_ALL)

    @asynccontextmanager
    async def one(self, place: GitPlace) -> AsyncIterator[None]:
        """Be the one who writes there, as far as can be waited for."""
        namespace, url = place.namespace, normal_url(place.url)
        async with self._own.hold(namespace, url), AsyncExitStack() as held:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wait):
                    await held.enter_async_context(self._all.hold(namespace, url))
            yield
