"""A Prometheus of a test, which judges by the shipped rules, without their patience."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed import Testbed
from testbed.commands import wait_until
from testbed.offline import gotools
from tests.contract.gitea_server import free_port
from tests.unit.docs.documents import ROOT


@dataclass(frozen=True)
class Prometheus:
    """One that runs.

    Attributes:
        url: Where its API is.
    """

    url: str

    def series(self, query: str) -> list[dict[str, Any]]:
        """Give the series of a query, each with its `metric` and `value`."""
        found: list[dict[str, Any]] = self._get("query", query=query)["result"]
        return found

    def value(self, query: str) -> float:
        """Give the value of a query's one series, 0 where there is none."""
        return sum(float(one["value"][1]) for one in self.series(query))

    def firing(self, alert: str, **labels: str) -> dict[str, Any] | None:
        """Give an alert that fires with these labels, None where none does."""
        for one in self._get("alerts")["alerts"]:
            if one["state"] == "firing" and one["labels"].items() >= (
                {"alertname": alert} | labels
            ).items():  # fmt: skip
                return dict(one)
        return None

    def _get(self, what: str, **asked: str) -> dict[str, Any]:
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(asked)}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - loopback
            found: dict[str, Any] = json.load(answer)["data"]
            return found


@contextmanager
def running_prometheus(testbed: Testbed, folder: Path) -> Iterator[Prometheus]:
    """Start one that scrapes a testbed's operator as examples/prometheus does.

    Args:
        testbed: Whose operator it scrapes.
        folder: For its files.
    """
    with serving(_configuration(testbed, folder), folder) as server:
        yield server


@contextmanager
def serving(
    configuration: dict[str, Any], folder: Path, patience: dict[str, str] | None = None
) -> Iterator[Prometheus]:
    """Start one that scrapes and judges once a second, and stop it at the end.

    Args:
        configuration: What it scrapes, as `prometheus.yml` has it, with `rules.yaml` beside it.
        folder: For its files.
        patience: What stands in the rules in place of thresholds of time.
    """
    host = f"127.0.0.1:{free_port()}"
    configuration["global"] = dict.fromkeys(
        ("scrape_interval", "scrape_timeout", "evaluation_interval"), "1s"
    )
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    rules = re.sub(r"for: \d+m", "for: 1s", (ROOT / "manifests/monitoring/rules.yaml").read_text())
    for shipped, short in (patience or {}).items():
        assert shipped in rules
        rules = rules.replace(shipped, short)
    (folder / "rules.yaml").write_text(rules)
    argv = [
        str(gotools.ensure(["prometheus"]) / "prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={host}",
    ]
    server = Prometheus(f"http://{host}")
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: _is_ready(server), part="Prometheus", what="answer", seconds=60)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def _is_ready(server: Prometheus) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}/-/ready", timeout=5):  # noqa: S310 - loopback
            return True
    except OSError:
        return False


def _configuration(testbed: Testbed, folder: Path) -> dict[str, Any]:
    """Give the example's, by the way there is from outside of the cluster: the API server."""
    found: dict[str, Any] = yaml.safe_load(
        (ROOT / "examples/prometheus/prometheus.yml").read_text()
    )
    (scrape,) = found["scrape_configs"]
    kubeconfig = yaml.safe_load(testbed.kubeconfig.read_text())
    cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    kept = {
        "ca_file": cluster["certificate-authority-data"],
        "cert_file": user["client-certificate-data"],
        "key_file": user["client-key-data"],
    }
    for name, data in kept.items():
        (folder / name).write_bytes(base64.b64decode(data))
    scrape["scheme"], scrape["tls_config"] = "https", {name: str(folder / name) for name in kept}
    scrape["kubernetes_sd_configs"][0]["kubeconfig_file"] = str(testbed.kubeconfig)
    pod = ["__meta_kubernetes_namespace", "__meta_kubernetes_pod_name"]
    scrape["relabel_configs"] += [
        {
            "source_labels": [*pod, "__meta_kubernetes_pod_container_port_number"],
            "regex": "(.+);(.+);(.+)",
            "replacement": "/api/v1/namespaces/$1/pods/$2:$3/proxy/metrics",
            "target_label": "__metrics_path__",
        },
        {
            "replacement": urllib.parse.urlsplit(cluster["server"]).netloc,
            "target_label": "__address__",
        },
    ]
    return found
