"""The operator itself as a process, with the rights that the manifests give it and no more."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.commands import last_lines
from tests.integration.manifests.conftest import Installed

OPERATOR = Path(__file__).parents[3] / "operator"
OURS = OPERATOR.parent
"""The checkout."""

HURRIED = """
from album_operator import __main__
from album_operator.waking import namespaces, policy_returns
namespaces.LOOK_SECONDS = namespaces.CONFIRM_SECONDS = 1
policy_returns.LIST_SECONDS = policy_returns.SWEEP_SECONDS = 1
__main__.leave(__main__.main())
"""


@dataclass(frozen=True)
class Running:
    """An operator process.

    Attributes:
        process: the process.
        port: of its probes.
        metrics_port: of its metrics.
        log: file with its output.
    """

    process: subprocess.Popen[bytes]
    port: int
    metrics_port: int
    log: Path

    def find_answer(self, path: str) -> tuple[int, str] | None:
        """Ask a probe, or for the metrics; None where nothing listens yet."""
        port = self.metrics_port if path == "/metrics" else self.port
        url = f"http://127.0.0.1:{port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return None

    def is_ready(self) -> bool:
        """Tell whether the operator says so."""
        assert self.process.poll() is None, "\n".join(last_lines(self.log, 40))
        answer = self.find_answer("/readyz")
        return answer is not None and answer[0] == 200


def write_kubeconfig(installed: Installed, folder: Path, api_server: str = "") -> Path:
    """Write a kubeconfig with the operator's own token, and give its path.

    Args:
        installed: where.
        folder: it is written into.
        api_server: URL in place of the API server's own.
    """
    kubeconfig = json.loads(installed.server.kubeconfig.read_text())
    if api_server:
        kubeconfig["clusters"][0]["cluster"] = {"server": api_server}
    kubeconfig["users"][0]["user"]["token"] = installed.token
    path = folder / "kubeconfig"
    path.write_text(json.dumps(kubeconfig))
    return path


@contextmanager
def running_operator(
    installed: Installed,
    folder: Path,
    namespaces: str = "album",
    *,
    api_server: str = "",
    hurried: bool = False,
    program: str = "",
    checkout: Path = OURS,
    **settings: str,
) -> Iterator[Running]:
    """Run it until the block ends.

    Args:
        installed: where.
        folder: an empty folder for its files.
        namespaces: that it serves.
        api_server: URL in place of the API server's own.
        hurried: look every second whether namespaces can be served, and policies given back.
        program: Python that is run in place of the module.
        checkout: folder of the version that is run.
        settings: `ALBUM_*` in place of the shipped ones.
    """
    with socket.socket() as probe, socket.socket() as scrape:
        probe.bind(("127.0.0.1", 0))
        scrape.bind(("127.0.0.1", 0))
        port, metrics_port = probe.getsockname()[1], scrape.getsockname()[1]
    lines = (checkout / "manifests" / "base" / "settings.env").read_text().splitlines()
    shipped = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    environment = {
        **shipped,
        "ALBUM_NAMESPACES": namespaces,
        "ALBUM_OPERATOR_IMAGE": "album-operator:0.1.0",
        "ALBUM_HEALTH_PORT": str(port),
        "ALBUM_METRICS_PORT": str(metrics_port),
        # Not the shipped one: operators of other tests run beside this one.
        "ALBUM_CACHE_DIR": str(folder / f"cache-{port}"),
        "KUBECONFIG": str(write_kubeconfig(installed, folder, api_server)),
        "PYTHONPATH": str(checkout / "operator"),
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        **settings,
    }
    program = HURRIED if hurried else program
    log = folder / "operator.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *(["-c", program] if program else ["-m", "album_operator"])],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Running(process, port, metrics_port, log)
        finally:
            process.kill()
            process.wait()
