"""How the operator's process begins behind a proxy, and what it leaves to its libraries."""

import os
import subprocess
import sys
from pathlib import Path

from tests.contract.company_network import company_network

ROOT = Path(__file__).parents[3]

PROGRAM = """
import os, ssl
from album_operator import __main__ as operator

async def show(settings, known, sinks):
    print(settings.proxies.find("https://git.example.org/o/n").server)
    print(sorted(name for name in os.environ if "proxy" in name.lower() and "ALBUM" not in name))
    print(known.clean("album", "it said ann:canary-password and canary%2Dpassword"))
    print(os.environ.get("SSL_CERT_FILE", "none")[-15:])

operator._run = show
operator.leave(operator.main())
"""


def _start(**variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "operator"),
        "ALBUM_NAMESPACES": "album",
        "ALBUM_OPERATOR_IMAGE": "album-operator:1",
    }
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_no_library_sees_the_variables_of_the_proxy_and_no_word_its_password(
    tmp_path: Path,
) -> None:
    with company_network(tmp_path, {}) as company:
        ended = _start(
            HTTPS_PROXY="http://ann:canary-password@proxy.example.org:3128",
            https_proxy="",
            http_proxy="http://other:1",
            ALL_PROXY="socks5://other:1",
            no_proxy=".svc",
            ALBUM_BUILD_PROXY_SECRET="album-proxy",
            ALBUM_CA_FILE=str(company.ca_file),
        )
    assert ended.stdout.splitlines() == [
        "proxy.example.org:3128",
        "[]",
        "it said *** and ***",
        "authorities.pem",
    ]
    assert ended.returncode == 0


def test_a_password_that_jobs_would_show_is_refused_and_not_said() -> None:
    ended = _start(HTTPS_PROXY="http://ann:canary-password@proxy.example.org:3128")
    assert ended.returncode == 2
    assert "name in ALBUM_BUILD_PROXY_SECRET a Secret of their namespaces" in ended.stderr
    assert "canary" not in ended.stderr + ended.stdout


def test_authorities_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    ended = _start(ALBUM_CA_FILE=str(tmp_path / "ca.crt"))
    assert ended.returncode == 2
    assert ended.stderr == (
        "album-operator: ALBUM_CA_FILE cannot be used: "
        f"{tmp_path}/ca.crt: No such file or directory.\n"
    )


def test_a_file_of_sinks_that_cannot_be_used_is_told_by_its_field(tmp_path: Path) -> None:
    file = tmp_path / "sinks.yaml"
    file.write_text("sinks: [{name: team, url: https://hooks.example.org/canary, format: Teams}]")
    ended = _start(ALBUM_NOTIFICATIONS_FILE=str(file))
    assert ended.returncode == 2
    assert ended.stderr == (
        f"album-operator: ALBUM_NOTIFICATIONS_FILE cannot be used: {file}: sinks[0].format: "
        "input should be 'CloudEvents' or 'Slack'.\n"
    )


def test_the_words_of_a_sink_are_in_no_line_of_the_log(tmp_path: Path) -> None:
    file = tmp_path / "sinks.yaml"
    url = "https://hooks.example.org/?token=canary-password"
    file.write_text(f"sinks: [{{name: team, url: '{url}', format: Slack}}]")
    ended = _start(ALBUM_NOTIFICATIONS_FILE=str(file), HTTPS_PROXY="http://p.example.org:3128")
    assert "it said ann:*** and ***" in ended.stdout, ended.stderr
