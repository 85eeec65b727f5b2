"""Which requests of a registry are taken: those that send the secret as it is."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from album_operator.domain.notice import ImageNotice
from tests.unit.core.deliveries import SECRET, Stand

PUSH = json.dumps(
    {"events": [{"action": "push", "target": {"repository": "owner/app", "tag": "v1.1.0"}}]}
).encode()
BEARER = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand.up(tmp_path) as stand:
        yield stand


@pytest.mark.parametrize("header", [f"Bearer {SECRET}", SECRET], ids=["distribution", "harbor"])
async def test_a_push_is_noticed(stand: Stand, header: str) -> None:
    assert await stand.post("registry", {"Authorization": header}, PUSH) == 204
    assert stand.noticed == [ImageNotice("owner/app", "v1.1.0")]
    assert stand.count("accepted", "registry") == 1


async def test_the_same_push_may_come_again(stand: Stand) -> None:
    for _ in range(2):
        assert await stand.post("registry", BEARER, PUSH) == 204
    assert len(stand.noticed) == 2


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {SECRET}",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
    ],
)
async def test_without_the_secret_nothing_is_noticed(stand: Stand, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    assert await stand.post("registry", headers, PUSH) == 401
    assert stand.noticed == []
    assert stand.count("unsigned", "registry") == 1


async def test_a_secret_that_was_rotated_away_is_none(stand: Stand) -> None:
    stand.secret_file.write_text("another secret of some length")
    assert await stand.post("registry", BEARER, PUSH) == 401
    stand.secret_file.write_text(f"another secret of some length\n{SECRET}")
    assert await stand.post("registry", BEARER, PUSH) == 204
    stand.secret_file.unlink()
    assert await stand.post("registry", BEARER, PUSH) == 401


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b"{}", 204), (b'{"events": [1]}', 204)]
)
async def test_a_body_that_tells_of_no_push_wakes_nobody(
    stand: Stand, body: bytes, status: int
) -> None:
    assert await stand.post("registry", BEARER, body) == status
    assert stand.noticed == []


async def test_a_body_that_is_too_large_is_not_read(stand: Stand) -> None:
    body = io.BytesIO(b" " * (5 * 1024 * 1024 + 1))
    assert await stand.post("registry", BEARER, body) == 413


async def test_more_than_the_budget_are_told_to_come_again(stand: Stand) -> None:
    statuses = [await stand.post("registry", BEARER, PUSH) for _ in range(201)]
    assert statuses == [204] * 200 + [429]
