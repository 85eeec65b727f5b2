"""The command line: options, texts of help, and how each end is told."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable

import click
from click.shell_completion import shell_complete

from album_cli import VERSION
from album_cli.completion import ASKED, SHELLS, files, folders
from album_cli.documents import Wish, from_files, from_tag
from album_cli.ends import TOKEN, BadInputError, NothingToChange, RefusedError
from album_cli.places import find_place, find_proxies, insecure_hosts
from album_cli.plan import make_plan
from album_operator.domain.diffs import UNKNOWN_DIGEST_NOTE, has_unknown_digest
from album_operator.domain.redaction import Redactor
from album_operator.domain.secret_words import words_of

USER = "ALBUM_GIT_USERNAME"

# As `git diff --exit-code` and `flux diff` have it.
NOTHING_TO_CHANGE = 0
CHANGES = 1
REFUSED = 2

EXAMPLES = """
\b
Examples:
  album plan --tag backend-v1.3.3 --source https://git.example.org/album/album-app \\
      --config-repo ../album-app-config --rev main~2
  album plan -f pipeline.yaml -f release.yaml
  kubectl kustomize releases | album plan -f - --rev v2026.11
"""


def run_album(arguments: list[str], prog_name: str) -> int:
    """Run the command and tell its end on standard error.

    Returns:
        The exit code.
    """
    if asked := os.environ.get(ASKED):
        return shell_complete(album, {}, prog_name, ASKED, asked)
    clean = _redactor(os.environ.get(TOKEN, ""), os.environ.get(USER, "")).clean
    try:
        # Not by `main`, which answers Ctrl-C with words.
        with album.make_context(prog_name, arguments) as context:
            status: int = album.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (BadInputError, RefusedError) as error:
        return _tell(clean(str(error)), REFUSED)
    except NothingToChange as error:
        return _tell(clean(str(error)), NOTHING_TO_CHANGE)
    except Exception as error:  # noqa: BLE001 - users get a sentence, never a traceback
        said = f"InternalError: album failed by a bug of its own: {error!r}."
        return _tell(clean(said), REFUSED)
    return status


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="album")
def album() -> None:
    """What the Album release operator knows, without a cluster."""


@album.command(epilog=EXAMPLES)
@click.option("--tag", metavar="TAG", help="Git tag to release, such as backend-v1.3.3.")
@click.option("--source", metavar="URL", help="Repository that is built; it is not contacted.")
@click.option(
    "--config-repo",
    metavar="PATH_OR_URL",
    shell_complete=folders,
    help=(
        "Config repository: a work tree or bare repository of this machine, or an https URL; by "
        "convention, or by the pipeline, where it is left out."
    ),
)
@click.option(
    "--rev",
    metavar="REV",
    help=(
        "Revision of it to plan on, as git rev-parse takes them; the pipeline's branch, else HEAD, "
        "by default."
    ),
)
@click.option(
    "--allow-downgrade", is_flag=True, help="Plan even where a newer version is there already."
)
@click.option(
    "-f",
    "--filename",
    "filenames",
    metavar="FILE",
    multiple=True,
    shell_complete=files,
    help="File with an AlbumPipeline, an AlbumRelease or both; - is standard input.",
)
def plan(
    tag: str | None,
    source: str | None,
    config_repo: str | None,
    rev: str | None,
    allow_downgrade: bool,
    filenames: tuple[str, ...],
) -> int:
    """Print the change a release would make, as the diff git makes of it.

    Say what to release by --tag and --source, or by -f. Nothing is written, and only
    the config repository is read; a token for its URL comes from the variable ALBUM_GIT_TOKEN, with
    ALBUM_GIT_USERNAME where the server looks at it.

    Exits with 0 if nothing would change; with 1 and the diff; else with 2 and the reason on
    standard error.
    """
    wish = _wish(tag, source, filenames, allow_downgrade=allow_downgrade)
    # Not for the environment of the git commands that are not to know it.
    token = os.environ.pop(TOKEN, "")
    username = os.environ.get(USER, "")
    place = find_place(config_repo or wish.config_repository, token, username)
    proxies = find_proxies(os.environ)
    change = asyncio.run(make_plan(wish, place, rev, insecure_hosts(place), proxies))
    diff, notes = change.diff, change.notes
    if token:
        redactor = _redactor(token, username)
        diff, notes = redactor.clean(diff), tuple(map(redactor.clean, notes))
    _write(diff, notes)
    return CHANGES


@album.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the script that completes album's words in a shell.

    In bash: source <(album completion bash). Of kubectl album it is kubectl's own completion that
    asks, where kubectl_complete-album is on the PATH.
    """
    return shell_complete(album, {}, "album", ASKED, f"{shell}_source")


def _wish(
    tag: str | None, source: str | None, filenames: tuple[str, ...], *, allow_downgrade: bool
) -> Wish:
    if filenames and (tag or source or allow_downgrade):
        raise click.UsageError(
            "-f says what to release already: leave --tag, --source and --allow-downgrade out."
        )
    if filenames:
        return from_files(filenames)
    if not tag or not source:
        raise click.UsageError("Say what to release: --tag and --source, or -f.")
    return from_tag(tag, source, allow_downgrade=allow_downgrade)


def _redactor(token: str, username: str) -> Redactor:
    return Redactor([words_of({"token": token.encode(), "username": username.encode()})])


def _write(diff: str, notes: Iterable[str]) -> None:
    for note in notes:
        click.echo(note, err=True)
    if has_unknown_digest(diff):
        click.echo(UNKNOWN_DIGEST_NOTE, err=True)
    # Whoever reads the output may stop early, as `head` does.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.stdout.buffer.write(diff.encode())
    sys.stdout.buffer.flush()


def _tell(sentence: str, status: int) -> int:
    click.echo(sentence, err=True)
    return status
