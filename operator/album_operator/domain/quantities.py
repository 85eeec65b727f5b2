"""Kubernetes quantities: amounts such as `500m`, `2Gi` or `1e3`."""

import re
from decimal import Decimal

QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]{1,32}(?:\.[0-9]{0,32})?|\.[0-9]{1,32}))"
    r"(?P<suffix>[KMGTPE]i|[numkMGTPE]?|[eE][+-]?[0-9]{1,2})"
)

DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {f"{letter}i": 10 * power for power, letter in enumerate("KMGTPE", 1)}


def amount_of(quantity: str) -> Decimal:
    """Give the number a quantity stands for (Kubernetes API conventions, `resource.Quantity`).

    Raises:
        ValueError: it is no quantity.
    """
    match = QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"`{quantity[:64]}` is no quantity")
    number, suffix = Decimal(match["number"]), match["suffix"]
    if suffix in BINARY:
        return number * Decimal(2) ** BINARY[suffix]
    return number * Decimal(10) ** (DECIMAL[suffix] if suffix in DECIMAL else int(suffix[1:]))
