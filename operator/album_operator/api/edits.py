"""Edits: which values of the config repository a release sets."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from album_operator.api.model import MapList, Model, Rule, obeys
from album_operator.api.places import FilePath
from album_operator.api.predicates import matches
from album_operator.api.types import EditFormat, EditValue, Text

_KEY_PATH = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
"""Names on the way to a value of a YAML file."""

_IMAGE_ENTRY = r"[A-Za-z0-9_]([A-Za-z0-9._/:-]*[A-Za-z0-9_])?"
"""`name` of an image in a kustomization: an image, or a placeholder in its place."""


_KEYS = {
    "YAML": Rule(
        matches(_KEY_PATH),
        "key must be the names on the way to the value, joined by dots, such as image.tag.",
    ),
    "Kustomize": Rule(
        matches(_IMAGE_ENTRY),
        "key must be the name of an entry of the kustomization's images, such as "
        "ghcr.io/owner/album-app-backend: letters, digits and . _ / : - are allowed.",
    ),
}
"""What a key must be in each format."""


def _key_rule(edit_format: str) -> Rule:
    rule = _KEYS[edit_format]
    in_key = str(rule.rule).replace("self.", "self.key.", 1)
    return Rule(f"self.format != '{edit_format}' || {in_key}", rule.message, ".key")


class Edit(Model):
    """One value a release changes."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *map(_key_rule, _KEYS),
        Rule(
            "self.format != 'Kustomize' || self.value != 'Reference'",
            "value cannot be Reference where format is Kustomize, which has a field of its own for "
            "each part: use Tag (newTag), Digest (digest) or Repository (newName).",
            ".value",
        ),
    )

    path: FilePath = Field(description="Path of the file in the config repository.")
    key: Annotated[str, Field(max_length=256, examples=["image.tag"])] = Field(
        description=(
            "Names on the way to the value, joined by dots; for Kustomize the name of an entry of "
            "images."
        )
    )
    value: EditValue = Field(
        "Tag",
        description=(
            "What is written: Tag, the version; Digest, sha256:… of the pushed image; Repository, "
            "the image without a tag; Reference, <repository>:<tag>. Tag by default."
        ),
    )
    format: EditFormat = Field(
        "YAML",
        description=(
            "YAML: key is a path of keys. Kustomize: path is a kustomization, key an entry of its "
            "images, and Tag sets its newTag, Digest its digest, Repository its newName. YAML by "
            "default."
        ),
    )
    create: bool = Field(
        False, description="Whether a key or entry that is missing is added; false by default."
    )


_ONE_EDIT_FOR_A_KEY = Rule(
    "self.all(e, e.format != 'YAML' || self.exists_one(f, f.path == e.path && f.key == e.key))",
    "two edits set the same key of the same file: only one value can stand there, remove one.",
)

EditList = Annotated[list[Edit], MapList("path", "key", "value"), _ONE_EDIT_FOR_A_KEY]


class ResolvedEdit(Model):
    """One value that is changed."""

    path: Annotated[Text, obeys(FilePath)] = Field(
        description="Path of the file in the config repository."
    )
    key: Text = Field(description="Names on the way to the value, or name of the image's entry.")
    value: EditValue = Field("Tag", description="What of the image is written.")
    format: EditFormat = Field("YAML", description="What the key means.")
    create: bool = Field(False, description="Whether a place that is missing is added.")

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        _KEYS[self.format].check(self.key)
        return self


ResolvedEditList = Annotated[list[ResolvedEdit], MapList("path", "key", "value")]
