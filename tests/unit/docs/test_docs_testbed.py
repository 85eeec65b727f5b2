"""The scope of GitHub's stand-in is frozen: what it does is listed, and nothing else."""

import re

from testbed.github.graphql.operations import Operations
from testbed.github.rest import ENDPOINTS
from tests.unit.docs.documents import code_spans, items, read, section

SCOPE = dict(
    re.findall(r"^\*([^*]+)\*(.*)$", item)[0]
    for item in items(section(read("docs/testbed.md"), "GitHub's stand-in"))
)


def test_the_operations_of_rest_are_listed() -> None:
    assert code_spans(SCOPE["REST"]) == sorted(ENDPOINTS)


def test_the_queries_and_mutations_of_graphql_are_listed() -> None:
    roots = object.__new__(Operations).find_roots()
    assert code_spans(SCOPE["GraphQL"]) == list(roots)
