"""The stand-in as a process."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from github import Auth, Github

from testbed.commands import wait_until
from tests.contract.http_backend import commit


def ask(url: str, method: str, /, **arguments: object) -> Any:  # noqa: ANN401 - any JSON
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{url}/_standin/{method}", data=json.dumps(arguments).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read())


def test_it_runs_until_it_is_told_to_end(tmp_path: Path) -> None:
    state_file = tmp_path / "state.json"
    words = [
        *(sys.executable, "-m", "testbed.github", "--folder", str(tmp_path / "github")),
        *("--state-file", str(state_file), "--user", "octo", "--repository", "octo/config"),
    ]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(state_file.exists, part="stand-in", what="answer", seconds=60)
            state = json.loads(state_file.read_text())
            auth = Auth.Token(state["tokens"]["octo"])
            folder = Path(ask(state["url"], "git_dir", name="octo/config"))
            commit(folder, "main", {"a": b"1\n"})
            commit(folder, "other", {"b": b"1\n"})
            with Github(base_url=state["api_url"], auth=auth, retry=None) as client:
                assert client.get_repo("octo/config").permissions.admin
            assert ask(state["url"], "make_milestone", name="octo/config", title="v1") == 1
            ask(state["url"], "make_hook", name="octo/config", url="http://[::1]:1/", secret="s")
            asked = ask(state["url"], "counted_requests", login="octo")
            assert asked == ["GET /api/v3/repos/octo/config"]
            assert ask(state["url"], "list_violations") == []
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
    assert f"answers at {state['url']}" in said
    assert process.returncode == 0
