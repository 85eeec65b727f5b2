"""Base of the models, and the marks that turn into Kubernetes' extensions of JSON schema."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from album_operator.api.predicates import Predicate

RULES = "x-kubernetes-validations"


@dataclass(frozen=True)
class Rule:
    """A CEL rule the API server checks on every write.

    In `Annotated[...]` it holds for one value; in `Model.rules` for a whole object.

    Attributes:
        rule: CEL expression over `self` (and `oldSelf`, which makes it a rule for updates only), or
            a predicate, which Python knows too.
        message: a whole sentence with the way out; the API server puts the field's path before it.
        field_path: for a rule on an object, the field the error is about, such as `.tag`.
    """

    rule: str | Predicate
    message: str
    field_path: str | None = None

    def check(self, value: object) -> None:
        """Refuse a text the rule does not let through.

        Raises:
            ValueError: with the rule's message.
            TypeError: only the API server knows the rule.
        """
        if not isinstance(self.rule, Predicate) or not isinstance(value, str):
            raise TypeError(f"`{self.rule}` is for the API server alone")
        if not self.rule.holds(value):
            raise ValueError(self.message)

    def to_schema(self) -> dict[str, str]:
        """Give the rule as an item of `x-kubernetes-validations`."""
        schema = {"rule": str(self.rule), "message": self.message}
        if self.field_path is not None:
            schema["fieldPath"] = self.field_path
        return schema

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the rule to the schema of the annotated value."""
        schema = handler(core_schema)
        schema.setdefault(RULES, []).append(self.to_schema())
        return schema


class Rules:
    """Several rules on one value."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules

    def check(self, value: object) -> None:
        """Refuse a text that one of the rules does not let through."""
        for rule in self._rules:
            rule.check(value)

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the rules to the schema of the annotated value."""
        schema = handler(core_schema)
        schema.setdefault(RULES, []).extend(rule.to_schema() for rule in self._rules)
        return schema


def obeys(kind: object) -> AfterValidator:
    """Hold a value of a status to the rules of an annotated type of a spec.

    The rules do not get into the status's schema: the operator itself checks what it reads there,
    with the very objects the API server is given for the spec.

    Raises:
        TypeError: the type has no rule; one whose rule only the API server knows refuses all.
    """
    rules = [item for item in get_args(kind)[1:] if hasattr(item, "check")]
    if not rules:
        raise TypeError(f"{kind} has no rule")

    def checked(value: object) -> object:
        for rule in rules:
            rule.check(value)
        return value

    return AfterValidator(checked)


class MapList:
    """Marks a list of objects as a map: items are told apart, and merged, by these keys."""

    def __init__(self, *keys: str) -> None:
        self._keys = keys

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add list type and keys to the schema of the annotated list."""
        schema = handler(core_schema)
        schema["x-kubernetes-list-type"] = "map"
        schema["x-kubernetes-list-map-keys"] = list(self._keys)
        return schema


class SetList:
    """Marks a list of texts as a set: none is in it twice, and a merge adds to it."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the list type to the schema of the annotated list."""
        schema = handler(core_schema)
        schema["x-kubernetes-list-type"] = "set"
        return schema


class AtomicList:
    """Marks a list of objects as one value: a merge takes all of it, or none."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the list type to the schema of the annotated list."""
        schema = handler(core_schema)
        schema["x-kubernetes-list-type"] = "atomic"
        return schema


class Model(BaseModel):
    """A JSON object of a resource: `snake_case` here, `camelCase` in the API.

    Fields this version does not know are ignored: the API server prunes them on a write, and an
    older operator must still read what a newer one left in the status.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
        extra="ignore",
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the rules of the whole object to its schema."""
        schema = handler(core_schema)
        if cls.rules:
            handler.resolve_ref_schema(schema)[RULES] = [rule.to_schema() for rule in cls.rules]
        return schema

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Read a model from parsed JSON.

        Raises:
            pydantic.ValidationError: the JSON is not of the model's shape.
        """
        return cls.model_validate(raw)

    def render(self) -> dict[str, Any]:
        """Write the model as parsed JSON, without what is unset."""
        return self.model_dump(mode="json", exclude_none=True)
