"""`album plan`: the pass's own pieces, on a repository and revision of the user's choice."""

from collections.abc import Collection
from dataclasses import replace

from album_cli.documents import Wish
from album_cli.ends import NothingToChange, RefusedError
from album_operator.adapters.editor import ProcessEditor
from album_operator.adapters.git.config_revisions import GitConfigRevisions
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import GitPlace
from album_operator.domain.proxies import Proxies
from album_operator.domain.verdict import Halt
from album_operator.steps.editing import Change, Reading, find_change


async def make_plan(
    wish: Wish,
    place: GitPlace,
    revision: str | None,
    insecure_hosts: Collection[str],
    proxies: Proxies,
) -> Change:
    """Give what a release would change.

    Args:
        wish: the release and what the conventions make of it.
        place: the config repository.
        revision: of it; None for the pipeline's branch, or the repository's default.
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.
        proxies: through which the repository is gone to.

    Raises:
        RefusedError: the operator would refuse it, or the repository cannot be read.
        NothingToChange: there is none.
    """
    # Messages name the repository that was looked at.
    config = replace(wish.resolved.config, repository=place.url)
    resolved = replace(wish.resolved, config=config)
    reader, editor = GitConfigRevisions(insecure_hosts, proxies), ProcessEditor()
    base = revision or config.base_branch or None
    try:
        reading = Reading(reader, editor)
        change = await find_change(reading, place, base, wish.release, resolved)
    except OutsideError as error:
        raise RefusedError(error.reason, error.message, error.remedy) from error
    finally:
        reader.close()
        await editor.close()
    if isinstance(change, Halt):
        raise RefusedError(change.reason, change.message, change.remedy)
    if not change.diff:
        raise NothingToChange(
            f"Nothing would change: {change.seen.base_branch} of {place.url} holds "
            f"{resolved.version} already."
        )
    return change
