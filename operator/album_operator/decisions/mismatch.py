"""Why a change would never reach an Application, and what lets it."""

import re

from album_operator.decisions.sources import HELM, PLUGIN, is_in_config, named_files
from album_operator.domain.applications import (
    GENERATE_PATHS,
    HEAD,
    ApplicationSeen,
    ApplicationSource,
)
from album_operator.domain.names import join_words, missing_alias, without_user
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

COMMIT = re.compile(r"[0-9a-f]{7,40}")
"""A commit, or the beginning of one (Argo CD, `IsTruncatedCommitSHA`)."""

VERSION = re.compile(r"v?\d+(\.\d+){0,2}([-+][0-9A-Za-z.+-]+)?")
"""What Argo CD looks for among the tags first (Masterminds/semver)."""

ONE = r"[\^~<>=!\s]*v?(\d+|[xX*])(\.(\d+|[xX*])){0,2}([-+][0-9A-Za-z.+-]+)?"
RANGE = re.compile(rf"{ONE}(\s*(,|\|\||-|\s)\s*{ONE})*")
"""A range of versions, which stands for its newest tag."""

SHOWN = 256
"""Longest foreign words in a message."""


def mismatch(ref: Ref, seen: ApplicationSeen, resolved: Resolved) -> Halt:
    """Say what of an Application does not fit: repository, revision, or the files it takes.

    Args:
        ref: its name.
        seen: the Application.
        resolved: what the release does.
    """
    config = resolved.config
    ours = [source for source in seen.sources if is_in_config(source, resolved)]
    following = [source for source in ours if source.follows(config.base_branch)]
    if following:
        what, remedy = _of_files(following[0], seen, resolved)
    elif ours:
        what, remedy = _of_revision(ours[0], config.base_branch)
        what = f"{what} of {config.repository}, and the change goes into {config.base_branch}"
    else:
        what, remedy = _of_repository(seen, resolved)
    return Halt(
        Reason.APPLICATION_MISMATCH,
        f"Application {ref} {what}: the change would never reach it.",
        remedy,
    )


def _of_repository(seen: ApplicationSeen, resolved: Resolved) -> tuple[str, str]:
    ours = resolved.config.repository
    named = join_words(without_user(source.repository) for source in seen.sources)
    takes = f"takes its manifests from {head(named, SHOWN)}" if named else "has no source"
    alias = next(
        filter(None, (missing_alias(source.repository, ours) for source in seen.sources)), None
    )
    remedy = f"Correct the Application's source or the pipeline{_or_parent(seen)}"
    if alias is not None:
        remedy = (
            "Correct the Application's source or the pipeline, or have an admin add "
            f"{alias} to the operator's ALBUM_HOST_ALIASES if that is one host"
        )
    return f"{takes}, and the change is in {ours}", remedy


def _of_revision(source: ApplicationSource, branch: str) -> tuple[str, str]:
    target = head(source.target_revision, SHOWN)
    field = f"{source.place}.targetRevision"
    if source.target_revision in {"", HEAD}:
        other = source.default_branch
        what = f"follows {HEAD} ({field}), which is branch {other}"
    elif COMMIT.fullmatch(target):
        other, what = "", f"stays at commit {target} ({field})"
    elif target.startswith("refs/tags/") or VERSION.fullmatch(target):
        other, what = "", f"stays at {target} ({field}), a tag by its form,"
    elif RANGE.fullmatch(target):
        other, what = "", f"follows the newest tag of {target} ({field}), and no branch,"
    else:
        other = target.removeprefix("refs/heads/")
        what = f"follows branch {other} ({field})"
    remedy = f"Set {field} of the Application to {branch}"
    if other:
        remedy += f", or spec.config.branch of the pipeline to {other}"
    else:
        remedy += (
            ", or release by an edit of that field where another Application renders this one, and "
            "name that beside it under spec.apps[].applications of the pipeline"
        )
    return what, remedy


def _of_files(
    source: ApplicationSource, seen: ApplicationSeen, resolved: Resolved
) -> tuple[str, str]:
    config = resolved.config
    paths = join_words(dict.fromkeys(edit.path for edit in config.edits))
    at = f"path {source.path}" if source.path else f"ref {source.ref}"
    tool = f" ({source.tool})" if source.tool else ""
    what = (
        f"takes branch {config.base_branch} of {config.repository} at {at}{tool}, and nothing "
        f"there takes {head(paths, SHOWN)}"
    )
    named = named_files(source, seen.sources, config)
    if named or source.tool == HELM:
        files = join_words(sorted(filter(None, named))) or "values.yaml of its chart alone"
        what += f" (its values files: {head(files, SHOWN)})"
    remedy = (
        f"Correct the Application's source or edits[].path of app {resolved.app} in the pipeline"
    )
    if source.tool == PLUGIN:
        remedy += (
            f", or have the Application's annotation {GENERATE_PATHS} name the file, if its plugin "
            "reads it"
        )
    return what, remedy + _or_parent(seen)


def _or_parent(seen: ApplicationSeen) -> str:
    made = f"its ApplicationSet {seen.made_by}" if seen.made_by is not None else "it"
    return (
        f", or name beside it, under spec.apps[].applications there, the app of apps that renders "
        f"{made} from that file"
    )
