"""Putting a branch at the one commit of a release."""

import re
from collections.abc import Mapping

from album_operator.adapters.git.failures import translate, words
from album_operator.adapters.git.process import Answer
from album_operator.adapters.git.refs import HEADS, list_refs
from album_operator.adapters.git.repository import Repository
from album_operator.domain.errors import OutsideError, StaleError, TerminalError
from album_operator.domain.places import Change
from album_operator.domain.reasons import Reason

LOST_RACE = re.compile(
    r"stale info|but expected [0-9a-f]{40}|incorrect old value|reference already exists"
    r"|\.lock': File exists"
)
"""What git says where another push came first or is on its way (`remote.c`, `refs.c` and
`files-backend.c` of git 2.30 to 2.51)."""

UNSIGNED = re.compile(r"verified signatures|from unverified commit")
"""What GitHub and Gitea say where a rule wants signed commits."""

UNSAID = re.compile(r"Internal Server Error \(no message for end users\)")
"""What Gitea 1.26 says of it in truth: it fails over its own refusal."""

NEGOTIATE = {"push.negotiate": "true"}
"""Has git ask the server for a commit both know, which else it takes from the server's branches."""

# pack-objects without such a commit: it would send the base too, of which it has only a part.
LACKS_OBJECTS = re.compile(r"bad tree object|unable to read|unable to find|missing (tree|blob)")


def push_branch(repository: Repository, change: Change, commit: str, *, is_at_tip: bool) -> str:
    """Put the branch of a change at the commit that was made of it.

    Args:
        repository: where the commit is.
        change: what was committed.
        commit: made of it.
        is_at_tip: whether its base was a branch of the server a moment ago.

    Returns:
        The commit; the branch points to it, whoever put it there.

    Raises:
        OutsideError: the branch is not where it is expected, or the server refused.
    """
    name = HEADS + change.branch
    lease = f"--force-with-lease={name}:{change.expected or ''}"
    answer = _push(repository, name, commit, lease, {} if is_at_tip else NEGOTIATE)
    if answer.status != 0 and is_at_tip and LACKS_OBJECTS.search(answer.err):
        answer = _push(repository, name, commit, lease, NEGOTIATE)
    if answer.status == 0:
        return commit
    ref_lines = [line for line in answer.out.decode().splitlines() if line.startswith("!\t")]
    if not ref_lines:
        raise translate(repository.place, "write to", answer.err)
    # Whoever pushed the same commit a moment ago, an earlier self of ours included, did our work.
    there = list_refs(repository, name).get(name)
    if there == commit:
        return commit
    raise _rejected(repository, change, there, f"{answer.err}\n{ref_lines[0]}")


def delete_branch(repository: Repository, branch: str, expected: str) -> None:
    """Delete a branch if it is at `expected`; elsewhere or gone, it is left as it is.

    Raises:
        OutsideError: the server refused, or could not be reached.
    """
    name = HEADS + branch
    answer = _push(repository, name, "", f"--force-with-lease={name}:{expected}", {})
    if answer.status == 0 or list_refs(repository, name).get(name) != expected:
        return
    place = repository.place
    raise TerminalError(
        Reason.PUSH_REFUSED,
        f"{place.url} does not let us delete branch {branch}: "
        f"{words(answer.err, place.credential)}.",
    )


def _push(
    repository: Repository, name: str, commit: str, lease: str, settings: Mapping[str, str]
) -> Answer:
    repository.term.check()
    return repository.remote(
        "push",
        "--porcelain",
        "--no-verify",
        "--recurse-submodules=no",
        # Nothing after its colon: the branch must not exist (git-push).
        lease,
        "--end-of-options",
        "origin",
        f"{commit}:{name}",
        settings=settings,
    )


def _rejected(repository: Repository, change: Change, there: str | None, said: str) -> OutsideError:
    place = repository.place
    if there != change.expected or LOST_RACE.search(said):
        return StaleError(
            Reason.GIT_UNAVAILABLE,
            f"Branch {change.branch} of {place.url} is at {(there or 'no commit')[:12]} by now: "
            "somebody else pushed meanwhile.",
        )
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{place.url} refused the push to branch {change.branch}: {words(said, place.credential)}.",
        _way_out(change, said, f"the user of Secret {place.credential.secret}"),
    )


def _way_out(change: Change, said: str, user: str) -> str:
    unsigned = (
        f"leave branches such as {change.branch} out of the rule that wants signed commits, for "
        f"the operator signs none, or let {user} bypass it where the forge has that"
    )
    if UNSIGNED.search(said):
        return f"{unsigned[0].upper()}{unsigned[1:]}"
    if UNSAID.search(said):
        return f"Look into Gitea's log; where commits are unverified there, {unsigned}"
    if change.extends_branch:
        return f"Let {user} push to it, or set spec.config.delivery of the pipeline to PullRequest"
    return f"Let {user} create branches such as {change.branch}"
