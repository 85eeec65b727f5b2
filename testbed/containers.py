"""Containers beside the cluster: registry and git forge."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Sequence

from testbed.commands import PartError, run, wait_until
from testbed.engine import Engine
from testbed.settings import Settings

_RECIPE_LABEL = "dev.album.testbed.container"


def ensure(
    part: str,
    arguments: Sequence[str],
    url: str,
    *,
    engine: Engine,
    settings: Settings,
    configuration: str,
) -> str:
    """Make sure that a container runs and answers.

    Args:
        part: What it is, for example `registry`; its name is `<testbed>-<part>`.
        arguments: Options, image and command of `docker run`.
        url: Address that answers with a status below 500 once the part works.
        engine: Where it runs.
        settings: The testbed it belongs to.
        configuration: Text of the files it reads; another text makes it anew.

    Returns:
        The container's name.

    Raises:
        PartError: It did not start, with the last lines of its log.
    """
    name = f"{settings.name}-{part}"
    digest = hashlib.sha256("\0".join([*arguments, configuration]).encode()).hexdigest()[:12]
    if _recipe(name, engine) == digest:
        engine.docker("start", name, part=part)  # does nothing when it runs
    else:
        remove(name, engine)
        label = f"{_RECIPE_LABEL}={digest}"
        engine.docker("run", "--detach", "--name", name, "--label", label, *arguments, part=part)
    log = settings.logs / f"{part}.log"

    def is_up() -> bool:
        if answers(url):
            return True
        state = engine.docker("inspect", "--format", "{{.State.Running}}", name)
        if state != "true":
            raise PartError(part, "its container ended", log)
        return False

    try:
        wait_until(is_up, part=part, what=f"answer at {url}", seconds=60, log=log)
    except PartError:
        run(["docker", "logs", name], part=part, log=log, env=engine.env)
        raise
    return name


def remove(name: str, engine: Engine) -> None:
    """Remove a container and its anonymous volumes, whatever its state; none is fine too."""
    engine.succeeds("rm", "--force", "--volumes", name)


def answers(url: str) -> bool:
    """Say whether an HTTP server answers with anything but a server error."""
    try:
        with urllib.request.urlopen(url, timeout=3):  # noqa: S310 - addresses of the testbed
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _recipe(name: str, engine: Engine) -> str | None:
    template = '{{index .Config.Labels "' + _RECIPE_LABEL + '"}}'
    try:
        return engine.docker("inspect", "--type=container", "--format", template, name)
    except PartError:
        return None
