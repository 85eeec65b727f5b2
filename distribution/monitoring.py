"""What `manifests/monitoring` has from code and from its own rules."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from distribution import dashboard

ROOT = Path(__file__).parents[1]
PLACE = Path("manifests/monitoring")

_RULE = """\
# rules.yaml for the Prometheus Operator: run `make manifests`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: album-operator
  namespace: album-system
  labels:
    app.kubernetes.io/name: album-operator
    app.kubernetes.io/part-of: album-release-operator
spec:
"""


def render_files(root: Path) -> dict[str, str]:
    """Give the text of each file that is made, by its name."""
    rules = (root / PLACE / "rules.yaml").read_text("utf-8")
    lines = rules[rules.index("groups:") :].splitlines()
    spec = "".join(f"  {line}\n" if line else "\n" for line in lines)
    return {"prometheusrule.yaml": _RULE + spec, "dashboard.json": dashboard.render()}


def find_drift(root: Path) -> list[str]:
    """Name the files that are not what would be made."""
    files = {name: root / PLACE / name for name in render_files(root)}
    present = {name: path.read_text("utf-8") for name, path in files.items() if path.exists()}
    return [name for name, text in render_files(root).items() if present.get(name) != text]


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` tell whether they are up to date.

    Returns:
        The exit status: 1 where `--check` found a difference.
    """
    parser = argparse.ArgumentParser(prog="python -m distribution.monitoring", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    is_check = parser.parse_args(arguments).check
    drift = find_drift(ROOT)
    if is_check:
        if drift:
            sys.stderr.write(f"{PLACE}: {', '.join(drift)} are old; run `make manifests`.\n")
        return 1 if drift else 0
    for name, text in render_files(ROOT).items():
        (ROOT / PLACE / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
