"""Names and texts by template, in which `${version}` stands for the version of a release."""

import re
from collections.abc import Mapping

from album_operator.domain.resolved import Resolved

VARIABLES = ("app", "version", "tag", "pipeline", "image", "digest", "environment")
"""What may stand between `${` and `}`."""

BRANCH_VARIABLES = ("app", "version", "tag", "pipeline", "environment")
"""Those of them that are known before the build, and of which a branch's name can be made."""

BRANCH = "release/${app}_${version}"
TITLE = "release: ${app} ${version}"

BRANCH_FIELD = "spec.config.pullRequest.branch"
"""Where a pipeline has the template of its branches."""

BRANCH_LENGTH = 200
"""Longest branch that is made: with `.lock` at its end, git makes a file of that name."""

TITLE_LENGTH = 255
"""Longest title of a pull request: Gitea's column for it has no more characters."""

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")

_BRANCH_NAME = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9._+@/-]*")
_ODD_PARTS = re.compile(r"\.\.|//|/\.|[/.]$|\.lock(/|$)|^refs/")
"""What no name of a branch has (git-check-ref-format), or means something else in it."""


def expand(template: str, values: Mapping[str, str]) -> str:
    """Put values in the place of their variables; one without a value stays as it is written."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), template)


def uses(template: str | None, variable: str) -> bool:
    """Tell whether a template has a variable."""
    return template is not None and f"${{{variable}}}" in template


def is_branch(name: str) -> bool:
    """Tell whether a branch can have a name."""
    return _BRANCH_NAME.fullmatch(name) is not None and _ODD_PARTS.search(name) is None


def branch_of(resolved: Resolved) -> str:
    """Name the branch of a release's pull request: `release/<app>_<version>` by default."""
    values = values_of(resolved, "")
    known = {name: values[name] for name in BRANCH_VARIABLES}
    return expand(resolved.config.pull_request.branch or BRANCH, known)


def branch_prefix(template: str | None) -> str:
    """Give what the names of all branches by a template begin with; empty where that is nothing."""
    return (template or BRANCH).partition("${")[0]


def title_of(resolved: Resolved, digest: str) -> str:
    """Write the title of a release's pull request: `release: <app> <version>` by default."""
    return expand(resolved.config.pull_request.title or TITLE, values_of(resolved, digest))


def values_of(resolved: Resolved, digest: str) -> Mapping[str, str]:
    """Give the value of each variable.

    Args:
        resolved: what the release does.
        digest: `sha256:…` of the image; empty where none is known.
    """
    return {
        "app": resolved.app,
        "version": resolved.version,
        "tag": resolved.source.tag,
        "pipeline": resolved.pipeline.name,
        "image": resolved.build.image,
        "digest": digest,
        "environment": resolved.pipeline.environment or "",
    }
