"""The file in which an admin names sinks: what is wrong is told by its field, not its value."""

from collections.abc import Mapping

import pytest

from album_operator.codec.notification_sinks import SinksError, read_sinks
from album_operator.domain.notifications import TOLD, ReleaseEvent, SinkFormat

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CANARY = "canary0123456789canary"

SLACK = {"name": "team", "url": f"https://hooks.example.org/{CANARY}", "format": "Slack"}
EVENTS = {
    "name": "bus",
    "url": "https://bus.example.org/in?t=1",
    "format": "CloudEvents",
    "key": KEY,
}


def _text(*sinks: Mapping[str, object]) -> str:
    # Every JSON text is YAML.
    return str({"sinks": list(sinks)})


def _fault(text: str) -> str:
    with pytest.raises(SinksError) as caught:
        read_sinks(text, lambda _: None)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_file_names_sinks_with_all_they_have() -> None:
    some = EVENTS | {"namespaces": ["album"], "events": ["Failed"]}
    team, bus, few = read_sinks(_text(SLACK, EVENTS, some | {"name": "few"}), lambda _: None)
    assert (team.name, team.url, team.format) == ("team", SLACK["url"], SinkFormat.SLACK)
    assert (team.key, team.namespaces, team.events) == (None, None, TOLD[SinkFormat.SLACK])
    assert bus.key is not None
    assert bus.events == frozenset(ReleaseEvent)
    assert few.namespaces == frozenset({"album"})
    assert few.events == frozenset({ReleaseEvent.FAILED})


def test_a_file_may_name_nobody() -> None:
    assert read_sinks("sinks: []", lambda _: None) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it must be an object with a list `sinks`"),
        ("- a", "it must be an object with a list `sinks`"),
        ("sinks: 3", "sinks: input should be a valid tuple"),
        (f"sinks: [{CANARY}", "it is no YAML at line 1"),
        (f"sinks:\n- url: 'https://{CANARY}\n", "it is no YAML at line 3"),
        (f"{CANARY}\0", "it is no YAML"),
        (_text(SLACK | {"evnts": []}), "sinks[0].evnts: there is no such field"),
        (_text(SLACK | {"name": "Team"}), "sinks[0].name: string should match pattern"),
        (_text({"name": "a"}), "sinks[0].url: field required; sinks[0].format: field required"),
        (_text(SLACK | {"format": "Teams"}), "sinks[0].format: input should be 'CloudEvents' or"),
        (_text(SLACK | {"events": ["All"]}), "sinks[0].events[0]: input should be 'Started', "),
        (_text(SLACK | {"events": []}), "sinks[0].events: tuple should have at least 1 item"),
        (_text(SLACK | {"namespaces": []}), "sinks[0].namespaces: tuple should have at least"),
        (_text(SLACK | {"key": CANARY}), "sinks[0].key: must be whsec_ and 24 to 64 bytes in "),
        (_text({k: v for k, v in EVENTS.items() if k != "key"}), "sinks[0].key: is missing: it "),
        (_text(SLACK, SLACK), "sinks[1].name: another sink is named team too"),
        (_text(*[SLACK] * 51), "sinks: tuple should have at most 50 items"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(text: str, said: str) -> None:
    assert said in _fault(text)


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://x.example.org/{CANARY}",
        f"https:///{CANARY}",
        f"https://x.example.org:99999/{CANARY}",
        f"https://x.example.org:0/{CANARY}",
        f"https://[::1/{CANARY}",
        f"https://x.example.org/{CANARY} a",
        f"https://x.example.org/{CANARY}\r\nHost: a",
        f"https://x.example.org/{CANARY}ü",
        f"https://ann:{CANARY}@x.example.org/",
        f"https://x.example.org/#{CANARY}",
    ],
)
def test_a_url_is_of_http_with_a_host_and_nothing_odd(url: str) -> None:
    assert _fault(_text(SLACK | {"url": url})).startswith("sinks[0].url: must ")


def test_a_sink_where_the_operator_does_not_go_is_told_too() -> None:
    with pytest.raises(SinksError, match=r"sinks\[0\]\.url: no; sinks\[1\]\.url: no"):
        read_sinks(_text(SLACK, EVENTS), lambda _: "no")
