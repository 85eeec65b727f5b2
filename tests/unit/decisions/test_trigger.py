"""Which tags make releases: what counts, what is new, and what is told of the rest."""

import itertools
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.codec import parse_pipeline
from album_operator.decisions import trigger
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.forges import ForgeType
from album_operator.domain.pipeline import App, Pipeline
from album_operator.domain.record import Outcome
from album_operator.domain.release import Edit, EditValue, Mode, Release
from album_operator.domain.triggers import AppTag, Decided, Select, TriggerRecord
from album_operator.domain.versions import Versioning, is_newer
from tests.fakes.builders import IMAGE, NAMESPACE, RELEASE, RESOLVED, raw_pipeline

SEMVER = Versioning.SEMVER
OLD, NEW = "0" * 40, "1" * 40


def _pipeline(**tags: object) -> Pipeline:
    return parse_pipeline(raw_pipeline(triggers={"tags": tags}))


def _tags(*versions: str) -> list[AppTag]:
    return [AppTag(f"backend-{version}", version, OLD) for version in versions]


def _decided(version: str) -> Decided:
    return Decided(f"backend-{version}", version, OLD)


def _known(version: str) -> TriggerRecord:
    return TriggerRecord(_decided(version))


def _judge(versions: Collection[str], decided: str | None = None, **tags: Any) -> trigger.Judged:  # noqa: ANN401 - of a spec
    pipeline = _pipeline(**tags)
    known = _known(decided) if decided is not None else TriggerRecord()
    return trigger.judge(pipeline, pipeline.apps[0], _tags(*versions), known)


def _fresh(versions: Collection[str], decided: str | None = None, **tags: Any) -> list[str]:  # noqa: ANN401
    return [tag.version for tag in _judge(versions, decided, **tags).fresh]


HISTORY = [f"v1.{minor}.{patch}" for minor in range(10) for patch in range(50)]


@pytest.mark.parametrize("select", Select)
def test_at_first_sight_the_newest_of_an_old_repository_is_decided_about(select: Select) -> None:
    assert _fresh(HISTORY, select=select) == ["v1.9.49"]
    assert _judge(HISTORY, select=select).told == ""


def test_the_first_tags_of_an_app_that_had_none_are_all_new() -> None:
    pipeline = _pipeline(select="All")
    known = TriggerRecord(began_empty=True)
    fresh = trigger.judge(pipeline, pipeline.apps[0], _tags("v1.1.0", "v1.0.0"), known).fresh
    assert [tag.version for tag in fresh] == ["v1.0.0", "v1.1.0"]


def test_of_new_tags_the_newest_is_decided_about_or_each_the_oldest_first() -> None:
    there = ["v1.0.0", "v1.3.0", "v1.1.0", "v1.2.0"]
    assert _fresh(there, "v1.1.0") == ["v1.3.0"]
    assert _fresh(there, "v1.1.0", select="All") == ["v1.2.0", "v1.3.0"]
    assert _fresh(there, "v1.3.0") == _fresh(there, "v1.3.0", select="All") == []
    assert _fresh([], "v1.3.0") == []


def test_of_two_tags_of_one_version_always_the_same_is_the_newest() -> None:
    assert _fresh(["1.2.0", "v1.2.0"]) == _fresh(["v1.2.0", "1.2.0"]) == ["v1.2.0"]
    assert _fresh(["1.2.0", "v1.2.0"], "v1.2.0") == []


@pytest.mark.parametrize(
    ("tags", "fresh", "why"),
    [
        ({}, "v1.9.0", "it is a pre-release, and spec.triggers.tags.prereleases is false"),
        ({"prereleases": True}, "v2.0.0-rc.1", ""),
        ({"prereleases": True, "range": "<2"}, "v1.9.0", "not in spec.triggers.tags.range, <2"),
        ({"range": "1.4.x"}, "v1.4.2", "it is a pre-release"),
        ({"pattern": r"-v1\.[0-4]\."}, "v1.4.2", "it is a pre-release"),
        (
            {"pattern": "^backend-v1", "prereleases": True},
            "v1.9.0",
            "does not match spec.triggers.tags.pattern, ^backend-v1",
        ),
        ({"pattern": "(?i)RC", "prereleases": True}, "v2.0.0-rc.1", ""),
    ],
)
def test_what_does_not_count_is_told_where_it_is_the_newest(
    tags: dict[str, Any], fresh: str, why: str
) -> None:
    judged = _judge(["v1.4.2", "v1.9.0", "v2.0.0-rc.1"], **tags)
    assert [tag.version for tag in judged.fresh] == [fresh]
    assert judged.newest == _tags("v2.0.0-rc.1")[0]
    assert (why in judged.told) if why else judged.told == ""
    if why:
        assert judged.told.startswith("Tag backend-v2.0.0-rc.1 makes no release: ")


def test_a_moved_tag_makes_no_release_and_is_told_until_a_newer_one_comes() -> None:
    pipeline = _pipeline()
    moved = [replace(tag, commit=NEW) for tag in _tags("v1.2.0")]
    judged = trigger.judge(pipeline, pipeline.apps[0], moved, _known("v1.2.0"))
    assert judged.fresh == ()
    assert judged.told == (
        f"Tag backend-v1.2.0 stood for {OLD[:12]} when it was decided about, and was moved to "
        f"{NEW[:12]} since: a moved tag makes no release. Push a tag of a newer version."
    )
    later = [*moved, *_tags("v1.3.0")]
    assert trigger.judge(pipeline, pipeline.apps[0], later, _known("v1.2.0")).told == ""


@pytest.mark.parametrize(
    ("there", "tags", "fresh"),
    [
        # No range, and builds that are pre-releases by SemVer.
        (["v2.2.0", "v2.3.0-rc.0.18.g1abb7b5dd-ppc64le"], {}, "v2.2.0"),
        (["v1.0.0", "v1.0.1-64.272fa09"], {}, "v1.0.0"),
        (["1.0.2-f3ba42e", "1.0.1", "1.0.0"], {"range": "~1.0.x"}, "1.0.1"),
        (["2.0.299", "2.0.330-63-gc1cfb6864"], {"range": ">=2.0.200"}, "2.0.299"),
        (
            ["2.0.299", "2.0.330-63-gc1cfb6864"],
            {"range": ">=2.0.300-0", "prereleases": True},
            "2.0.330-63-gc1cfb6864",
        ),
        # A repository of many projects, each with numbers of its own.
        (
            ["999999.0.1", "1000059.2.0", "2000000.0.0"],
            {"range": ">=1000000 <2000000"},
            "1000059.2.0",
        ),
        # Calendars, and zeros before a number.
        (["v2026.0123.0", "v2026.0099.1"], {"range": "2026.x"}, "v2026.0123.0"),
        (["3.284.10-0360315", "3.284.10-0360314"], {"prereleases": True}, "3.284.10-0360315"),
    ],
)
def test_what_others_were_asked_to_choose_from(
    there: list[str], tags: dict[str, Any], fresh: str
) -> None:
    assert _fresh(there, **tags) == [fresh]


def test_a_pre_release_that_only_people_count_as_newer_is_told() -> None:
    judged = _judge(["v7.8.0-rc9", "v7.8.0-rc10"], "v7.8.0-rc9", prereleases=True)
    assert judged.fresh == ()
    assert judged.told == (
        "Tag backend-v7.8.0-rc10 makes no release: backend-v7.8.0-rc9 was decided about. SemVer "
        "compares rc10 and rc9 as texts, letter by letter and capitals first, so rc10 comes before "
        "rc9; only digits that stand alone, as in rc.10, are a number to it."
    )
    assert _judge(["v7.8.0-rc9", "v7.8.0-rc10"], "v7.8.0-rc9").told == ""
    assert _judge(["v7.8.0-rc.9", "v7.8.0-rc.10"], "v7.8.0-rc.10", prereleases=True).told == ""
    assert _judge(["v7.8.0-rc10", "v7.8.0"], "v7.8.0", prereleases=True).told == ""


def test_a_decision_about_versions_of_another_form_is_none() -> None:
    pipeline = parse_pipeline(raw_pipeline(triggers={}, versioning="Numeric"))
    tags = [AppTag("backend-2024.11.03", "2024.11.03", OLD)]
    judged = trigger.judge(pipeline, pipeline.apps[0], tags, _known("v1.2.0-rc.1"))
    assert [tag.version for tag in judged.fresh] == ["2024.11.03"]


def test_a_tag_that_begins_like_those_of_two_apps_is_of_one() -> None:
    pipeline = parse_pipeline(raw_pipeline(apps=[{"name": "web"}, {"name": "web-shop"}]))
    sorted_out = trigger.sort_out(
        pipeline, {"web-v1.0.0": OLD, "web-shop-v2.0.0": NEW, "web-latest": OLD, "v3.0.0": OLD}
    )
    assert sorted_out == {
        "web": [AppTag("web-v1.0.0", "v1.0.0", OLD)],
        "web-shop": [AppTag("web-shop-v2.0.0", "v2.0.0", NEW)],
    }


def test_the_tags_of_all_apps_are_judged_each_by_what_was_decided_of_it() -> None:
    judged = trigger.judge_all(
        _pipeline(),
        {"backend-v1.1.0": OLD, "frontend-v1.1.0": OLD},
        {"backend": _known("v1.1.0"), "frontend": TriggerRecord()},
    )
    assert judged["backend"].fresh == ()
    assert [tag.name for tag in judged["frontend"].fresh] == ["frontend-v1.1.0"]


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"range": ">2.0.0 <1.0.0"}, "range: no version can be in `>2.0.0 <1.0.0`."),
        ({"range": "<1.2.3.4"}, "which is no version such as v1.2.3 or v1.2.3-rc.1, as versioning"),
        ({"range": "latest"}, "range: `latest` is no range of versions such as"),
        ({"pattern": "("}, "pattern: `(` is no expression: missing ): (."),
    ],
)
def test_what_no_tag_can_satisfy_is_told_with_its_field_and_makes_nothing(
    tags: dict[str, Any], said: str
) -> None:
    judged = _judge(["v1.2.0"], **tags)
    assert judged.fresh == ()
    assert judged.newest is not None
    assert said in judged.told
    assert judged.told.startswith("spec.triggers.tags.")
    assert judged.told.endswith("No tag makes a release. Correct it in AlbumPipeline album-app.")


def test_a_pattern_that_would_take_python_for_ever_is_matched_at_once() -> None:
    assert _fresh([f"v1.0.0-{'a' * 100}"], prereleases=True, pattern="(a+)+$") != []
    assert _fresh([f"v1.0.0-{'a' * 100}"], prereleases=True, pattern="(a|a)*!$") == []


def _seen(version: str | None, **how: object) -> ReleaseSeen:
    seen = ReleaseSeen("album-app", "backend", version, None, Outcome.RELEASED)
    return replace(seen, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "newest", "each"),
    [
        ({}, None, None),
        ({"a": _seen("v1.2.0")}, "a", "a"),
        ({"b": _seen("1.2.0"), "a": _seen("v1.2.0")}, "a", "a"),
        ({"a": _seen("v1.3.0")}, "a", None),
        ({"a": _seen("v1.1.0")}, None, None),
        ({"a": _seen("v1.2.0", is_plan=True)}, None, None),
        ({"a": _seen(None)}, None, None),
        ({"a": _seen("latest")}, None, None),
    ],
)
def test_a_release_that_is_there_leaves_nothing_to_do(
    known: dict[str, ReleaseSeen], newest: str | None, each: str | None
) -> None:
    (tag,) = _tags("v1.2.0")
    assert trigger.find_release(tag, known, Select.NEWEST, SEMVER) == newest
    assert trigger.find_release(tag, known, Select.ALL, SEMVER) == each


TAG, DIGEST = Edit("a.yaml", "image.tag"), Edit("a.yaml", "image.digest", EditValue.DIGEST)
REPOSITORY = Edit("a.yaml", "image.repository", EditValue.REPOSITORY)


@pytest.mark.parametrize(
    ("current", "is_there"),
    [
        ({TAG: "v1.2.0"}, True),
        ({TAG: "1.2.0"}, True),
        ({TAG: "v1.1.0"}, False),
        ({TAG: "latest"}, False),
        ({TAG: "v1.2.0", Edit("b.yaml", "tag"): "v1.1.0"}, False),
        ({DIGEST: "sha256:0"}, False),
        ({TAG: "v1.2.0", REPOSITORY: IMAGE}, True),
        ({TAG: "v1.2.0", REPOSITORY: "docker.io/library/nginx"}, False),
        ({}, False),
    ],
)
def test_the_base_branch_has_a_version_where_all_that_tell_one_say_so(
    current: dict[Edit, str], is_there: bool
) -> None:
    assert trigger.is_at_base(replace(RESOLVED, version="v1.2.0"), current) is is_there


def test_the_release_of_a_tag_is_told_from_others_of_its_name() -> None:
    ours = replace(RELEASE, pipeline="album-app", tag="backend-v1.2.0")
    others: list[Release] = [
        replace(ours, pipeline="prod"),
        replace(ours, tag="backend-v1.3.0"),
        replace(ours, mode=Mode.PLAN),
        replace(ours, rollback_of="backend-v1.3.0"),
    ]
    assert trigger.is_release_of(ours, "album-app", "backend-v1.2.0")
    assert not any(trigger.is_release_of(one, "album-app", "backend-v1.2.0") for one in others)


def test_a_tag_s_release_is_as_the_api_server_would_have_it() -> None:
    wish = trigger.wish_of(_pipeline(), _tags("v1.2.0")[0])
    assert (wish.ref.namespace, wish.ref.name) == (NAMESPACE, "backend-v1.2.0")
    assert (wish.pipeline, wish.tag, wish.mode) == ("album-app", "backend-v1.2.0", Mode.APPLY)


@pytest.mark.parametrize(
    ("source", "forge"),
    [
        ({"repository": "https://github.com/owner/app"}, ForgeType.GITHUB),
        ({"repository": "https://git.example.org/owner/app.git/"}, None),
        (
            {"repository": "https://git.example.org/a/b", "forge": {"type": "GitHub"}},
            ForgeType.GITHUB,
        ),
    ],
)
def test_a_pipeline_follows_the_tags_of_its_apps(
    source: dict[str, object], forge: ForgeType | None
) -> None:
    triggers = {"webhook": False, "tags": {"interval": "2m"}}
    pipeline = parse_pipeline(raw_pipeline(source=source, triggers=triggers))
    interest = trigger.interest_of(pipeline)
    assert interest is not None
    assert (interest.forge, interest.hears) == (forge, False)
    assert interest.prefixes == {"backend-", "frontend-"}
    assert interest.interval == timedelta(minutes=2)
    assert not interest.repository.endswith((".git", "/"))
    assert trigger.interest_of(parse_pipeline(raw_pipeline())) is None


versions = st.lists(
    st.from_regex(r"v?[0-9]{1,2}\.[0-9]\.[0-9](-rc\.[0-9])?", fullmatch=True),
    max_size=12,
    unique=True,
)


@given(versions, versions, st.sampled_from(Select))
def test_whatever_is_pushed_nothing_is_decided_about_twice_or_out_of_order(
    first: list[str], later: list[str], select: Select
) -> None:
    pipeline = _pipeline(select=select, prereleases=True)
    app: App = pipeline.apps[0]
    decided = TriggerRecord()
    made: list[str] = []
    for pushed in (first, [*first, *later], [*first, *later]):
        fresh = trigger.judge(pipeline, app, _tags(*dict.fromkeys(pushed)), decided).fresh
        made += [tag.version for tag in fresh]
        decided = _known(fresh[-1].version) if fresh else decided
    assert len(set(made)) == len(made)
    pairs = itertools.pairwise(made)
    assert all(is_newer(newer, older, SEMVER) for older, newer in pairs)
