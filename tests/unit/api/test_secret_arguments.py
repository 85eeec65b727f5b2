"""Build arguments stay readable in an image: which names and values are taken for secrets."""

from collections.abc import Callable
from typing import cast

import pytest

from album_operator.api.build_args import ArgName, ArgValue
from album_operator.api.model import obeys
from tests.integration.argument_rows import (
    HONEST_NAMES,
    HONEST_VALUES,
    SECRET_NAMES,
    SECRET_TEXTS,
    SECRET_URLS,
)

check_name = cast(Callable[[str], str], obeys(ArgName).func)
check_value = cast(Callable[[str], str], obeys(ArgValue).func)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_of_a_secret_is_refused_and_told_where_secrets_go(name: str) -> None:
    with pytest.raises(ValueError, match=r"must not hold secrets.*spec\.build\.secrets"):
        check_name(name)


@pytest.mark.parametrize("name", HONEST_NAMES)
def test_a_name_that_only_looks_like_a_secret_is_taken(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["NPM_TOKEN", "API_KEY", "SSH_PRIVATE_KEY", "DB_PASS", "COMPOSER_AUTH"]
)
@pytest.mark.parametrize("ending", ["_FILE", "_NAME", "_URL", "_ID"])
def test_a_name_with_an_ending_that_the_refusal_names_is_taken(name: str, ending: str) -> None:
    assert check_name(name + ending) == name + ending


@pytest.mark.parametrize("value", [*SECRET_URLS, *SECRET_TEXTS])
def test_a_value_that_is_a_secret_is_refused_without_being_told(value: str) -> None:
    with pytest.raises(ValueError, match=r"must not .*spec\.build\.secrets") as caught:
        check_value(value)
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", HONEST_VALUES)
def test_a_value_that_only_looks_like_a_secret_is_taken(value: str) -> None:
    assert check_value(value) == value
