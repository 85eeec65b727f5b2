"""Which Applications get the sync policy back that they had before us."""

from collections.abc import Collection

from album_operator.domain.applications import ApplicationSeen, ConsentedApplication
from album_operator.domain.release import Ref


def find_pipelines(consents: Collection[str]) -> frozenset[Ref]:
    """Give the pipelines that an Application lets change it; a word that names none is nobody's."""
    named = (consent.partition("/") for consent in consents)
    return frozenset(Ref(namespace, name) for namespace, _, name in named if namespace and name)


def let_go(seen: ApplicationSeen, holding: Collection[Ref]) -> ConsentedApplication | None:
    """Give an Application that nobody holds any more, to be patched as it is now.

    Args:
        seen: the Application.
        holding: pipelines that exist, or of which nobody can tell.

    Returns:
        None where a pipeline holds it, or nothing of before us is kept.
    """
    if seen.previous_policy is None or find_pipelines(seen.consents) & set(holding):
        return None
    return ConsentedApplication(seen)
