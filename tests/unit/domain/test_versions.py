"""Forms of versions, the order of each, and the rules that surprise people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.domain.versions import (
    LOOKS_LIKE_VERSION,
    Versioning,
    forms_of,
    is_below,
    is_newer,
    is_version,
    rule_between,
)

SEMVER, NUMERIC = Versioning.SEMVER, Versioning.NUMERIC

numbers = st.lists(st.integers(0, 10**40), min_size=1, max_size=6)


def _check_order(newer: str, older: str, versioning: Versioning) -> None:
    assert is_newer(newer, older, versioning)
    assert not is_newer(older, newer, versioning)
    assert not is_newer(newer, newer, versioning)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("v1.0.1", "v1.0.0"),
        ("1.0.1", "v1.0.0"),
        ("v1.10.0", "v1.9.9"),
        ("v1.0.0", "v1.0.0-rc.1"),
        ("v1.0.0-rc.10", "v1.0.0-rc.9"),
        ("v1.0.0-rc.1", "v1.0.0-beta"),
        ("v1.0.0-rc9", "v1.0.0-rc10"),
        (f"v1.0.{'9' * 120}", "v1.0.0"),
    ],
)
def test_versions_are_ordered_as_semver_says(newer: str, older: str) -> None:
    _check_order(newer, older, SEMVER)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("2024.11.03", "2024.04.01"),
        ("2024.11.03", "2024.9.30"),
        ("v2024.10.01", "2024.09.30"),
        ("2024.11.03-rc.010", "2024.11.03-rc.9"),
        ("2025.01.24", "2024.12.31"),
    ],
)
def test_zeros_before_a_number_do_not_count(newer: str, older: str) -> None:
    _check_order(newer, older, SEMVER)
    assert not is_newer("01.2.3", "1.02.3", SEMVER)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("v738", "v737"),
        ("v1000", "999"),
        ("0.8.3.1", "0.8.3"),
        ("0.8.10.1", "0.8.9.9"),
        ("2024.11.03", "2024.04.01"),
        ("2024.10", "2024.9.30"),
        ("2024.11.03.2", "2024.11.03.1"),
        ("v1.1", "v1.0.9"),
        ("20241103", "20241102"),
        ("v2026-09-01", "v2026-1-30"),
        ("v2026-01-30-10", "v2026-01-30-2"),
        ("1.2.3-1", "1.2.3"),
        ("9" * 128, "9" * 127),
    ],
)
def test_dotted_numbers_are_ordered_number_by_number(newer: str, older: str) -> None:
    _check_order(newer, older, NUMERIC)


@given(one=numbers, other=numbers, v=st.sampled_from(["", "v"]), zeros=st.integers(0, 3))
def test_dotted_numbers_have_the_order_of_their_numbers(
    one: list[int], other: list[int], v: str, zeros: int
) -> None:
    def text(parts: list[int]) -> str:
        return v + ".".join(f"{'0' * zeros}{part}" for part in parts)

    length = max(len(one), len(other))
    filled = [[*parts, *[0] * (length - len(parts))] for parts in (one, other)]

    if len(text(one)) <= 128 and len(text(other)) <= 128:
        assert is_newer(text(one), text(other), NUMERIC) is (filled[0] > filled[1])


@pytest.mark.parametrize("text", ["latest", "", "1.0", "v2", "1.0.0.0", f"v{'9' * 130}.0.0"])
def test_what_is_no_version_of_semver_is_never_newer_and_never_older(text: str) -> None:
    assert not is_newer(text, "v1.0.0", SEMVER)
    assert not is_newer("v1.0.0", text, SEMVER)


@pytest.mark.parametrize("text", ["latest", "", "1.0-rc.1", "2024.11.03a", "1..0", "1.", "v", "٣"])
def test_what_is_no_dotted_number_is_never_newer_and_never_older(text: str) -> None:
    assert not is_newer(text, "1", NUMERIC)
    assert not is_newer("9", text, NUMERIC)


@pytest.mark.parametrize("versioning", [SEMVER, NUMERIC])
def test_a_version_longer_than_an_image_tag_is_none(versioning: Versioning) -> None:
    longest = f"v1.0.{'1' * 123}"

    assert len(longest) == 128
    assert is_version(longest, versioning)
    assert not is_version(longest + "1", versioning)


def test_a_version_may_be_of_several_forms() -> None:
    assert forms_of("2024.11.03") == [SEMVER, NUMERIC]
    assert forms_of("v1.2.3-rc.1") == [SEMVER]
    assert forms_of("v737") == [NUMERIC]
    assert forms_of("2024-11-03") == [NUMERIC]
    assert forms_of("1.2.3-1") == [SEMVER, NUMERIC]
    assert forms_of("latest") == []


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("v737", True),
        ("1.27", True),
        ("1.27-alpine", True),
        ("2024.11.03a", True),
        ("2024.11-beta", True),
        ("v1.2_3", True),
        ("latest", False),
        ("v0", False),
        ("0.0", False),
        ("0.1", True),
        ("3f2a1b9", False),
        ("main-1.2.3", False),
        ("", False),
        ("v", False),
        ("4829103", False),
        ("20241103", True),
        ("202411031530", True),
        ("20241341", False),
        ("1732204800", True),
        ("2732204800", False),
        ("123456", True),
        ("v4829103", True),
        ("1" * 40, False),
        ("1" * 65, True),
    ],
)
def test_what_people_take_for_a_version(text: str, does: bool) -> None:
    assert (LOOKS_LIKE_VERSION.fullmatch(text) is not None) is does


@pytest.mark.parametrize(
    ("text", "version", "is_older"),
    [
        ("1.27", "v1.28.0", True),
        ("v1.27-alpine", "2.0.0-rc.1", True),
        ("1.27", "v1.27.3", False),
        ("1.27.3.1", "v1.27.3", False),
        ("1.27.3.1", "v1.27.4", True),
        ("1.27", "v1.9.0", False),
        ("2024-11-03", "2024-12-01", False),
        ("2024.11.03a", "2024.12.01", True),
        ("latest", "v1.0.0", False),
        ("v1.0.0", "latest", False),
    ],
)
def test_first_numbers_that_are_lower_are_of_an_older_version(
    text: str, version: str, is_older: bool
) -> None:
    assert is_below(text, version) is is_older


@given(st.text("0123456789.-v", max_size=12), st.text("0123456789.-v", max_size=12))
def test_nothing_is_below_what_is_below_it(one: str, other: str) -> None:
    assert not (is_below(one, other) and is_below(other, one))


@given(numbers, numbers)
def test_what_is_below_by_its_first_numbers_is_newer_by_no_form(
    one: list[int], other: list[int]
) -> None:
    text, version = ".".join(map(str, one)), ".".join(map(str, other))
    # One of too many digits is none.
    are_versions = is_version(text, NUMERIC) and is_version(version, NUMERIC)
    if are_versions and is_below(text, version):
        assert is_newer(version, text, NUMERIC)


@pytest.mark.parametrize(
    ("newer", "older", "rule"),
    [
        ("v1.2.0-rc9", "v1.2.0-rc10", "rc10 comes before rc9; only digits that stand alone"),
        ("v1.2.0-rc-9", "v1.2.0-rc-10", "rc-10 comes before rc-9"),
        ("v1.2.0-rc10", "v1.2.0-rc.11", "rc comes before rc10"),
        ("v1.2.0-beta", "v1.2.0-RC1", "capitals first, so RC1 comes before beta"),
        ("v1.2.0-rc.9b.1", "v1.2.0-rc.10b.1", "10b comes before 9b"),
        ("v1.2.0", "v1.2.0-1", "what follows a - is a pre-release: v1.2.0-1 comes before v1.2.0"),
        ("1.2.0", "v1.2.0-hotfix", "v1.2.0-hotfix comes before 1.2.0"),
        ("v1.2.1-rc9", "v1.2.0-rc10", ""),
        ("v1.2.0-rc.10", "v1.2.0-rc.9", ""),
        ("v1.2.0-rc.1.1", "v1.2.0-rc.1", ""),
        ("v1.2.0-rc", "v1.2.0-beta", ""),
        ("v1.2.0-alpha", "v1.2.0-10", ""),
    ],
)
def test_a_rule_of_semver_is_told_where_people_expect_another_order(
    newer: str, older: str, rule: str
) -> None:
    _check_order(newer, older, SEMVER)
    said = rule_between(newer, older)

    assert rule in said
    assert bool(said) is bool(rule)
