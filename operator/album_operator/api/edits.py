"""Edits: which values of the config repository a release sets."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from album_operator.api.model import AtomicList, Model, Rule, obeys
from album_operator.api.places import FilePath
from album_operator.api.predicates import matches
from album_operator.api.types import EditAnchors, EditFormat, EditValue, Text
from album_operator.domain.keys import KEY, PRINTABLE

_IMAGE_ENTRY = r"[A-Za-z0-9_]([A-Za-z0-9._/:-]*[A-Za-z0-9_])?"
"""`name` of an image in a kustomization: an image, or a placeholder in its place."""


_KEYS = {
    "YAML": Rule(
        matches(KEY) & matches(PRINTABLE),
        "key must be the names on the way to the value, joined by dots, such as image.tag; an item "
        "of a list in brackets, such as containers[name=app].image or args[0]; and a backslash "
        "before a dot, blank, bracket or backslash of a name.",
    ),
    "Kustomize": Rule(
        matches(_IMAGE_ENTRY),
        "key must be the name of an entry of the kustomization's images, such as "
        "ghcr.io/owner/album-app-backend: letters, digits and . _ / : - are allowed.",
    ),
}
"""What a key must be in each format."""


_OBJECT_KIND = Rule(
    matches(r"[A-Za-z][A-Za-z0-9]*"), "kind must be that of an object, such as HelmRelease."
)
_OBJECT_NAME = Rule(
    matches(r"[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?"),
    "name must be that of an object: letters, digits and . _ : - are allowed.",
)

ObjectKind = Annotated[str, Field(max_length=63), _OBJECT_KIND]
NameOfObject = Annotated[str, Field(max_length=253), _OBJECT_NAME]

_ONE_WAY = Rule(
    "has(self.index) ? !has(self.kind) && !has(self.name) : has(self.kind) && has(self.name)",
    "say which document either by index, counted from 0, or by the kind and name of its object.",
)


def _key_rule(edit_format: str) -> Rule:
    rule = _KEYS[edit_format]
    in_key = str(rule.rule).replace("self.", "self.key.")
    return Rule(f"self.format != '{edit_format}' || {in_key}", rule.message, ".key")


class Document(Model):
    """A document of a file with several."""

    rules: ClassVar[tuple[Rule, ...]] = (_ONE_WAY,)

    index: int | None = Field(
        None, ge=0, le=999, description="Its index in the file, counted from 0."
    )
    kind: ObjectKind | None = Field(
        None, description="The object's kind, such as HelmRelease; with its name."
    )
    name: NameOfObject | None = Field(None, description="The object's metadata.name.")


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
            "Names on the way to the value, joined by dots; an item of a list in brackets, "
            "[name=app] or [0]; a backslash before a dot of a name. For Kustomize the name of an "
            "entry of images."
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
    document: Document | None = Field(
        None, description="The document the value is in, where the file has several."
    )
    anchors: EditAnchors = Field(
        "Refuse",
        description=(
            "What becomes of a value that an anchor shares with other places. Refuse: it is not "
            "edited. Edit: it is, and all those places with it. Refuse by default."
        ),
    )


_ONE_EDIT_FOR_A_KEY = Rule(
    "self.all(e, self.exists_one(f, f.path == e.path && f.key == e.key && f.format == e.format && "
    "(f.format == 'YAML' || f.value == e.value) && has(f.document) == has(e.document) && "
    "(!has(f.document) || f.document == e.document)))",
    "two edits set the same key of the same file: only one value can stand there, remove one.",
)

EditList = Annotated[list[Edit], AtomicList(), _ONE_EDIT_FOR_A_KEY]
"""No map by keys: a document is one of them, and only texts and numbers can be."""


class ResolvedDocument(Model):
    """A document of a file with several."""

    index: int | None = Field(None, description="Its index in the file, counted from 0.")
    kind: Annotated[Text, obeys(ObjectKind)] | None = Field(None, description="The object's kind.")
    name: Annotated[Text, obeys(NameOfObject)] | None = Field(
        None, description="The object's name."
    )

    @model_validator(mode="after")
    def _check_way(self) -> Self:
        named = (self.kind is not None, self.name is not None)
        if named != ((self.index is None),) * 2:
            raise ValueError(_ONE_WAY.message)
        return self


class ResolvedEdit(Model):
    """One value that is changed."""

    path: Annotated[Text, obeys(FilePath)] = Field(
        description="Path of the file in the config repository."
    )
    key: Text = Field(description="Names on the way to the value, or name of the image's entry.")
    value: EditValue = Field("Tag", description="What of the image is written.")
    format: EditFormat = Field("YAML", description="What the key means.")
    create: bool = Field(False, description="Whether a place that is missing is added.")
    document: ResolvedDocument | None = Field(None, description="The document the value is in.")
    anchors: EditAnchors = Field(
        "Refuse", description="What becomes of a value that is shared with other places."
    )

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        _KEYS[self.format].check(self.key)
        return self


ResolvedEditList = Annotated[list[ResolvedEdit], AtomicList()]
