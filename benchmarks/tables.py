"""Tables in Markdown."""

from collections.abc import Iterator, Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Give the lines of a table; all but its first two columns are figures."""
    yield f"| {' | '.join(headings)} |"
    yield f"|{'|'.join('---' if number < 2 else '---:' for number in range(len(headings)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
