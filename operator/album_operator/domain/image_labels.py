"""What an image's labels say of its source: written by builds, read of what a registry has."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum

from album_operator.domain.build_parts import PartBuild
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.names import is_same_repository
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved, ResolvedBuild

REVISION = "org.opencontainers.image.revision"
SOURCE = "org.opencontainers.image.source"
VERSION = "org.opencontainers.image.version"
"""OCI image specification, annotations; a Dockerfile may set them too, and a base image has them.

kaniko writes its `--label`s before it runs the Dockerfile, whose `LABEL` has the last word (fork
osscontainertools/kaniko, `pkg/executor/build.go`, `initConfig`); BuildKit writes them at the end.
"""

BUILD = "dev.album.build"
"""Our own, which no Dockerfile sets: the commit, a dot, and `recipe_of` the build."""

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

MAKES_THE_IMAGE = ("context_dir", "dockerfile", "args", "target", "platforms", "source", "secrets")
"""Fields of a build that decide what is in its image; the others, where and how it is made.

Of a secret its id and where it stands: what it holds is read by builders alone.
"""


class Kin(Enum):
    """How an image is related to what a release builds."""

    OURS = "it was built from our commit, and if by an operator, in our way"
    OTHER_BUILD = "an operator built it from our commit in another way"
    OTHER_COMMIT = "it was built from another commit"
    UNKNOWN = "it does not say"


def recipe_of(build: ResolvedBuild) -> str:
    """Give a hash of all that decides what a commit becomes; a field that is not set adds nothing.

    So two builds of one commit make the same image, whoever asks for them, if theirs are equal. A
    part bears that of the whole, which is then on what all images of its index agree.
    """
    whole = build.whole if isinstance(build, PartBuild) else build
    said = {name: getattr(whole, name) for name in MAKES_THE_IMAGE}
    made_of = {name: value for name, value in said.items() if value}
    text = json.dumps(made_of, sort_keys=True, default=asdict)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def labels_of(resolved: Resolved) -> dict[str, str]:
    """Give the labels of the image that a release builds."""
    commit = resolved.source.commit
    return {
        REVISION: commit,
        SOURCE: resolved.source.repository,
        VERSION: resolved.version,
        BUILD: f"{commit}.{recipe_of(resolved.build)}",
    }


def kin_of(resolved: Resolved, labels: Mapping[str, str], aliases: HostAliases = NO_ALIASES) -> Kin:
    """Tell what an image's labels make of it.

    Forks share commits, so a label of our commit counts whichever repository it names. One of
    another commit counts for nothing where the source named is another repository: base images hand
    their labels down.

    Args:
        resolved: what the release does.
        labels: of the image.
        aliases: which hosts are one, as an admin tells.
    """
    ours, build = resolved.source.commit, resolved.build
    built_from, _, recipe = labels.get(BUILD, "").partition(".")
    if built_from == ours:
        is_same = build.type is BuildType.EXTERNAL or recipe == recipe_of(build)
        return Kin.OURS if is_same else Kin.OTHER_BUILD
    if labels.get(REVISION) == ours:
        return Kin.OURS
    if commit_in(labels) is None:
        return Kin.UNKNOWN
    source = labels.get(SOURCE) or resolved.source.repository
    is_of_ours = is_same_repository(source, resolved.source.repository, aliases, ignores_case=True)
    return Kin.OTHER_COMMIT if BUILD in labels or is_of_ours else Kin.UNKNOWN


def commit_in(labels: Mapping[str, str]) -> str | None:
    """Give the commit an image says it was built from; None where it names none in full."""
    said = labels.get(BUILD, "").partition(".")[0], labels.get(REVISION, "")
    return next((text for text in said if COMMIT.fullmatch(text)), None)
