"""Ranges of versions: what Flux, Kargo and Image Updater read them with is the measure."""

import pytest

from album_operator.domain.ranges import RANGE_LENGTH, parse_range
from album_operator.domain.versions import Versioning

SEMVER, NUMERIC = Versioning.SEMVER, Versioning.NUMERIC


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1.2.3", "1.2.3 v1.2.3", "1.2.2 1.2.4 1.2.3-rc.1"),
        ("=v1.2.3", "1.2.3", "1.2.4"),
        ("== 1.2.3", "1.2.3", "1.2.4"),
        (">1.2.3", "1.2.4 2.0.0", "1.2.3 1.2.3-rc.1"),
        (">1.2", "1.3.0 2.0.0", "1.2.9"),
        (">=1.0.0", "1.0.0 v10.0.0", "0.9.9 1.0.0-rc.1"),
        (">= 1", "1.0.0 2.3.4", "0.9.9"),
        ("<2.0.0", "1.9.9 1.9.9-rc.1", "2.0.0 2.0.0-rc.1"),
        ("<2.0.0-rc.2", "2.0.0-rc.1 1.0.0", "2.0.0-rc.2 2.0.0"),
        ("<=1.2.3", "1.2.3 0.0.0", "1.2.4"),
        ("<=1.2", "1.2.99 1.0.0", "1.3.0 1.3.0-rc.1"),
        ("!=1.2.3", "1.2.2 1.2.4", "1.2.3"),
        ("!=1.2", "1.1.9 1.3.0", "1.2.0 1.2.7"),
        (">=1.0.0 <2.0.0", "1.0.0 1.9.0", "2.0.0 0.1.0"),
        (">=1.0.0, <2.0.0", "1.0.0 1.9.0", "2.0.0 0.1.0"),
        (">=1.0.0,<2.0.0,!=1.5.0", "1.4.9", "1.5.0"),
        ("1.2.x", "1.2.0 1.2.9", "1.3.0 1.1.9 1.3.0-rc.1"),
        ("1.X", "1.0.0 1.9.9", "2.0.0"),
        ("1.*", "1.0.0", "2.0.0"),
        ("1", "1.0.0 1.9.9", "2.0.0 0.9.9"),
        ("*", "0.0.0 9.9.9 1.0.0-rc.1", ""),
        ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
        ("~>1.2", "1.2.0 1.2.9", "1.3.0"),
        ("~1", "1.0.0 1.9.9", "2.0.0"),
        ("^1.2.3", "1.2.3 1.9.9", "2.0.0 1.2.2 2.0.0-rc.1"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0"),
        ("^0", "0.0.0 0.9.9", "1.0.0"),
        ("1.2 - 1.4.5", "1.2.0 1.4.5", "1.4.6 1.1.9"),
        ("1.2.3 - 2.3", "1.2.3 2.3.9", "2.4.0 1.2.2"),
        ("1.0.0-rc.1 - 1.0.0", "1.0.0-rc.2 1.0.0", "1.0.0-beta.1 1.0.1"),
        ("^1.0.0 || ^3.0.0", "1.5.0 3.0.1", "2.0.0 4.0.0"),
        ("1.x||>=2.5.0 <3", "1.0.0 2.5.0", "2.4.9 3.0.0"),
    ],
)
def test_a_range_admits_what_the_field_reads_it_as(text: str, inside: str, outside: str) -> None:
    found = parse_range(text)
    assert [one for one in inside.split() if not found.admits(one, SEMVER)] == []
    assert [one for one in outside.split() if found.admits(one, SEMVER)] == []
    assert not found.is_empty(SEMVER, prereleases=True)
    assert len(text) < RANGE_LENGTH


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=2024.11", "2024.11 2024-12-01 2024.11.0.1", "2024.10.31 v737"),
        ("2024.x", "2024.1 2024.12.31.9", "2025 2023.12"),
        ("~2024.11.03", "2024.11.3 2024.11.30", "2024.12"),
        ("<=2024.11.3.2", "2024.11.3.2", "2024.11.3.3"),
        (">2024.11.03 <2024.11.04", "2024.11.3.1", "2024.11.3 2024.11.4"),
    ],
)
def test_numbers_of_any_count_have_ranges_too(text: str, inside: str, outside: str) -> None:
    found = parse_range(text)
    assert found.find_misfit(NUMERIC) is None
    assert not found.is_empty(NUMERIC, prereleases=False)
    assert [one for one in inside.split() if not found.admits(one, NUMERIC)] == []
    assert [one for one in outside.split() if found.admits(one, NUMERIC)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latest",
        ">=",
        "1.2.3+1",
        "1.2-rc.1",
        ">=1.0.0 and <2",
        "1.x.2",
        "^^1",
        "1 -2",
        "1 - 2 - 3",
        "1 -",
        ", 1",
        ">=1.0.0;<2",
        "=>1.0.0",
        "1.0.0.",
        " 1",
        "1 ",
        "1.0.0 - *",
        ">*",
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no range of versions such as"):
        parse_range(text)


def test_an_alternative_that_is_not_there_is_refused() -> None:
    for text in ("|| 1.0.0", "^1.0.0 ||", "^1.0.0 | ^2.0.0", "1.0.0 || || 2.0.0"):
        with pytest.raises(ValueError, match="is no range"):
            parse_range(text)


@pytest.mark.parametrize(
    "text",
    [
        ">2.0.0 <1.0.0",
        ">=2.0.0 <2.0.0",
        ">2.0.0 <=2.0.0",
        ">1.0.0 <1.0.1",
        "1.x 2.x",
        "=1.0.0 =1.0.1",
        "^1.0.0 >=2 || <1 >1",
        ">=1.0.0 <2.0.0 >=3.0.0",
    ],
)
def test_a_range_that_admits_nothing_is_known(text: str) -> None:
    assert parse_range(text).is_empty(SEMVER, prereleases=False)


@pytest.mark.parametrize(
    "text", [">1.0.0 <1.0.1-rc.1", ">1.0.0-rc.1 <=1.0.0", "!=1.x", "1.x || 2.x 3.x"]
)
def test_a_range_with_a_little_in_it_is_not_empty(text: str) -> None:
    assert not parse_range(text).is_empty(SEMVER, prereleases=True)


def test_pre_releases_of_the_end_alone_are_no_room() -> None:
    assert parse_range(">=1.0.0-rc.1 <1.0.0").is_empty(SEMVER, prereleases=True)
    assert parse_range(">1.0.0-rc.1 <1.0.0").is_empty(SEMVER, prereleases=False)
    assert not parse_range(">1.0.0-rc.1 <=1.0.0").is_empty(SEMVER, prereleases=False)


@pytest.mark.parametrize(
    ("text", "versioning", "misfit"),
    [
        (">=1.0.0", SEMVER, None),
        ("<1.2.3.4", SEMVER, "1.2.3.4"),
        (">=1.0.0-rc.1", NUMERIC, "1.0.0-rc.1"),
        ("*", NUMERIC, None),
    ],
)
def test_an_end_of_another_form_is_found(
    text: str, versioning: Versioning, misfit: str | None
) -> None:
    assert parse_range(text).find_misfit(versioning) == misfit
