"""What is told of a container that crashes, with the failure of its release."""

from collections.abc import Mapping
from dataclasses import replace

from album_operator.decisions import observed_images
from album_operator.decisions.application import name_alike
from album_operator.decisions.proof import Seen
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.builds import PodTrouble
from album_operator.domain.hosts import NO_ALIASES
from album_operator.domain.record import Record
from album_operator.domain.redaction import head
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

LENGTH = 160
"""Most characters that are told of a container."""


def places(seen: Seen, pipeline: Ref, *, consent: bool) -> Mapping[str, ApplicationSeen]:
    """Give the namespaces in which what makes a release Degraded may crash.

    Args:
        seen: its Applications.
        pipeline: its own; an Application that has not consented to it lends no look at its Pods.
        consent: whether the operator asks for consent at all.
    """
    return {
        app.destination: app
        for app in (found.application for found in seen.values())
        if app is not None
        and app.health == "Degraded"
        and app.destination
        and (not consent or str(pipeline) in app.consents)
    }


def is_ours(image: str, seen: ApplicationSeen, record: Record, resolved: Resolved) -> bool:
    """Tell whether an image in a Pod of an Application is that of a release."""
    named = name_alike(replace(seen, images=(image,)), resolved, NO_ALIASES)
    return observed_images.has_ours(named, record, resolved)


def say(crash: PodTrouble) -> str:
    """Tell which container crashes, how, and its last words."""
    code = f", exit code {crash.exit_code}" if crash.exit_code is not None else ""
    said = " ".join(crash.message.split()).rstrip(".")
    words = f"Pod {crash.pod}, container {crash.container}: {crash.reason}{code}"
    words += f": {said}" if said else ""
    return f"{words}." if len(words) < LENGTH else _cut(words, LENGTH)


def lack(namespace: str) -> str:
    """Tell which right would tell more."""
    return f"The operator may not list pods in namespace {namespace}, which would tell why."


def add(halt: Halt, words: str) -> Halt:
    """Say with a failure what crashed."""
    return replace(halt, message=f"{halt.message} {words}") if words else halt


def fit(failed: str, words: str, room: int) -> str:
    """Say what failed and what crashed in so many characters: the first gives way, to half.

    Names may leave hardly any room; then it takes as much as words may have.
    """
    room = max(room, LENGTH)
    if not words:
        return _cut(failed, room)
    own = _cut(failed, max(room - len(words) - 1, room // 2))
    return f"{own} {_cut(words, room - len(own) - 1)}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{head(text, limit - 2)} …"
