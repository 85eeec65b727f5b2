"""Quantities stand for the numbers Kubernetes' own client reads in them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from album_operator.domain.quantities import amount_of


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", "0"),
        ("500m", "0.5"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-1", "-1"),
        ("+1", "1"),
        ("100u", "0.0001"),
        ("1n", "0.000000001"),
        ("3k", "3000"),
        ("1M", "1000000"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1Ei", "1152921504606846976"),
        ("1E", "1000000000000000000"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("12e-3", "0.012"),
    ],
)
def test_a_quantity_is_a_number(text: str, amount: str) -> None:
    assert amount_of(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    ["", "Gi", "1 Gi", "1gi", "1K", "1KB", "0x1", "1e", "1e3Gi", "1,5", "--1", ".", "٣", "1\n"],
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        amount_of(text)


NUMBERS = st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,6})?", fullmatch=True)
SUFFIXES = st.sampled_from(
    ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti"]
)


@given(NUMBERS, SUFFIXES)
def test_it_is_the_number_the_client_reads(number: str, suffix: str) -> None:
    assert amount_of(number + suffix) == parse_quantity(number + suffix)
