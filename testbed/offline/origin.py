"""Where an image comes from: pulled where a registry answers, else made under the same name."""

from __future__ import annotations

import enum
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from testbed import progress
from testbed.commands import PartError, locked
from testbed.engine import Engine
from testbed.settings import Settings

# On every image that is made here; one without it was pulled.
RECIPE_LABEL = "dev.album.testbed.recipe"
ANSWER_SECONDS = 4.0


@dataclass(frozen=True)
class Image:
    """An image the testbed needs.

    Attributes:
        reference: Its whole name, with registry host and tag.
        recipe: Digest of everything that decides what is made; another digest makes it anew.
        make: Makes the image under its name, with the label `RECIPE_LABEL`.
        pull_reference: The published image, where its name differs; `reference` by default.
    """

    reference: str
    recipe: str
    make: Callable[[Engine, Settings], None]
    pull_reference: str | None = None


class Origin(enum.Enum):
    """How an image came to be in the engine."""

    PRESENT = "was there"
    PULLED = "pulled"
    MADE = "made here"


def obtain(image: Image, engine: Engine, settings: Settings) -> Origin:
    """Make sure that the engine has an image. This function alone decides where it comes from.

    Args:
        image: What is needed.
        engine: Where it is needed.
        settings: `mirror` names a registry that is asked instead of the image's own.

    Returns:
        Where the image came from.

    Raises:
        PartError: Neither can it be pulled nor made.
    """
    if is_present(image, engine):
        return Origin.PRESENT
    lock = re.sub(r"[^a-z0-9.]", "-", image.reference)
    with locked(settings.cache / "locks" / f"image-{lock}"):
        if is_present(image, engine):
            return Origin.PRESENT
        if is_pullable(image, settings) and _pull(image, engine, settings):
            return Origin.PULLED
        with progress.step(f"make image {image.reference}"):
            image.make(engine, settings)
        # What an earlier recipe made has lost its name by now.
        engine.docker("image", "prune", "--force", "--filter", f"label={RECIPE_LABEL}")
    return Origin.MADE


def is_pullable(image: Image, settings: Settings) -> bool:
    """Say whether a registry answers at the host the image would be pulled from."""
    return registry_answers(_source(image, settings).partition("/")[0])


def is_present(image: Image, engine: Engine) -> bool:
    """Say whether the engine has the image, pulled or made by the present recipe."""
    template = '{{index .Config.Labels "' + RECIPE_LABEL + '"}}'
    try:
        found = engine.docker("image", "inspect", "--format", template, image.reference)
    except PartError:
        return False
    return found in (image.recipe, "", "<no value>")


@lru_cache(maxsize=64)
def registry_answers(host: str) -> bool:
    """Say whether a container registry answers at `host` (OCI distribution spec, end-1).

    Args:
        host: Registry host, with port if it has one. Loopback is asked over plain HTTP.
    """
    api_host = "registry-1.docker.io" if host == "docker.io" else host
    scheme = "http" if host.rpartition(":")[0] in ("127.0.0.1", "localhost") else "https"
    try:
        with urllib.request.urlopen(  # noqa: S310 - the scheme is one of two constants
            f"{scheme}://{api_host}/v2/", timeout=ANSWER_SECONDS
        ) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        # A registry asks the anonymous to sign in first, and gives docker a token for it.
        return error.code == 401 and "Www-Authenticate" in error.headers
    except OSError:
        return False


def _source(image: Image, settings: Settings) -> str:
    reference = image.pull_reference or image.reference
    return f"{settings.mirror}/{reference.partition('/')[2]}" if settings.mirror else reference


def _pull(image: Image, engine: Engine, settings: Settings) -> bool:
    source = _source(image, settings)
    try:
        with progress.step(f"pull image {source}"):
            engine.docker("pull", "--quiet", source, part=f"pull of {source}", timeout=1800)
    except PartError as error:
        progress.note(f"{error}; it is made here instead")
        return False
    if source != image.reference:
        engine.docker("tag", source, image.reference)
    return True
