"""Texts for reviewers: commit message, pull request, and the diff both are about."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from album_operator.domain.forges import Forge, forge_of, guess_type
from album_operator.domain.names import is_ssh, repository_path
from album_operator.domain.places import Draft
from album_operator.domain.release import Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import SourceCommit
from album_operator.domain.templates import TITLE, expand, title_of, values_of

NAME = "[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
"""A name in the cluster (RFC 1123 subdomain)."""


def commit_message(release: Release, resolved: Resolved, digest: str) -> str:
    """Write the message of the release's commit; the same release always gives the same.

    What a template says comes first: git takes trailers from the last paragraph alone.
    The trailers are those Argo CD reads to show which source commit a change of manifests came
    from (Argo CD user guide, source hydrator, commit tracing).

    Args:
        release: the release.
        resolved: what it does.
        digest: `sha256:…` of the image; empty where none is known.
    """
    source, template = resolved.source, resolved.config.commit_message
    said = expand(template or TITLE, _values(resolved, digest)).rstrip()
    return (
        f"{said}\n"
        "\n"
        f"Image: {_reference(resolved, digest)}\n"
        f"Tag: {_line(source.tag)}\n"
        f"AlbumRelease: {release.ref}\n"
        f"{ORIGIN}{origin_of(resolved.pipeline.uid, release.ref, resolved.config.branch)}\n"
        "\n"
        f"Argocd-reference-commit-repourl: {_line(source.repository)}\n"
        f"Argocd-reference-commit-sha: {_line(source.commit)}\n"
    )


def release_in(message: str) -> Ref | None:
    """Give the release that a commit's message names; anybody can write what it says."""
    found = re.search(rf"^AlbumRelease: ({NAME})/({NAME})$", message, re.MULTILINE)
    return Ref(found[1], found[2]) if found is not None else None


ORIGIN = "AlbumOrigin: "

ORIGIN_LENGTH = 20
"""Hex digits: nobody finds another pipeline, release and branch with the same 80 bits."""


def origin_of(pipeline_uid: str, release: Ref, branch: str) -> str:
    """Give what proves that a branch was made for a release of this very pipeline.

    Others may have a release of the same name elsewhere, and anybody can make a branch of another
    name at the same commit.
    """
    words = f"{pipeline_uid}/{release}/{branch}"
    return hashlib.sha256(words.encode()).hexdigest()[:ORIGIN_LENGTH]


def has_origin(message: str, origin: str) -> bool:
    """Tell whether a commit's message has this proof."""
    return f"{ORIGIN}{origin}" in message.splitlines()


def is_same_message(there: str, ours: str) -> bool:
    """Tell whether a message is ours, whatever its proof.

    An older operator wrote none, and a pipeline that was made anew has another one.
    """
    return _without_origin(there) == _without_origin(ours)


def _without_origin(message: str) -> list[str]:
    return [line for line in message.strip().splitlines() if not line.startswith(ORIGIN)]


def digest_in(message: str) -> str:
    """Give the first digest in a commit's message, empty where it has none."""
    found = re.search(r"sha256:[0-9a-f]{64}", message)
    return found[0] if found is not None else ""


SUBJECT_LENGTH = 120

COMMITS = 20
"""Most commits of the source that are listed."""


@dataclass(frozen=True)
class History:
    """The commits of the source since the version before.

    Attributes:
        since: tag of that version.
        commits: the newest first, one more than are listed where there are more.
    """

    since: str
    commits: tuple[SourceCommit, ...]


def draft(
    release: Release,
    resolved: Resolved,
    digest: str,
    diff: str,
    history: History | None = None,
    requested_by: str | None = None,
) -> Draft:
    """Write the pull request.

    Args:
        release: the release.
        resolved: what it does.
        digest: `sha256:…` of the image; empty where none is known.
        diff: unified diff of the release's commit.
        history: commits of the source since the version before; None where they are not known.
        requested_by: who asked for it; None where nobody says so.
    """
    source, config = resolved.source, resolved.config
    facts = {
        "Image": as_code(_reference(resolved, digest)),
        "Source commit": f"{_commit_link(resolved, source.commit)} of {as_code(source.repository)}",
        "Tag": as_code(source.tag),
        "AlbumRelease": as_code(str(release.ref)),
    }
    if requested_by is not None:
        facts["Requested by"] = as_code(requested_by)
    if release.rollback_of is not None:
        facts["Takes back"] = as_code(str(Ref(release.ref.namespace, release.rollback_of)))
    body = (
        f"{_words(resolved, digest)}\n\n"
        + "".join(f"- {name}: {value}\n" for name, value in facts.items())
        + (_commits(resolved, history) if history is not None else "")
        + f"\nThe whole change:\n\n{_fenced(diff)}"
    )
    wish = config.pull_request
    return Draft(
        head=config.branch,
        base=config.base_branch,
        title=_line(title_of(resolved, digest)),
        body=body,
        labels=wish.labels,
        reviewers=wish.reviewers,
        assignees=wish.assignees,
        milestone=wish.milestone,
        is_draft=wish.draft,
    )


def _commits(resolved: Resolved, history: History) -> str:
    """List the commits since the version before, and where all of them can be read."""
    source, since = resolved.source, as_code(history.since)
    if is_web(source.repository):
        forge = _source_forge(resolved)
        page = forge.comparison_page(source.repository, history.since, source.tag)
        since = f"[{as_plain(history.since)}]({page})"
    if not history.commits:
        return f"\nNo commits of the source since {since}.\n"
    lines = [
        f"- {_commit_link(resolved, commit.sha)} {as_plain(commit.subject[:SUBJECT_LENGTH])} "
        f"({as_plain(commit.author[:SUBJECT_LENGTH])})\n"
        for commit in history.commits[:COMMITS]
    ]
    more = "- and more\n" if len(history.commits) > COMMITS else ""
    return f"\nCommits of the source since {since}:\n\n{''.join(lines)}{more}"


def _commit_link(resolved: Resolved, sha: str) -> str:
    repository = resolved.source.repository
    if not is_web(repository):
        return as_code(sha)
    return f"[{as_code(sha)}]({_source_forge(resolved).commit_page(repository, sha)})"


def _source_forge(resolved: Resolved) -> Forge:
    return forge_of(resolved.feedback.forge_type or guess_type(resolved.source.repository))


def is_web(repository: str) -> bool:
    """Tell whether a link can lead to pages of a repository."""
    # A destination of a link ends at a blank or an unbalanced parenthesis (CommonMark 6.3).
    return not is_ssh(repository) and not set(repository) & set(" ()<>\\")


def _words(resolved: Resolved, digest: str) -> str:
    """Write what the body begins with; a template is its pipeline's own Markdown."""
    template = resolved.config.pull_request.body
    if template is not None:
        return expand(template, _values(resolved, digest)).rstrip()
    what = repository_path(resolved.source.repository)
    said = as_plain(f"{what} {resolved.app} release {resolved.version}")
    return f"{said}. Please note that this is an automated PR."


def _values(resolved: Resolved, digest: str) -> Mapping[str, str]:
    """Give the value of each variable of a template, none of which begins a line of its own."""
    return {name: _line(value) for name, value in values_of(resolved, digest).items()}


def _reference(resolved: Resolved, digest: str) -> str:
    image = _line(resolved.build.image)
    return f"{image}@{_line(digest)}" if digest else image


def _line(text: str) -> str:
    """Keep a text on one line, so that it cannot begin a trailer or paragraph of its own."""
    return " ".join(text.split())


def as_plain(text: str) -> str:
    """Escape what means something in Markdown or HTML (CommonMark 2.4); names have none of it."""
    return re.sub(r"([^\w/.~ -])", r"\\\1", _line(text))


def as_code(text: str) -> str:
    """Write a code span (CommonMark 6.1), in which neither Markdown nor HTML means anything."""
    text = _line(text)
    ticks = "`" * (_longest_run(text) + 1)
    blank = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{blank}{text}{blank}{ticks}"


def _fenced(text: str) -> str:
    """Write a fenced code block (CommonMark 4.5); a longer fence than any in the text ends it."""
    fence = "`" * max(3, _longest_run(text) + 1)
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{fence}diff\n{text}{end}{fence}\n"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
