"""What a release is called that a tag makes."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.domain.forges import ForgeType
from album_operator.domain.triggers import TagInterest, release_name

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

letters = st.sampled_from("abAB01._@/-é~")
tags = st.builds(
    lambda prefix, version, mark: prefix + version + mark,
    st.text(letters, max_size=63),
    st.from_regex(r"v?[0-9]{1,3}\.[0-9]\.[0-9](-[0-9A-Za-z.-]{1,20})?", fullmatch=True),
    st.sampled_from(["", "-t0123456789", "-T0123456789", "-" + "x" * 120]),
)


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("backend-v1.1.0", "backend-v1.1.0"),
        ("v2024.11.03", "v2024.11.03"),
        ("2024110312", "2024110312"),
        ("backend/v1.1.0", "backend-v1.1.0-t83c47b4f61"),
        ("@acme/backend@1.1.0", "acme-backend-1.1.0-t"),
        ("Backend-v1.1.0-RC.1", "backend-v1.1.0-rc.1-t"),
        ("backend-v1.1.0-rc-.-1", "backend-v1.1.0-rc.1-t"),
    ],
)
def test_a_release_is_named_after_its_tag(tag: str, name: str) -> None:
    made = release_name(tag)
    assert made.startswith(name)
    assert len(made) == len(name) + (10 if name.endswith("-t") else 0)


def test_another_pipeline_has_a_release_of_its_own_of_the_same_tag() -> None:
    one, other = (release_name("backend-v1.1.0", pipeline) for pipeline in ("prod", "stage"))
    assert one.startswith("backend-v1.1.0-prod-t")
    assert other.startswith("backend-v1.1.0-stage-t")


@given(st.lists(tags, min_size=2, max_size=6, unique=True), st.sampled_from(["", "a.b", "p" * 63]))
def test_each_tag_has_a_name_of_its_own_that_the_api_allows(some: list[str], pipeline: str) -> None:
    # A tag can be named as the release of another one is.
    every = list(dict.fromkeys([*some, *(release_name(tag) for tag in some)]))
    names = [release_name(tag, pipeline) for tag in every]
    assert len(set(names)) == len(names)
    for name in names:
        assert NAME.fullmatch(name)
        assert len(name) <= 253


def test_one_list_serves_all_that_read_a_repository_with_one_secret() -> None:
    one = TagInterest(
        "album",
        "album-git",
        "https://a/b/c",
        None,
        frozenset({"a-"}),
        timedelta(minutes=5),
        hears=True,
    )
    assert (
        one.key == replace(one, prefixes=frozenset({"a-"}), forge=ForgeType.GITHUB, hears=False).key
    )
    assert one.key != replace(one, secret="other").key
    assert one.key != replace(one, namespace="other").key
