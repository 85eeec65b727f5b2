"""How registries ask for a credential."""

import pytest

from album_operator.codec.challenges import Challenge, parse_challenges

BEARER = (
    'Bearer realm="https://auth.example.org/token",service="registry",scope="repository:a/b:pull"'
)


@pytest.mark.parametrize(
    "headers",
    [
        [f'{BEARER}, Basic realm="x"'],
        [BEARER, "Basic realm=x"],
        [BEARER.replace(",", " , ").replace("realm=", "Realm ="), ' ,basic realm="x",'],
    ],
)
def test_all_ways_to_be_asked_are_read(headers: list[str]) -> None:
    bearer, basic = parse_challenges(headers)

    assert bearer == Challenge(
        "bearer",
        {
            "realm": "https://auth.example.org/token",
            "service": "registry",
            "scope": "repository:a/b:pull",
        },
    )
    assert basic == Challenge("basic", {"realm": "x"})


def test_a_quoted_text_may_hold_quotes_and_commas() -> None:
    assert parse_challenges([r'Basic realm="a, \"b\" \\ c"']) == (
        Challenge("basic", {"realm": r'a, "b" \ c'}),
    )


def test_a_way_may_have_no_parameters() -> None:
    assert parse_challenges(["Negotiate", "Basic"]) == (
        Challenge("negotiate", {}),
        Challenge("basic", {}),
    )
    assert parse_challenges([]) == ()


@pytest.mark.parametrize(
    "header",
    [
        'realm="https://auth.example.org"',
        'Bearer realm="https://one.example.org",realm="https://other.example.org"',
        'Bearer realm="never ends',
        'Bearer realm="https://auth.example.org"x',
        "<html>",
        '"' * 8000,
    ],
)
def test_what_is_no_challenge_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="challenge"):
        parse_challenges([header])
