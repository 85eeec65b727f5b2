"""Run a stand-in as a process: `python -m testbed.github --folder F --port 3000`."""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path

from testbed import progress
from testbed.github import openapi
from testbed.github.graphql import api as graphql_api
from testbed.github.server import running_github


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m testbed.github", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="for the git repositories")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--state-file", type=Path, help="written once it answers: url, api_url and the tokens"
    )
    parser.add_argument(
        "--user", action="append", default=[], help="an account that is made, with a token"
    )
    parser.add_argument(
        "--repository", action="append", default=[], help="an empty repository: owner/name"
    )
    options = parser.parse_args()
    ends = {signal.SIGTERM, signal.SIGINT}
    # All threads are to leave them to the wait below.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    openapi.load()
    graphql_api.load_schema()
    with running_github(options.folder, options.host, options.port) as server:
        for login in options.user:
            server.make_user(login)
        tokens = {login: server.make_token(login) for login in options.user}
        for name in options.repository:
            server.make_repository(name)
        if options.state_file is not None:
            state = {"url": server.url, "api_url": server.api_url, "tokens": tokens}
            partial = options.state_file.with_name(f".{options.state_file.name}.partial")
            partial.touch(mode=0o600)
            partial.write_text(json.dumps(state, indent=2))
            partial.rename(options.state_file)
        progress.note(f"GitHub's stand-in answers at {server.url}, its API at {server.api_url}")
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
