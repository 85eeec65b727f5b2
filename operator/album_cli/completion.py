"""What may come next on the command line: told to shells by click, and to kubectl by its rules."""

from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete

SHELLS = ("bash", "zsh", "fish")

ASKED = "_ALBUM_COMPLETE"
"""Variable in which a shell says what it asks for, in click's words."""

# cobra, completions.go: ShellCompDirective.
_DIRECTIVES = {"file": 0, "dir": 16}
_NOTHING_ELSE = 4


def for_kubectl(command: click.Command, words: Sequence[str]) -> str:
    r"""Answer as kubectl asks of `kubectl_complete-<plugin>`.

    Args:
        command: what is completed.
        words: those after `kubectl album`, the one that is being written last.

    Returns:
        Lines `word\tdescription`, then a colon and whether files or folders fit too (kubectl,
        plugin_completion.go).
    """
    *before, begun = words or [""]
    found = ShellComplete(command, {}, "kubectl album", ASKED).get_completions(before, begun)
    kinds = {item.type for item in found}
    directive = next((_DIRECTIVES[kind] for kind in kinds & set(_DIRECTIVES)), _NOTHING_ELSE)
    lines = [
        f"{item.value}\t{item.help}" if item.help else str(item.value)
        for item in found
        if item.type == "plain"
    ]
    return "\n".join([*lines, f":{directive}\n"])


def files(_context: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
    """Let the shell complete a file's name."""
    return [CompletionItem(begun, type="file")]


def folders(_context: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
    """Let the shell complete a folder's name."""
    return [CompletionItem(begun, type="dir")]
