"""Texts for reviewers: commit message, pull request, and the diff both are about."""

import re

from album_operator.domain.names import repository_path
from album_operator.domain.places import Draft
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved


def commit_message(release: Release, resolved: Resolved, digest: str) -> str:
    """Write the message of the release's commit; the same release always gives the same.

    The trailers are those Argo CD reads to show which source commit a change of manifests came
    from (Argo CD user guide, source hydrator, commit tracing).

    Args:
        release: the release.
        resolved: what it does.
        digest: `sha256:…` of the image; empty where none is known.
    """
    source = resolved.source
    return (
        f"{_title(resolved)}\n"
        "\n"
        f"Image: {_reference(resolved, digest)}\n"
        f"Tag: {_line(source.tag)}\n"
        f"AlbumRelease: {release.ref}\n"
        "\n"
        f"Argocd-reference-commit-repourl: {_line(source.repository)}\n"
        f"Argocd-reference-commit-sha: {_line(source.commit)}\n"
    )


def draft(release: Release, resolved: Resolved, digest: str, diff: str) -> Draft:
    """Write the pull request.

    Args:
        release: the release.
        resolved: what it does.
        digest: `sha256:…` of the image; empty where none is known.
        diff: unified diff of the release's commit.
    """
    source, config = resolved.source, resolved.config
    what = f"{repository_path(source.repository)} {resolved.app} release {resolved.version}"
    facts = {
        "Image": _reference(resolved, digest),
        "Source commit": f"{source.commit} of {source.repository}",
        "Tag": source.tag,
        "AlbumRelease": str(release.ref),
    }
    body = (
        f"{_plain(what)}. Please note that this is an automated PR.\n\n"
        + "".join(f"- {name}: {_code(value)}\n" for name, value in facts.items())
        + f"\nThe whole change:\n\n{_fenced(diff)}"
    )
    return Draft(head=config.branch, base=config.base_branch, title=_title(resolved), body=body)


def _title(resolved: Resolved) -> str:
    return f"release: {_line(resolved.app)} {_line(resolved.version)}"


def _reference(resolved: Resolved, digest: str) -> str:
    image = _line(resolved.build.image)
    return f"{image}@{_line(digest)}" if digest else image


def _line(text: str) -> str:
    """Keep a text on one line, so that it cannot begin a trailer or paragraph of its own."""
    return " ".join(text.split())


def _plain(text: str) -> str:
    """Escape what means something in Markdown or HTML (CommonMark 2.4); names have none of it."""
    return re.sub(r"([^\w/.~ -])", r"\\\1", _line(text))


def _code(text: str) -> str:
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
