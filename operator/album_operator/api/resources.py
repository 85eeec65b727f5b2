"""Requests and limits of a build, bounded so that no build takes a cluster."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from album_operator.api.model import RULES, Model, Rule
from album_operator.domain.quantities import amount_of


class _QuantityUpTo:
    """A Kubernetes quantity above zero and up to a bound, written as a string or a number."""

    def __init__(self, most: str, example: str) -> None:
        self._most = amount_of(most)
        self._rule = Rule(
            "isQuantity(string(self)) && quantity(string(self)).isGreaterThan(quantity('0')) "
            f"&& quantity(string(self)).compareTo(quantity('{most}')) <= 0",
            f"this must be a quantity above 0 and up to {most}, such as {example}.",
        )

    def check(self, value: str) -> None:
        """Refuse what is no quantity, or one outside of the bounds."""
        if not 0 < amount_of(value) <= self._most:
            raise ValueError(self._rule.message)

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe it as Kubernetes' own quantities are: `cpu: 2` is as good as `cpu: "2"`."""
        handler(core_schema)
        return {
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            RULES: [self._rule.to_schema()],
        }


_AsText = BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)
Cpu = Annotated[str, _AsText, _QuantityUpTo("64", "500m")]
Bytes = Annotated[str, _AsText, _QuantityUpTo("512Gi", "512Mi")]


class Quantities(Model):
    """Amounts of resources."""

    cpu: Cpu | None = Field(None, description="CPU, such as 500m or 2.")
    memory: Bytes | None = Field(None, description="Memory, such as 512Mi.")
    ephemeral_storage: Bytes | None = Field(
        None, alias="ephemeral-storage", description="Disk of the node, such as 4Gi."
    )


def _within_limit(field: str) -> Rule:
    request, limit = f"self.requests.{field}", f"self.limits.{field}"
    return Rule(
        f"!has(self.requests) || !has(self.limits) || !has({request}) || !has({limit}) "
        f"|| !isQuantity(string({request})) || !isQuantity(string({limit})) "
        f"|| quantity(string({request})).compareTo(quantity(string({limit}))) <= 0",
        "a request must not be above its limit: lower the request or raise the limit.",
        ".requests",
    )


class Resources(Model):
    """Requests and limits of a container."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _within_limit("cpu"),
        _within_limit("memory"),
        # CEL's name of `ephemeral-storage`: `-` is written `__dash__`.
        _within_limit("ephemeral__dash__storage"),
    )

    requests: Quantities | None = Field(
        None, description="What the node must have free for the build to start."
    )
    limits: Quantities | None = Field(None, description="What the build can use at most.")
