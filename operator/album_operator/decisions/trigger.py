"""Which git tags make releases: from what a repository has, and what was decided before.

Level-triggered: nothing depends on who told of a tag, or how often. A tag makes a release where it
counts, and is newer than the one that was decided about last, than what the base branch has and
than any release of its app.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cmp_to_key, lru_cache
from typing import Any

import re2

from album_operator.decisions import edits
from album_operator.decisions.conventions import tag_prefix
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.forges import forge_of, guess_type
from album_operator.domain.names import TagForm, normal_url, parse_tag
from album_operator.domain.pipeline import App, Pipeline
from album_operator.domain.ranges import parse_range
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit, Mode, Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.triggers import (
    AppTag,
    Decided,
    Select,
    TagInterest,
    TagsWish,
    TriggerRecord,
    release_name,
)
from album_operator.domain.verdict import Halt
from album_operator.domain.versions import (
    EXAMPLES,
    Versioning,
    is_newer,
    is_version,
    rule_between,
)

FIELD = "spec.triggers.tags"

PATTERN_MEMORY = 1024 * 1024
"""Most bytes that an expression of a tenant may take."""


@dataclass(frozen=True)
class Judged:
    """What the tags of an app say.

    Attributes:
        newest: the newest of all; None where there is none.
        fresh: those to decide about, the newest last.
        told: a sentence about a tag that makes no release, where somebody may wonder.
    """

    newest: AppTag | None
    fresh: tuple[AppTag, ...] = ()
    told: str = ""


def versioning_of(pipeline: Pipeline, app: App) -> Versioning:
    """Give the form of an app's versions."""
    return app.versioning or pipeline.versioning


def sort_out(pipeline: Pipeline, tags: Mapping[str, str]) -> Mapping[str, Sequence[AppTag]]:
    """Give the tags of each app by its name; one that begins like those of two is of one of them.

    Args:
        pipeline: the pipeline.
        tags: the commit each tag of the repository stands for.
    """
    forms = {
        app.name: TagForm(tag_prefix(app), versioning_of(pipeline, app)) for app in pipeline.apps
    }
    found: dict[str, list[AppTag]] = {app: [] for app in forms}
    for name, commit in tags.items():
        of = parse_tag(name, forms)
        if of is not None:
            found[of.app].append(AppTag(name, of.version, commit))
    return found


def find_fault(pipeline: Pipeline, app: App) -> Halt | None:
    """Refuse what no tag of an app could ever satisfy, as far as the API server could not."""
    wish, versioning = _wish(pipeline), versioning_of(pipeline, app)
    if wish.range is not None:
        try:
            wanted = parse_range(wish.range)
        except ValueError as error:
            return _fault(pipeline, "range", f"{error}.")
        misfit = wanted.find_misfit(versioning)
        if misfit is not None:
            what = f"`{wish.range}` has an end at {misfit}, which is no version such as"
            of = f"as versioning: {versioning} of app {app.name} wants them"
            return _fault(pipeline, "range", f"{what} {EXAMPLES[versioning]}, {of}.")
        if wanted.is_empty(versioning, prereleases=wish.prereleases):
            return _fault(pipeline, "range", f"no version can be in `{wish.range}`.")
    if wish.pattern is not None:
        try:
            _compiled(wish.pattern)
        except re2.error as error:
            return _fault(
                pipeline, "pattern", f"`{wish.pattern}` is no expression: {_words(error)}."
            )
    return None


def _fault(pipeline: Pipeline, field: str, what: str) -> Halt:
    return Halt(
        Reason.TRIGGER_INVALID,
        f"{FIELD}.{field}: {what} No tag makes a release.",
        f"Correct it in AlbumPipeline {pipeline.ref.name}",
        ending=".",
    )


def judge_all(
    pipeline: Pipeline, tags: Mapping[str, str], known: Mapping[str, TriggerRecord]
) -> Mapping[str, Judged]:
    """Judge the tags of each app, which may take a while.

    Args:
        pipeline: the pipeline.
        tags: the commit each tag of the repository stands for.
        known: what became of the tags of each app before, by its name.
    """
    of_apps = sort_out(pipeline, tags)
    return {
        app.name: judge(pipeline, app, of_apps[app.name], known[app.name]) for app in pipeline.apps
    }


def judge(pipeline: Pipeline, app: App, tags: Sequence[AppTag], known: TriggerRecord) -> Judged:
    """Find the tags of an app that are to be decided about.

    Before the first decision that is the newest alone, for whichever `select`: what an old
    repository has is no news, but the app may well be behind it. Where there was no tag, all are.

    Args:
        pipeline: the pipeline.
        app: one of its apps.
        tags: those of the app.
        known: what became of them before.
    """
    decided, is_old = known.decided, not known.began_empty
    versioning, wish = versioning_of(pipeline, app), _wish(pipeline)
    newest, fault = _newest(tags, versioning), find_fault(pipeline, app)
    if fault is not None:
        return Judged(newest, (), fault.sentence)
    if decided is not None and not is_version(decided.version, versioning):
        decided = None  # Of another form than versions have now.
    above = decided.version if decided is not None else None
    above_it = (tag for tag in tags if above is None or is_newer(tag.version, above, versioning))

    def counts(tag: AppTag) -> bool:
        return _why_not(wish, tag, versioning) is None

    if wish.select is Select.NEWEST or (decided is None and is_old):
        latest = _newest(above_it, versioning, counts)
        fresh = [latest] if latest is not None else []
    else:
        fresh = [tag for tag in above_it if counts(tag)]
    ordered = tuple(sorted(fresh, key=_order(versioning)))
    return Judged(newest, ordered, _tell(wish, newest, ordered, tags, decided, versioning))


def find_release(
    tag: AppTag, known: Mapping[str, ReleaseSeen], select: Select, versioning: Versioning
) -> str | None:
    """Find a release that leaves nothing to do for a tag; a plan does nothing, so it is none.

    Args:
        tag: the tag.
        known: the releases of its app by name.
        select: of one at a time, a release of a newer version will do too.
        versioning: form of the versions.
    """
    real = {
        name: seen.version
        for name, seen in known.items()
        if seen.version is not None and not seen.is_plan
    }
    same = [name for name, version in real.items() if _is_same(version, tag.version, versioning)]
    newer = [name for name, version in real.items() if is_newer(version, tag.version, versioning)]
    return min(same or (newer if select is Select.NEWEST else []), default=None)


def is_at_base(resolved: Resolved, current: Mapping[Edit, str]) -> bool:
    """Tell whether the base branch has the version already, in all edits that tell of one.

    Args:
        resolved: what a release of the version would do.
        current: value at each edit's key.
    """
    told = [
        version
        for edit, value in current.items()
        if (version := edits.version_in(edit, value)) is not None
        and not edits.is_of_another_image(resolved, edit, value, current)
    ]
    versioning = resolved.source.versioning
    return bool(told) and all(_is_same(one, resolved.version, versioning) for one in told)


def interest_of(pipeline: Pipeline) -> TagInterest | None:
    """Give which tags a pipeline is to be told of; None where none makes a release."""
    source, wish = pipeline.source, pipeline.triggers
    if wish is None:
        return None
    guessed = guess_type(source.repository)
    return TagInterest(
        namespace=pipeline.ref.namespace,
        secret=source.secret_ref.name,
        repository=normal_url(source.repository),
        # Of a host that no kind of forge is known by, nothing is guessed.
        forge=source.forge.type or (guessed if forge_of(guessed).home else None),
        prefixes=frozenset(tag_prefix(app) for app in pipeline.apps),
        interval=wish.tags.interval,
        hears=wish.webhook,
    )


def wish_of(pipeline: Pipeline, tag: AppTag) -> Release:
    """Give the release that a tag makes, as it would be read."""
    return Release(
        ref=Ref(pipeline.ref.namespace, release_name(tag.name)),
        uid="",
        generation=1,
        resource_version="",
        created_at=datetime.fromtimestamp(0, UTC),
        pipeline=pipeline.ref.name,
        tag=tag.name,
    )


def is_release_of(found: Release, pipeline: str, tag: str) -> bool:
    """Tell whether a release is the one that a tag makes for a pipeline."""
    is_real = found.mode is not Mode.PLAN and found.rollback_of is None
    return is_real and (found.pipeline, found.tag) == (pipeline, tag)


def _wish(pipeline: Pipeline) -> TagsWish:
    return pipeline.triggers.tags if pipeline.triggers is not None else TagsWish()


def _why_not(wish: TagsWish, tag: AppTag, versioning: Versioning) -> str | None:
    """Say why a tag does not count; None where it does."""
    if not wish.prereleases and versioning is Versioning.SEMVER and "-" in tag.version:
        return f"it is a pre-release, and {FIELD}.prereleases is false"
    if wish.range is not None and not parse_range(wish.range).admits(tag.version, versioning):
        return f"it is not in {FIELD}.range, {wish.range}"
    if wish.pattern is not None and not _compiled(wish.pattern).search(tag.name):
        return f"it does not match {FIELD}.pattern, {wish.pattern}"
    return None


def _tell(
    wish: TagsWish,
    newest: AppTag | None,
    fresh: Sequence[AppTag],
    tags: Sequence[AppTag],
    decided: Decided | None,
    versioning: Versioning,
) -> str:
    """Say of which tag nobody is to expect a release: a moved one, or one that does not count."""
    now = next((tag for tag in tags if decided is not None and tag.name == decided.tag), None)
    if decided is not None and now is not None and now.commit != decided.commit and not fresh:
        return (
            f"Tag {now.name} stood for {decided.commit[:12]} when it was decided about, and was "
            f"moved to {now.commit[:12]} since: a moved tag makes no release. Push a tag of a "
            "newer version."
        )
    if decided is not None and versioning is Versioning.SEMVER and not fresh:
        for tag in tags:
            rule = _find_odd_rule(decided.version, tag.version)
            if rule and _why_not(wish, tag, versioning) is None:
                return f"Tag {tag.name} makes no release: {decided.tag} was decided about. {rule}"
    is_above = newest is not None and (
        decided is None or is_newer(newest.version, decided.version, versioning)
    )
    why = _why_not(wish, newest, versioning) if newest is not None and is_above else None
    return f"Tag {newest.name} makes no release: {why}." if newest is not None and why else ""


def _find_odd_rule(decided: str, version: str) -> str:
    """Say why one of two pre-releases counts as older, where people count otherwise."""
    return rule_between(decided, version) if "-" in decided and "-" in version else ""


def _newest(
    tags: Iterable[AppTag],
    versioning: Versioning,
    counts: Callable[[AppTag], bool] = lambda _: True,
) -> AppTag | None:
    """Give the newest that counts; of equal ones that are written differently always the same."""
    key, best = _order(versioning), None
    for tag in tags:
        if (best is None or key(tag) > key(best)) and counts(tag):
            best = tag
    return best


def _order(versioning: Versioning) -> Callable[[AppTag], Any]:
    def compare(one: AppTag, other: AppTag) -> int:
        if is_newer(one.version, other.version, versioning):
            return 1
        if is_newer(other.version, one.version, versioning):
            return -1
        return (one.name > other.name) - (one.name < other.name)

    return cmp_to_key(compare)


def _is_same(one: str, other: str, versioning: Versioning) -> bool:
    are_versions = is_version(one, versioning) and is_version(other, versioning)
    is_apart = is_newer(one, other, versioning) or is_newer(other, one, versioning)
    return are_versions and not is_apart


@lru_cache(256)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - it has no types
    options = re2.Options()
    options.log_errors, options.max_mem = False, PATTERN_MEMORY
    return re2.compile(pattern, options)


def _words(error: re2.error) -> str:
    words = error.args[0] if error.args else b""
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)
