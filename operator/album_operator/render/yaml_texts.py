"""A block of text that is YAML itself, such as `spec.source.helm.values` of an Application.

It is looked at where it stands, with empty lines for those before it: indented as it is it says the
same, its lines and columns are the file's, and what is put into it is put into the file.
"""

from dataclasses import dataclass

from album_operator.render.yaml_nodes import Node, RefusedError, line_and_column

ENDS = ("---", "...", "%")
"""What begins or ends a document where it begins a line."""


@dataclass(frozen=True)
class Block:
    """The lines of a block of text.

    Attributes:
        start: index of the first of them in the file.
        end: index after the last that holds anything.
        lines: as they are in the file, line ends too.
        before: how many lines are before them.
        indent: blanks before what they say.
        tail: line ends at the end of what they say.
    """

    start: int
    end: int
    lines: str
    before: int
    indent: int
    tail: str

    @property
    def alone(self) -> str:
        """A text in which they alone stand, each at its line and column."""
        return "\n" * self.before + self.lines

    def lines_in(self, alone: str) -> str:
        """Take the lines out of such a text again."""
        return alone[self.before :]

    def says(self, lines: str) -> str:
        """Give what the block would read as with other lines of the same indentation."""
        return _dedented(lines, self.indent).rstrip("\n") + self.tail


def find_block(text: str, node: Node) -> Block:
    """Find the lines of a block scalar.

    Args:
        text: the file.
        node: a literal one (`|`).

    Raises:
        RefusedError: it cannot be told for certain what its lines say.
    """
    said = node.text or ""
    stripped = said.rstrip("\n")
    header = text.find("\n", text.index("|", node.start)) + 1
    lines, end = [], header
    for line in text[header : node.end].splitlines(keepends=True) if header else ():
        lines.append(line)
        if line.strip():
            end = header + sum(map(len, lines))
    written = text[header:end]
    first = next((line for line in written.splitlines() if line.strip()), "")
    indent = len(first) - len(first.lstrip(" "))
    found = _dedented(written, indent)
    if not stripped or found.rstrip("\n") != stripped:
        raise RefusedError(node.at, "it cannot be told what the text there says", _WAY_OUT)
    if any(line.startswith(ENDS) for line in found.splitlines()):
        raise RefusedError(node.at, "the text there has several documents", _WAY_OUT)
    before = line_and_column(text[:header])[0] - 1
    return Block(header, end, written, before, indent, said[len(stripped) :])


_WAY_OUT = "Write the values as a mapping, not as a text (of an Application: valuesObject)"


def _dedented(lines: str, indent: int) -> str:
    whole = lines.replace("\r\n", "\n").split("\n")
    return "\n".join(line[indent:] for line in whole)
