"""`album plan`: the pass's own pieces, on a repository and revision of the user's choice."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from album_cli.documents import Wish
from album_cli.ends import NothingToChange, RefusedError
from album_operator.adapters.editor import ProcessEditor
from album_operator.adapters.git.config_revisions import GitConfigRevisions
from album_operator.decisions import preflight
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import GitPlace
from album_operator.domain.proxies import Proxies
from album_operator.domain.release import Delivery, Mode, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigSeen
from album_operator.domain.verdict import Halt
from album_operator.ports import ConfigReader, Editor
from album_operator.render import proposal
from album_operator.steps.editing import try_edits

FOLLOWED = (
    "With mode Follow the operator changes nothing: the release waits until others have made this "
    "change, and proves that it runs."
)


@dataclass(frozen=True)
class Change:
    """What a release would change.

    Attributes:
        seen: the config repository it was found out on.
        diff: unified diff as git makes it; empty where nothing would change.
        notes: what else changes with the edited values, as sentences.
    """

    seen: ConfigSeen
    diff: str
    notes: tuple[str, ...]


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
        change = await _find_change(reader, editor, place, base, wish.release, resolved)
    except OutsideError as error:
        raise RefusedError(error) from error
    finally:
        reader.close()
        await editor.close()
    if isinstance(change, Halt):
        raise RefusedError(*(change.misses or (change,)))
    if not change.diff:
        raise NothingToChange(
            f"Nothing would change: {change.seen.base_branch} of {place.url} holds "
            f"{resolved.version} already."
        )
    return change


async def _find_change(
    reader: ConfigReader,
    editor: Editor,
    place: GitPlace,
    base: str | None,
    release: Release,
    resolved: Resolved,
) -> Change | Halt:
    """Make the edits on the base as it is, before there is an image, and let git compare."""
    config = resolved.config
    branch = config.branch if config.delivery is Delivery.PULL_REQUEST else None
    seen = await reader.look(place, base, proposal.edited_paths(config.edits), branch)
    tried = await try_edits(editor, release, resolved, UNKNOWN_DIGEST, seen)
    edited = tried.edited
    if tried.refused is not None:
        return tried.refused
    if edited.files and seen.obstacle is not None:
        return preflight.in_the_way(resolved, seen.obstacle)
    diff = await reader.diff(place, seen.base_commit or "", edited.files)
    notes = (FOLLOWED, *edited.notes) if release.mode is Mode.FOLLOW else edited.notes
    return Change(seen, diff, notes)
