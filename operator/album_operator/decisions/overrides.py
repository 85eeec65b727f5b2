"""What outweighs the value an edit writes, so that the change would be merged and never run.

Only what is certain is told: another value for the very key, something in place of a mapping on the
way to it, a digest beside a tag, another image by `kustomize.images`. What cannot be told ends the
search, and the release goes on.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import assert_never

from album_operator.decisions import kustomize_images
from album_operator.decisions.edits import DIGEST_WORDS, IMAGE_WORDS, NOTHING
from album_operator.decisions.helm_values import (
    Files,
    Found,
    Parameters,
    Tree,
    UntoldError,
    Way,
    chart_values,
    file_parameters,
    inline_text,
    layers_above,
    names_above,
)
from album_operator.decisions.rendering import (
    ITS,
    Rendering,
    folder_of,
    is_ours,
    patches_of,
    render,
    resolve_path,
    values_files,
)
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.images import as_written, is_same_image, split_pin, words_of
from album_operator.domain.keys import Index, render_key
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head
from album_operator.domain.release import Edit, EditFormat, EditValue
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt

VALUE_LENGTH = 128
"""Longest part of a foreign value that a message shows."""


def files_of(application: ApplicationSeen, resolved: Resolved) -> frozenset[str]:
    """Give the files of the config repository that could outweigh edits; most are not there."""
    config = resolved.config
    found: set[str | None] = set()
    for source in application.sources:
        rendering = Rendering(source, source.helm, source.kustomize)
        if is_ours(source, config):
            found.update(patches_of(application, source))
        names = values_files(rendering, application.sources, config)
        for edit in config.edits:
            if edit.path in {*names, chart_values(source)}:
                found.update(names_above(names, edit.path))
        for _, name in file_parameters(rendering):
            found.add(resolve_path(name, source, application.sources, config))
    return frozenset(path for path in found if path is not None)


def inline_texts(application: ApplicationSeen, files: Files) -> frozenset[bytes]:
    """Give the texts that sources have as `helm.values`, which are YAML too."""
    renderings = (render(application, source, files.texts) for source in application.sources)
    return frozenset(filter(None, map(inline_text, filter(None, renderings))))


@dataclass(frozen=True)
class Outweighing:
    """Looks for what outweighs the edits of a release in one Application.

    Attributes:
        wanted: what each edit writes; a digest not known yet is `UNKNOWN_DIGEST`.
        files: those of `files_of` that are there.
        own: the edits of the Application's own manifest.
    """

    application: ApplicationSeen
    resolved: Resolved
    wanted: Mapping[Edit, str]
    files: Files
    own: Collection[Edit] = ()

    def check(self) -> Halt | None:
        """Refuse a release of which the Application would never run a value."""
        sources = self.application.sources
        rendered = [render(self.application, source, self.files.texts) for source in sources]
        renderings = [rendering for rendering in rendered if rendering is not None]
        if len(renderings) < len(sources):
            return None
        for edit, ours in self.wanted.items():
            if any(self._is_unread(one, edit) for one in renderings):
                return self._refuse_document(edit)
            inside = self._find_inside(renderings, edit, ours) if edit in self.own else None
            if inside is not None:
                return self._refuse(edit, inside)
            found = [
                self._find(rendering, edit, ours)
                for rendering in renderings
                if self._is_used(rendering, edit)
            ]
            # One source that takes our value is enough for it to run.
            outweighing = [one for one in found if one is not None]
            if outweighing and len(outweighing) == len(found):
                return self._refuse(edit, outweighing[0])
        return None

    def _find_inside(self, renderings: Sequence[Rendering], edit: Edit, ours: str) -> Found | None:
        """Find what outweighs a value that the Application has itself, in the same source."""
        inline = _inline(edit)
        if inline is None or inline.source >= len(renderings) or self._sets_parameters():
            return None
        rendering = renderings[inline.source]
        has_object = rendering.helm.get("valuesObject") is not None
        is_text_beside_object = inline.field == "values" and has_object
        with suppress(UntoldError):
            layers = islice(self._layers(rendering, edit), 3 if is_text_beside_object else 2)
            for layer in layers:
                found = layer.find(inline.way)
                if found is not None:
                    return found if differs(edit, found.value, ours) else None
            if is_text_beside_object:
                origin = rendering.origin("helm", "valuesObject")
                return Found("", render_key(inline.way), origin)
        return None

    def _sets_parameters(self) -> bool:
        """Tell whether the release sets parameters too, which then are as it wants them."""
        return any("parameters" in edit.steps for edit in self.own)

    def _is_used(self, rendering: Rendering, edit: Edit) -> bool:
        """Tell whether a source is known to take what an edit writes."""
        config = self.resolved.config
        is_rendered = is_ours(rendering.source, config) and bool(rendering.source.path)
        if edit.format is EditFormat.KUSTOMIZE or rendering.kustomize.get("images"):
            is_below = edit.path.startswith(f"{folder_of(rendering.source)}/")
            return is_rendered and (is_below or len(self.application.sources) == 1)
        return self._is_values_file(rendering, edit)

    def _is_values_file(self, rendering: Rendering, edit: Edit) -> bool:
        config = self.resolved.config
        is_rendered = is_ours(rendering.source, config) and bool(rendering.source.path)
        is_own = is_rendered and edit.path == chart_values(rendering.source)
        return is_own or edit.path in values_files(rendering, self.application.sources, config)

    def _is_unread(self, rendering: Rendering, edit: Edit) -> bool:
        """Tell whether Helm is known to take no notice of an edit's document.

        It unmarshals the first of a values file alone (seen with Helm 3.22, `-f` and `values.yaml`
        alike), without a word about the others.
        """
        index = edit.document.index if edit.document is not None else None
        return bool(index) and self._is_values_file(rendering, edit)

    def _refuse_document(self, edit: Edit) -> Halt:
        return Halt(
            Reason.VALUES_NOT_EDITABLE,
            f"{edit.path} is a values file of Application {self.application.ref}, and Helm reads "
            f"the first document of one alone: {edit.place} would never run.",
            f"Name the first document, or another file, under edits of app {self.resolved.app} in "
            "the pipeline",
        )

    def _find(self, rendering: Rendering, edit: Edit, ours: str) -> Found | None:
        if edit.format is EditFormat.KUSTOMIZE or rendering.kustomize.get("images"):
            value = kustomize_images.find_value(rendering, edit, self.resolved.build.image)
            if value is None or not differs(edit, value, ours):
                return None
            return Found(value, edit.place, rendering.origin("kustomize", "images"))
        found = self._find_value(rendering, edit)
        if found is not None and differs(edit, found.value, ours):
            return found
        return self._find_digest(rendering, edit)

    def _find_value(self, rendering: Rendering, edit: Edit) -> Found | None:
        with suppress(UntoldError):
            for layer in self._layers(rendering, edit):
                found = layer.find(edit.steps)
                if found is not None:
                    return found
        return None

    def _find_digest(self, rendering: Rendering, edit: Edit) -> Found | None:
        """Find a digest beside a tag: it decides what runs."""
        if edit.value not in {EditValue.TAG, EditValue.REFERENCE}:
            return None
        parent = edit.steps[:-1]
        known = DIGEST_WORDS | IMAGE_WORDS | words_of(edit.field)
        written = {other.steps for other in self.wanted if other.path == edit.path}
        told: dict[str, Found] = {}
        with suppress(UntoldError):
            for layer in self._layers(rendering, edit):
                told = {**layer.beside(parent), **told}
        for name, found in told.items():
            words = words_of(name)
            is_digest = bool(words & DIGEST_WORDS) and words <= known
            if is_digest and (*parent, name) not in written and found.value not in NOTHING:
                return found
        return None

    def _layers(self, rendering: Rendering, edit: Edit) -> Iterator[Parameters | Tree]:
        sources, config = self.application.sources, self.resolved.config
        return layers_above(rendering, sources, config, self.files, edit.path)

    def _refuse(self, edit: Edit, found: Found) -> Halt:
        application = self.application
        value = head(found.value, VALUE_LENGTH) or "nothing"
        ours = split_pin(self.wanted[edit])[0]
        to_ours = f" to {ours}" if edit.value is not EditValue.DIGEST else ""
        remedy = "Remove it there"
        if found.origin.startswith(ITS):
            remedy = "Remove it where the Application is written"
        elif found.file:
            remedy += f", or name that file under edits of app {self.resolved.app} in the pipeline"
        return Halt(
            Reason.OVERRIDDEN_ELSEWHERE,
            f"{edit.path} would set {edit.place}{to_ours}, but Application "
            f"{application.namespace}/{application.name} has {value} for {found.key} in "
            f"{found.origin}, which outweighs it: the change would never run.",
            remedy,
        )


@dataclass(frozen=True)
class _Inline:
    """A value that an Application has itself.

    Attributes:
        source: index of the source that has it.
        field: of its `helm`: `values` or `valuesObject`.
        way: to the value from there.
    """

    source: int
    field: str
    way: Way


def _inline(edit: Edit) -> _Inline | None:
    """Tell which of an Application's own values an edit of its manifest sets."""
    match edit.steps:
        case ("spec", "source", "helm", "values" | "valuesObject" as field, *way):
            return _Inline(0, field, tuple(way))
        case (
            "spec",
            "sourceHydrator",
            "drySource",
            "helm",
            "values" | "valuesObject" as field,
            *way,
        ):
            return _Inline(0, field, tuple(way))
        case ("spec", "sources", Index(number), "helm", "values" | "valuesObject" as field, *way):
            return _Inline(number, field, tuple(way))
        case _:
            return None


def differs(edit: Edit, present: str, ours: str) -> bool:
    """Tell whether what is there is another value than ours, as far as that is known.

    Args:
        edit: the edit.
        present: what is there.
        ours: what the edit writes; a digest not known yet is `UNKNOWN_DIGEST`, and no other is it.
    """
    match edit.value:
        case EditValue.DIGEST:
            return present != as_written(ours, present)
        case EditValue.REPOSITORY:
            return not is_same_image(present, ours)
        case EditValue.TAG | EditValue.REFERENCE:
            (plain, pin), (wanted, digest) = split_pin(present), split_pin(ours)
            return plain != wanted or (digest != UNKNOWN_DIGEST and pin not in {"", digest})
        case _:
            assert_never(edit.value)
