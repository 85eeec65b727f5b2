"""What did not change is not sent again."""

from dataclasses import replace
from typing import Any

from album_operator.adapters.github.cache import EtagCache, Kept
from tests.unit.adapters.github_server import OPEN, OURS, Asked, forge, reply


async def test_an_unchanged_answer_costs_nothing_and_is_the_same() -> None:
    def answer(asked: Asked) -> Any:  # noqa: ANN401
        if asked.headers.get("if-none-match") == 'W/"one"':
            return reply(b"", 304)
        return reply([OPEN], 200, {"ETag": 'W/"one"'})

    async with forge(answer) as github:
        first = await github.adapter.find(github.place, OURS, "main")
        second = await github.adapter.find(github.place, OURS, "main")
        await github.adapter.find(github.place, "other", "main")
        assert first == second
        assert first is not None
    tags = [asked.headers.get("if-none-match") for asked in github.asked]
    assert tags == [None, 'W/"one"', None]


async def test_another_token_has_etags_of_its_own() -> None:
    async with forge(lambda _: reply([OPEN], 200, {"ETag": '"one"'})) as github:
        await github.adapter.find(github.place, OURS, "main")
        credential = replace(github.place.credential, token="another")
        await github.adapter.find(replace(github.place, credential=credential), OURS, "main")
    assert "if-none-match" not in github.asked[1].headers


def test_the_longest_unused_goes_first() -> None:
    cache = EtagCache(entries=2)
    cache.keep((1, "a"), Kept("1", "a"))
    cache.keep((1, "b"), Kept("1", "b"))
    assert cache.find((1, "a")) == Kept("1", "a")
    cache.keep((1, "c"), Kept("1", "c"))
    assert cache.find((1, "b")) is None
    assert cache.find((1, "a")) is not None


def test_it_grows_no_larger_than_it_may() -> None:
    cache = EtagCache(size=100)
    cache.keep((1, "a"), Kept("1", "x" * 60))
    cache.keep((1, "a"), Kept("1", "y" * 60))
    cache.keep((1, "b"), Kept("1", "z" * 30))
    assert cache.find((1, "a")) is not None
    assert cache.find((1, "b")) is not None
    cache.keep((1, "c"), Kept("1", "x" * 50))
    assert cache.find((1, "a")) is None
    assert cache.find((1, "b")) is not None
    cache.keep((1, "d"), Kept("1", "x" * 500))
    assert cache.find((1, "d")) is None
    assert cache.find((1, "b")) is not None
