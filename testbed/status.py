"""What of a testbed runs."""

from __future__ import annotations

from testbed import cluster, containers, engine, state
from testbed.commands import PartError
from testbed.settings import Settings


def report(settings: Settings) -> int:
    """Print one line per part.

    Returns:
        0 if every part works, else 1.
    """
    docker = engine.find(settings)
    known = state.load(settings)
    origin = "" if docker is None else " (ours)" if docker.is_ours else " (found)"
    lines = [
        ("Docker Engine", docker is not None, f"{docker.host if docker else '-'}{origin}"),
        _http("registry", known.subnet, f"http://{known.registry}/v2/"),
        _http(known.forge, known.subnet, f"{known.forge_url}/api/healthz"),
    ]
    for part, arguments in (
        ("cluster", ("wait", "--for=condition=Ready", "node", "--all", "--timeout=2s")),
        (
            "Argo CD",
            ("-n", "argocd", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=2s"),
        ),
    ):
        try:
            cluster.kubectl(settings, *arguments)
        except PartError as error:
            lines.append((part, False, error.reason.splitlines()[-1]))
        else:
            lines.append((part, True, str(cluster.kubeconfig(settings))))
    for part, is_up, detail in lines:
        print(f"{'✔' if is_up else '✖'} {part:14} {detail}")
    return 0 if all(is_up for _, is_up, _ in lines) else 1


def _http(part: str, subnet: str, url: str) -> tuple[str, bool, str]:
    return (part, True, url) if subnet and containers.answers(url) else (part, False, "-")
