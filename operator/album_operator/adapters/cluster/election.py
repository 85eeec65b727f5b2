"""The election of the one operator that works, by a Lease and the client library's loops."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection

from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.lease import DeposedError, LeaseLock, Told
from album_operator.clock import ServerClock
from album_operator.domain.candidacy import Candidacy, Leader
from album_operator.term import Term

LOG = logging.getLogger(__name__)

# Each look at a Lease that is another's is an error to it; ours is told once, in better words.
logging.getLogger("kubernetes.aio.leaderelection").setLevel(logging.CRITICAL)


class Election:
    """Stands for election, and leads once.

    Args:
        cluster: of its own connections: no other work keeps it from renewing the Lease in time.
        candidacy: how this operator stands.
        term: begins when it is elected.
        told: see `Told`.

    Attributes:
        is_won: set once this operator leads.
    """

    def __init__(self, cluster: Cluster, candidacy: Candidacy, term: Term, told: Told) -> None:
        self._cluster = cluster
        self._lock = LeaseLock(cluster, candidacy, term, told)
        self._candidacy = candidacy
        self._term = term
        self.is_won = asyncio.Event()

    @classmethod
    async def connect(
        cls, clock: ServerClock, candidacy: Candidacy, term: Term, told: Told
    ) -> "Election":
        """Connect as of `Cluster`; the rest is as of the class."""
        cluster = await Cluster.connect(clock, Term.endless())
        return cls(cluster, candidacy, term, told)

    async def close(self) -> None:
        """Close its connections."""
        await self._cluster.close()

    @property
    def leader(self) -> Leader | None:
        """Who leads, None for nobody."""
        return self._lock.leader

    async def run(self) -> str:
        """Stand until elected, then renew the Lease until the term is over; say why it is."""
        config = Config(
            self._lock,
            self._candidacy.lease,
            self._candidacy.renew,
            self._candidacy.retry,
            onstarted_leading=lambda: self._begin(config),
            onstopped_leading=_end,
        )
        # Looked at twice as often as renewed: what a leader gives back is to be taken soon.
        config.retry_period = self._candidacy.retry / 2
        renewing = asyncio.ensure_future(LeaderElection(config).run())
        # The library counts its tries by the wall clock, and none while it waits for an answer.
        ending = asyncio.ensure_future(self._until_over())
        try:
            await asyncio.wait({renewing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if renewing.done():
                renewing.result()
        except DeposedError as error:
            return str(error)
        else:
            return f"it could not be renewed for {self._candidacy.renew:g} seconds"
        finally:
            renewing.cancel()
            ending.cancel()
            await asyncio.gather(renewing, ending, return_exceptions=True)

    async def give_back(self) -> None:
        """Let the next one lead at once; `run` has ended, and so has all work."""
        await self._lock.give_back()

    def _begin(self, config: Config) -> Coroutine[Any, Any, None]:
        """Set what `renew_loop` reads right after this is called, and `acquire` has read before."""
        config.retry_period = self._candidacy.retry
        return self._win()

    async def _win(self) -> None:
        self.is_won.set()

    async def _until_over(self) -> None:
        await self.is_won.wait()
        while (left := self._term.left or 0) > 0:
            await asyncio.sleep(left)


async def _end() -> None:
    """Do nothing: what `run` says is enough."""
