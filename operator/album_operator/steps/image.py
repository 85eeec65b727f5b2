"""What a registry has under a release's tag, asked for no more often than a pass needs it."""

import asyncio

from album_operator.decisions import image as decision
from album_operator.decisions.further_tags import Standing
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import image_tag
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace, ImageSeen
from album_operator.domain.release import ProofBy
from album_operator.domain.verdict import Halt, PutIndex, PutTags
from album_operator.steps.case import Case
from album_operator.steps.world import World

NO_IMAGE = ImageSeen("", {})
"""What a tag stands for that no release would take, such as a chart: a digest none has."""


async def look(world: World, case: Case) -> ImageSeen | None:
    """Ask what is under the tag, for the checks; the step of the same pass may know it from them.

    Where the builder alone is believed the registry cannot be asked, and nothing is known.
    """
    build = case.resolved.build
    if build.proof is ProofBy.BUILDER:
        return None
    case.looks[build.image] = await find(world, case, image_tag(build.image))
    return case.looks[build.image]


def was_asked(case: Case) -> bool:
    """Tell whether all that can be known of the tag is known by this pass's look."""
    build = case.resolved.build
    return build.proof is ProofBy.BUILDER or build.image in case.looks


def is_found(case: Case) -> bool:
    """Tell whether this pass knows of an image under the tag."""
    return case.looks.get(case.resolved.build.image) is not None


async def take_look(world: World, case: Case) -> ImageSeen | None:
    """Give what is under the tag, by the look of this pass if there is one; it serves once."""
    if case.resolved.build.image not in case.looks:
        await look(world, case)
    return case.looks.pop(case.resolved.build.image, None)


async def find(world: World, case: Case, name: str) -> ImageSeen | None:
    """Ask for an image of the release's repository by tag or digest."""
    return await world.registry.find(await case.access.to_image(case.resolved), name)


async def look_at_further_tags(world: World, case: Case, tagged: ImageSeen | None) -> Standing:
    """Ask what the further tags stand for, where the image under the release's may be released.

    That look serves this pass until they stand for it: it needs no place in the line of builds.
    """
    tags, aliases = case.resolved.build.tags, world.settings.host_aliases
    if tagged is None or not tags:
        return Standing()
    if isinstance(decision.judge(case.resolved, tagged, aliases), Halt):
        return Standing()
    case.looks[case.resolved.build.image] = tagged
    place = await case.access.to_image(case.resolved)
    may_push = (await case.access.to_push(case.resolved)).credential is not None
    found = await asyncio.gather(*(_find_whatever(world, place, tag) for tag in tags))
    return Standing(dict(zip(tags, found, strict=True)), may_push)


async def put_index(world: World, case: Case, action: PutIndex) -> None:
    """Let the release's tag stand for the index of its platforms' images; twice is once."""
    place, tag = await case.access.to_push(case.resolved), image_tag(case.resolved.build.image)
    await world.registry.put_index(place, action.images, tag)


async def put_tags(world: World, case: Case, action: PutTags) -> None:
    """Let further tags stand for the image; one that stands for it already is not put again."""
    place = await case.access.to_push(case.resolved)
    for tag, instead_of in action.tags.items():
        await world.registry.tag(place, action.digest, tag, instead_of)


async def _find_whatever(world: World, place: ImagePlace, tag: str) -> ImageSeen | None:
    """Ask for an image by a tag that may have been given to anything."""
    try:
        return await world.registry.find(place, tag)
    except TerminalError as error:
        if error.reason is not Reason.IMAGE_SOURCE_UNKNOWN:
            raise
        return NO_IMAGE
