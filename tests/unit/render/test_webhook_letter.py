"""What is posted to a sink, and how a receiver proves who wrote it."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

from album_operator.domain.notifications import (
    TOLD,
    Letter,
    Notification,
    ReleaseEvent,
    Sink,
    SinkFormat,
    find_key,
)
from album_operator.render.webhook import headers_of, write_letter
from tests.fakes.builders import NOW, RECORD, RELEASE

SINK = Sink(
    "events",
    "https://events.example.org/in",
    SinkFormat.CLOUD_EVENTS,
    TOLD[SinkFormat.CLOUD_EVENTS],
    find_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
)
TOLD_OF = Notification("1f", ReleaseEvent.STARTED, NOW, RELEASE, RECORD)


def test_the_signature_is_that_of_the_published_example() -> None:
    # github.com/standard-webhooks/standard-webhooks, the vector that its libraries are tested with.
    letter = Letter("msg_p5jXN8AQM9LWM0D4loKWxJek", "application/json", b'{"test": 2432232314}')
    headers = headers_of(SINK, letter, datetime.fromtimestamp(1614265330, UTC))
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_later_try_has_the_same_id_and_a_new_time_and_signature() -> None:
    letter = write_letter(SINK, TOLD_OF)
    first, second = (
        headers_of(SINK, letter, datetime.fromtimestamp(at, UTC)) for at in (1000, 2000)
    )
    assert first["webhook-id"] == second["webhook-id"] == "1f"
    assert first["webhook-signature"] != second["webhook-signature"]


def test_each_format_has_its_media_type_and_without_a_key_nothing_is_signed() -> None:
    letter = write_letter(SINK, TOLD_OF)
    assert letter.content_type == "application/cloudevents+json; charset=utf-8"
    slack = replace(SINK, format=SinkFormat.SLACK, key=None)
    letter = write_letter(slack, TOLD_OF)
    assert letter.content_type == "application/json; charset=utf-8"
    assert "webhook-signature" not in headers_of(slack, letter, NOW)


def test_neither_url_nor_key_of_a_sink_is_shown_by_its_words() -> None:
    sink = replace(SINK, url="https://hooks.slack.com/services/T0/B0/a1b2c3d4e5f6g7h8i9j0k1l2")
    assert "a1b2c3" not in repr(sink)
    key = base64.b64encode(SINK.key or b"").decode()
    assert key not in repr(sink)
    assert {"a1b2c3d4e5f6g7h8i9j0k1l2", key} <= sink.words.secrets
