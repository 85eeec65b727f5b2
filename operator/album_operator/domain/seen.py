"""What a look at the source and the config repository found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from album_operator.domain.release import Edit


@dataclass(frozen=True)
class SourceSeen:
    """A tag of the source repository.

    Attributes:
        commit: the commit the tag stands for (annotated tags peeled), or None: no such tag.
        has_dockerfile: whether the Dockerfile is a file of that commit.
        is_in_submodule: its path leads into a submodule, whose files are in another repository.
        is_no_commit: there is such a tag, and it stands for a tree or a file.
        committed_at: committer date of the commit; None where nobody can read it.
    """

    commit: str | None
    has_dockerfile: bool = False
    is_in_submodule: bool = False
    is_no_commit: bool = False
    # Not compared: it follows from the commit.
    committed_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SourceCommit:
    """A commit of the source, as a reviewer wants to see it."""

    sha: str
    author: str
    subject: str


@dataclass(frozen=True)
class ConfigCommit:
    """A commit of the base branch.

    Attributes:
        author: name of who made it; of a merge, of who merged.
        message: of a merge followed by that of the commit that was merged.
    """

    sha: str
    author: str
    message: str


@dataclass(frozen=True)
class BranchSeen:
    """The release branch as it stands.

    Attributes:
        commit: its head, 40 hex digits.
        parent_files: bytes by path at the head's only parent; None where it has not one parent.
        files: bytes by path at the head.
        changed_paths: paths that differ between head and parent; a folder, with `/` at its end,
            where more differs than is looked at.
        diff: unified diff, as git makes it, from `parent_files` to `files`; empty without parent.
        is_amended: who committed its head, or when, is not who wrote it, or when: none of ours.
    """

    commit: str
    message: str
    author_name: str
    author_email: str
    files: Mapping[str, bytes]
    parent_files: Mapping[str, bytes] | None
    changed_paths: frozenset[str]
    diff: str = ""
    is_amended: bool = False


@dataclass(frozen=True)
class ConfigSeen:
    """The config repository as it stands.

    Attributes:
        base_branch: the base branch's name (the remote's default branch where none was asked).
        base_commit: its head; None where there is no such branch.
        files: bytes by path of each asked regular file at the base; a missing file is left out.
        not_files: for asked paths that are no regular file, what they are: `symlink`, `submodule`
            or `directory`.
        branch: the release branch, None where it does not exist or was not asked for.
        obstacle: a branch beside which git cannot make the release branch, None where none is.
        default_branch: what the remote's HEAD stands for; empty where it does not tell.
    """

    base_branch: str
    base_commit: str | None
    files: Mapping[str, bytes]
    not_files: Mapping[str, str]
    branch: BranchSeen | None = None
    obstacle: str | None = None
    default_branch: str = ""


@dataclass(frozen=True)
class Edited:
    """What some edits found and made.

    Attributes:
        current: the value at each edit's key, before it.
        files: new bytes of each file that changes, by path.
        notes: what else changes with them, as sentences.
    """

    current: Mapping[Edit, str]
    files: Mapping[str, bytes]
    notes: tuple[str, ...] = ()
