"""What a registry has under a release's tag, asked for no more often than a pass needs it."""

from album_operator.domain.names import image_tag
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import ProofBy
from album_operator.steps.case import Case
from album_operator.steps.world import World


async def look(world: World, case: Case) -> ImageSeen | None:
    """Ask what is under the tag, for the checks; the step of the same pass may know it from them.

    Where the builder alone is believed the registry cannot be asked, and nothing is known.
    """
    build = case.resolved.build
    if build.proof is ProofBy.BUILDER:
        return None
    case.looks[build.image] = await find(world, case, image_tag(build.image))
    return case.looks[build.image]


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
