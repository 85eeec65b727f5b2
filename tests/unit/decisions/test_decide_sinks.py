"""Whom a pipeline may have its releases told to."""

from dataclasses import replace

import pytest

from album_operator.decisions.sinks import none_allowed, sink_of
from album_operator.domain.errors import TerminalError
from album_operator.domain.notifications import TOLD, ReleaseEvent, SinkFormat, SinkSecret
from album_operator.domain.pipeline import NotificationSink, SecretRef
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref

PIPELINE = Ref("album", "album-app")
TEAM = NotificationSink("team", SecretRef("team-chat"), SinkFormat.SLACK)
BUS = replace(TEAM, name="bus", format=SinkFormat.CLOUD_EVENTS)
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CANARY = "canary0123456789canary01"
URL = f"https://Hooks.example.org/services/{CANARY}"
SECRET = SinkSecret(URL, KEY)


def _fault(
    wish: NotificationSink, secret: SinkSecret | None, *hosts: str
) -> tuple[Reason, str, str]:
    with pytest.raises(TerminalError) as caught:
        sink_of(PIPELINE, wish, secret, hosts or ("hooks.example.org",))
    assert CANARY not in caught.value.sentence
    return caught.value.reason, caught.value.message, caught.value.remedy


def test_a_sink_is_its_pipelines_and_has_what_its_secret_says() -> None:
    sink = sink_of(PIPELINE, TEAM, SinkSecret(URL), ("hooks.example.org",))
    assert (sink.name, sink.url, sink.owner) == ("album/album-app/team", URL, "album")
    assert (sink.key, sink.events) == (None, TOLD[SinkFormat.SLACK])
    few = replace(BUS, events=(ReleaseEvent.FAILED,))
    sink = sink_of(PIPELINE, few, SECRET, ("hooks.example.org",))
    assert sink.events == frozenset({ReleaseEvent.FAILED})
    assert sink.key is not None


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        (URL, ["HOOKS.example.org"]),
        (URL, ["other.example.org", "hooks.example.org:443"]),
        ("https://hooks.example.org:8443/", ["hooks.example.org:8443"]),
        ("https://hooks.example.org:8443/", ["hooks.example.org"]),
        ("https://[fd00::1]:8443/", ["[fd00::1]:8443"]),
        ("https://[fd00::1]/", ["[fd00::1]"]),
    ],
)
def test_a_host_is_one_that_an_admin_has_listed(url: str, hosts: list[str]) -> None:
    assert sink_of(PIPELINE, TEAM, SinkSecret(url), hosts).url == url


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (f"https://evil.example.org/{CANARY}", "evil.example.org"),
        (f"https://hooks.example.org.evil.org/{CANARY}", "hooks.example.org.evil.org"),
        (f"https://hooks.example.org:8443/{CANARY}", "hooks.example.org:8443"),
    ],
)
def test_any_other_host_is_told_nothing(url: str, host: str) -> None:
    reason, message, remedy = _fault(TEAM, SinkSecret(url), "hooks.example.org:443")
    assert reason is Reason.HOST_NOT_ALLOWED
    assert message == (
        f"Secret album/team-chat has notifications sent to {host}, which is not in "
        "ALBUM_NOTIFICATION_HOSTS."
    )
    assert f"have an admin add {host} to the operator's ALBUM_NOTIFICATION_HOSTS" in remedy


@pytest.mark.parametrize(
    ("wish", "secret", "said"),
    [
        (TEAM, None, "Secret album/team-chat of notification sink team does not exist."),
        (TEAM, SinkSecret(f"http://hooks.example.org/{CANARY}"), " must begin with https://."),
        (TEAM, SinkSecret(f"https://ann:{CANARY}@hooks.example.org/"), " must have no user and "),
        (TEAM, SinkSecret(CANARY), "Key `url` of Secret album/team-chat must be https://host"),
        (TEAM, SinkSecret(URL, CANARY), "Key `key` of Secret album/team-chat must be whsec_ and "),
        (BUS, SinkSecret(URL), "has no key `key`, which a sink of CloudEvents knows us by."),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_by_its_key(
    wish: NotificationSink, secret: SinkSecret | None, said: str
) -> None:
    reason, message, remedy = _fault(wish, secret)
    assert reason is Reason.CREDENTIALS_MISSING
    assert said in message
    assert remedy


def test_where_no_host_is_listed_no_pipeline_may_name_one() -> None:
    error = none_allowed(TEAM)
    assert error.reason is Reason.HOST_NOT_ALLOWED
    assert error.message.startswith("Notification sink team is told nothing: no host is listed in ")
