"""Who stands for election, and who was elected."""

from dataclasses import dataclass

LONGEST_LEASE = 3600
"""Most seconds that are believed of a Lease: else whoever may write it stops the operator."""


@dataclass(frozen=True)
class Candidacy:
    """How this operator stands for election.

    Attributes:
        namespace: of the Lease.
        name: of the Lease.
        identity: of this operator; two that run at once never have the same. A container that is
            started anew in its Pod has that of the one before, which has ended: it goes on leading.
        address: at which the others reach this one's webhooks, an IP address; empty where none do.
        lease: seconds without a renewal after which another one leads.
        renew: seconds after its last renewal was sent in which this one leads.
        retry: seconds between renewals, and between looks whether the Lease is free.
    """

    namespace: str
    name: str
    identity: str
    address: str
    lease: int
    renew: float
    retry: float


@dataclass(frozen=True)
class Leader:
    """Who leads.

    Attributes:
        identity: as of `Candidacy`.
        address: as of `Candidacy`; empty where it is not known.
    """

    identity: str
    address: str = ""
