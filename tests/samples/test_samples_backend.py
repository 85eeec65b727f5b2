"""The sample backend, compiled and run as its Dockerfile does at every tag."""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from testbed.commands import capture, wait_until
from testbed.samples.git import Git

# As in the image: what is on the machine, nothing fetched.
GO = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "-buildvcs=false"}

TAGS = ("backend-v1.0.0", "backend-v1.0.1", "backend-v1.1.0")


def check_out(album_app: Git, tag: str, folder: Path) -> Path:
    archive = folder / "source.tar"
    album_app.run("archive", f"--output={archive}", f"{tag}:backend")
    source = folder / "source"
    source.mkdir()
    capture(["tar", "-xf", archive, "-C", source], part="tar")
    return source


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def get(url: str) -> Any:  # noqa: ANN401
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback address
        return json.load(answer)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback address
            return True
    except OSError:
        return False


@pytest.mark.parametrize("tag", TAGS)
def test_the_backend_is_clean_go_that_passes_its_own_tests(
    tag: str, album_app: Git, tmp_path: Path
) -> None:
    source = check_out(album_app, tag, tmp_path)
    assert capture(["gofmt", "-l", source], part="gofmt") == ""
    capture(["go", "vet", "./..."], part="go vet", cwd=source, env=GO)
    capture(["go", "test", "./..."], part="go test", cwd=source, env=GO)


def test_the_backend_serves_albums_and_the_version_it_was_linked_with(
    album_app: Git, tmp_path: Path
) -> None:
    source = check_out(album_app, "backend-v1.1.0", tmp_path)
    flags = "-s -w -X main.version=v1.1.0"
    argv = ["go", "build", "-trimpath", "-ldflags", flags, "-o", str(tmp_path / "backend"), "."]
    capture(argv, part="go build", cwd=source, env=GO)
    url = f"http://127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [tmp_path / "backend"],
        env={**os.environ, "ADDRESS": url.removeprefix("http://")},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(f"{url}/healthz"), part="backend", what="answer", seconds=10)
        assert get(f"{url}/version") == {"app": "backend", "version": "v1.1.0"}
        assert {"title", "artist", "year"} == set(get(f"{url}/albums")[0])
        assert [album["title"] for album in get(f"{url}/albums?artist=mitchell")] == ["Blue"]
    finally:
        process.terminate()
        status = process.wait(10)
    assert status == 0, "it is to end by itself when it is told to"
