"""Webhooks: what is sent, and how it is signed."""

import hashlib
import hmac
import http.server
import json
import queue
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import pytest

from testbed.github.model import Protection
from tests.contract.plain_git import git
from tests.github.conftest import HEAD, NAME, Desk

SECRET = "a secret"


@dataclass
class Receiver:
    """A server that takes deliveries and answers 202."""

    url: str
    received: "queue.Queue[tuple[Message, bytes]]" = field(default_factory=queue.Queue)

    def next(self) -> tuple[Message, bytes]:
        return self.received.get(timeout=30)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.received.put((self.headers, body))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def happened(desk: Desk) -> list[tuple[str, str | None]]:
    return [(each.name, each.payload.get("action")) for each in desk.server.events]


def test_a_delivery_is_signed_as_github_signs(desk: Desk, receiver: Receiver) -> None:
    desk.open_pull()
    event = desk.server.events[-1]
    assert desk.server.deliver(receiver.url, SECRET, event) == 202
    headers, body = receiver.next()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert headers["X-GitHub-Event"] == "pull_request"
    assert uuid.UUID(headers["X-GitHub-Delivery"])
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert json.loads(body) == event.payload


def test_each_delivery_has_an_id_of_its_own(desk: Desk, receiver: Receiver) -> None:
    desk.open_pull()
    for _ in range(2):
        desk.server.deliver(receiver.url, SECRET, desk.server.events[-1])
    first, second = receiver.next(), receiver.next()
    assert first[1] == second[1]
    assert first[0]["X-GitHub-Delivery"] != second[0]["X-GitHub-Delivery"]


def test_nobody_there_is_no_failure(desk: Desk) -> None:
    desk.open_pull()
    assert desk.server.deliver("http://127.0.0.1:1/", SECRET, desk.server.events[-1]) == 0


def test_a_hook_is_told_of_all_that_happens(desk: Desk, receiver: Receiver) -> None:
    desk.repository()  # what was pushed before the hook is behind us
    desk.server.make_hook(NAME, receiver.url, SECRET)
    desk.open_pull()
    payload: dict[str, Any] = json.loads(receiver.next()[1])
    assert (payload["action"], payload["number"]) == ("opened", 1)
    assert payload["repository"]["full_name"] == NAME
    assert payload["pull_request"]["head"]["sha"] == desk.tip(HEAD)


def test_a_second_hook_for_the_same_url_takes_the_place_of_the_first(
    desk: Desk, receiver: Receiver
) -> None:
    desk.repository()
    for secret in ("an old secret", SECRET):
        desk.server.make_hook(NAME, receiver.url, secret)
    desk.open_pull()
    headers, body = receiver.next()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    desk.server.close_pull(NAME, 1, "octo")
    assert json.loads(receiver.next()[1])["action"] == "closed"


def test_the_life_of_a_pull_request_is_told(desk: Desk) -> None:
    desk.repository()
    desk.server.events.clear()
    desk.open_pull()
    desk.commit(HEAD, {"more.yaml": b"x\n"})
    desk.repository()
    desk.server.review(NAME, 1, "mate")
    desk.server.set_check(NAME, desk.tip(HEAD), "ci", "success")
    desk.server.set_draft(NAME, 1, "octo", draft=True)
    desk.server.set_draft(NAME, 1, "octo", draft=False)
    desk.server.close_pull(NAME, 1, "octo")
    desk.server.reopen_pull(NAME, 1, "octo")
    desk.server.merge_pull(NAME, 1, "mate")
    assert happened(desk) == [
        ("pull_request", "opened"),
        ("push", None),
        ("pull_request", "synchronize"),
        ("pull_request_review", "submitted"),
        ("check_suite", "completed"),
        ("pull_request", "converted_to_draft"),
        ("pull_request", "ready_for_review"),
        ("pull_request", "closed"),
        ("pull_request", "reopened"),
        ("pull_request", "closed"),
        ("push", None),
    ]
    merged = desk.server.events[-2].payload
    assert merged["pull_request"]["merged"]
    assert merged["sender"]["login"] == "mate"
    pushed = desk.server.events[-1].payload
    assert (pushed["ref"], pushed["after"]) == ("refs/heads/main", desk.tip("main"))
    assert pushed["commits"][-1]["id"] == desk.tip("main")


def test_auto_merge_and_the_queue_are_told(desk: Desk) -> None:
    desk.server.configure(NAME, allow_auto_merge=True)
    desk.server.protect_branch(NAME, "main", Protection(checks=("ci",), has_queue=True))
    desk.open_pull()
    pull = desk.repository().get_pull(1)
    desk.server.events.clear()
    pull.enable_automerge()
    pull.disable_automerge()
    pull.enable_automerge()
    desk.server.set_status(NAME, desk.tip(HEAD), "ci", "success")
    assert happened(desk) == [
        ("pull_request", "auto_merge_enabled"),
        ("pull_request", "auto_merge_disabled"),
        ("pull_request", "auto_merge_enabled"),
        ("status", None),
        ("pull_request", "enqueued"),
    ]


def test_a_branch_that_goes_is_told(desk: Desk) -> None:
    desk.repository()
    old = desk.tip(HEAD)
    desk.server.events.clear()
    git(desk.folder, "update-ref", "-d", f"refs/heads/{HEAD}")
    desk.repository()
    (event,) = desk.server.events
    assert (event.payload["before"], event.payload["deleted"]) == (old, True)
    assert event.payload["head_commit"] is None


@pytest.mark.parametrize("kind", ["commit", "tag"])
def test_a_tag_that_is_pushed_is_told(desk: Desk, kind: str) -> None:
    desk.repository()
    desk.server.events.clear()
    options = ["-c", "user.name=octo", "-c", "user.email=octo@example.org"]
    annotated = ["--annotate", "--message=first"] if kind == "tag" else []
    git(desk.folder, *options, "tag", *annotated, "v1.0.0", "refs/heads/main")
    desk.repository()
    (event,) = desk.server.events
    told = event.payload
    assert (event.name, told["ref"], told["created"]) == ("push", "refs/tags/v1.0.0", True)
    assert git(desk.folder, "cat-file", "-t", told["after"]) == kind
    assert told["head_commit"]["id"] == desk.tip("main")
    assert told["sender"]["login"] == "octo"
