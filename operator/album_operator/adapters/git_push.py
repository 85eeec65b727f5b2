"""Making the one commit of a release, and putting its branch there."""

import re
from datetime import UTC

from album_operator.adapters.git import HEADS, Repository
from album_operator.adapters.git_failures import translate, words
from album_operator.adapters.git_objects import WITHOUT_BLOBS, list_entries
from album_operator.decisions.preflight import RETRY
from album_operator.domain.errors import OutsideError, StaleError, TerminalError
from album_operator.domain.places import Change
from album_operator.domain.reasons import Reason

LOST_RACE = re.compile(
    r"stale info|but expected [0-9a-f]{40}|incorrect old value|reference already exists"
    r"|\.lock': File exists"
)
"""What git says where another push came first or is on its way (`remote.c`, `refs.c` and
`files-backend.c` of git 2.30 to 2.51)."""


def push_branch(repository: Repository, change: Change) -> str:
    """Commit a change on its base and put its branch at that commit.

    Returns:
        The commit; the branch points to it, whoever put it there.

    Raises:
        OutsideError: the branch is not where it is expected, or the server refused.
    """
    repository.fetch([change.base_commit], "--depth=1", WITHOUT_BLOBS)
    commit = _commit(repository, change)
    name = HEADS + change.branch
    answer = repository.remote(
        "push",
        "--porcelain",
        "--no-verify",
        "--recurse-submodules=no",
        # Nothing after the colon: the branch must not exist (git-push).
        f"--force-with-lease={name}:{change.expected or ''}",
        "--end-of-options",
        "origin",
        f"{commit}:{name}",
    )
    if answer.status == 0:
        return commit
    ref_lines = [line for line in answer.out.decode().splitlines() if line.startswith("!\t")]
    if not ref_lines:
        raise translate(repository.place, "write to", answer.err)
    # Whoever pushed the same commit a moment ago, an earlier self of ours included, did our work.
    there = repository.list_refs(name).get(name)
    if there == commit:
        return commit
    raise _rejected(repository, change, there, f"{answer.err}\n{ref_lines[0]}")


def _rejected(repository: Repository, change: Change, there: str | None, said: str) -> OutsideError:
    place = repository.place
    if there != change.expected or LOST_RACE.search(said):
        return StaleError(
            Reason.GIT_UNAVAILABLE,
            f"Branch {change.branch} of {place.url} is at {(there or 'no commit')[:12]} by now: "
            "somebody else pushed meanwhile.",
        )
    user = f"the user of Secret {place.credential.secret}"
    way_out = f"Let {user} create branches release/*"
    if change.extends_branch:
        way_out = f"Let {user} push to it, or set spec.config.delivery of the pipeline to "
        way_out += "PullRequest"
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{place.url} refused the push to branch {change.branch}: "
        f"{words(said, place.credential)}. {way_out}, {RETRY}.",
    )


def _commit(repository: Repository, change: Change) -> str:
    """Write the commit of a change into the object store: same change, same hash."""
    entries = list_entries(repository, change.base_commit, frozenset(change.files))
    lines = []
    for path, data in change.files.items():
        entry = entries.get(path)
        if entry is None or not entry.is_file:
            raise TerminalError(
                Reason.VALUES_FILE_NOT_FOUND,
                f"{path} is no regular file of {change.base_commit[:12]} in "
                f"{repository.place.url}, and only such are edited. Correct edits[].path in the "
                f"pipeline, {RETRY}.",
            )
        blob = repository.local("hash-object", "-w", "--stdin", "--no-filters", data=data).text
        lines.append(f"{entry.mode} {blob}\t{path}\0")
    repository.local("read-tree", change.base_commit)
    repository.local("update-index", "-z", "--index-info", data="".join(lines).encode())
    tree = repository.local("write-tree", "--missing-ok").text
    date = f"@{int(change.date.astimezone(UTC).timestamp())} +0000"
    return repository.local(
        "commit-tree",
        tree,
        "-p",
        change.base_commit,
        "-F",
        "-",
        data=change.message.encode(),
        variables={
            "GIT_AUTHOR_NAME": change.author_name,
            "GIT_AUTHOR_EMAIL": change.author_email,
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": change.author_name,
            "GIT_COMMITTER_EMAIL": change.author_email,
            "GIT_COMMITTER_DATE": date,
        },
    ).text
