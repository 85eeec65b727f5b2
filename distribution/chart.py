"""What the chart has from `manifests/` and `crds/`, the one source of what is installed."""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PLACE = Path("charts/album-release-operator")
CHART = ROOT / PLACE

TEMPLATED = frozenset({"namespace.yaml", "deployment.yaml", "disruption.yaml", "service.yaml"})
"""Files of `manifests/base` that values change, so that the chart has templates in their place."""

PEOPLE = frozenset({"user-roles.yaml"})
"""Files that are there once in a cluster, as the CRDs are."""

DERIVED = {
    "ALBUM_NAMESPACES": "namespaces",
    "ALBUM_ARGOCD_NAMESPACES": "applicationNamespaces",
    "ALBUM_OPERATOR_IMAGE": "image",
}
"""Settings that follow from a value which brings more, such as the rights; a template says so."""

_SETTINGS = "settings:\n"
_NUMBER = r"[0-9]+(\.[0-9]+)?"


@dataclass(frozen=True)
class Setting:
    """One setting of `settings.env`.

    Attributes:
        name: Of the variable.
        default: Its value when nobody sets it, may be empty.
        comment: What stands above it, as lines; empty where it belongs to the one before.
    """

    name: str
    default: str
    comment: tuple[str, ...]


def read_settings(text: str) -> list[Setting]:
    """Read the settings that are values of the chart.

    Args:
        text: Of `settings.env`: paragraphs of comments and `NAME=value`.
    """
    settings = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.strip().splitlines()
        comment = tuple(line.removeprefix("# ") for line in lines if line.startswith("#"))
        for line in lines[len(comment) :]:
            name, _, default = line.partition("=")
            if name not in DERIVED:
                settings.append(Setting(name, default, comment))
            comment = ()
    return settings


def render_parts(root: Path) -> dict[str, str]:
    """Give the text of each file of the chart that is generated, by its path in the chart."""
    chart, manifests = root / PLACE, root / "manifests"
    listed = yaml.safe_load((manifests / "base/kustomization.yaml").read_text("utf-8"))
    sources = {f"crds/{path.name}": path for path in (root / "crds").glob("*.yaml")}
    for name in listed["resources"]:
        if name.endswith(".yaml") and name not in TEMPLATED:
            folder = "people" if name in PEOPLE else "operator"
            sources[f"{folder}/{name}"] = manifests / "base" / name
    for name in ("namespace", "argocd"):
        sources[f"rights/{name}.yaml"] = manifests / name / "rbac.yaml"
    for name in ("operator", "builds"):
        sources[f"network/{name}.yaml"] = manifests / "network" / name / "networkpolicy.yaml"
    for name in ("rules.yaml", "dashboard.json"):
        sources[f"monitoring/{name}"] = manifests / "monitoring" / name
    settings = read_settings((manifests / "base/settings.env").read_text("utf-8"))
    return {f"files/{name}": path.read_text("utf-8") for name, path in sources.items()} | {
        "values.yaml": _values((chart / "values.yaml").read_text("utf-8"), settings),
        "values.schema.json": _schema((chart / "values.schema.json").read_text("utf-8"), settings),
    }


def find_drift(root: Path) -> list[str]:
    """Name the files of the chart that are not what `manifests/` say."""
    chart = root / PLACE
    files = [path for path in (chart / "files").rglob("*") if path.is_file()]
    present = {str(path.relative_to(chart)): path.read_text("utf-8") for path in files}
    wanted = render_parts(root)
    for name in ("values.yaml", "values.schema.json"):
        present[name] = (chart / name).read_text("utf-8")
    names = present.keys() | wanted.keys()
    return sorted(name for name in names if present.get(name) != wanted.get(name))


def main(arguments: list[str]) -> int:
    """Write the generated files, or with `--check` tell whether they are up to date.

    Returns:
        The exit status: 1 where `--check` found a difference.
    """
    parser = argparse.ArgumentParser(prog="python -m distribution.chart", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    is_check = parser.parse_args(arguments).check
    drift = find_drift(ROOT)
    if is_check:
        if drift:
            words = f"not what manifests/ say: {', '.join(drift)}; run `make manifests`."
            sys.stderr.write(f"{PLACE} is {words}\n")
        return 1 if drift else 0
    parts = render_parts(ROOT)
    for name in drift:
        path = ROOT / PLACE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in parts:
            path.write_text(parts[name], "utf-8")
        else:
            path.unlink()
    return 0


def _values(text: str, settings: list[Setting]) -> str:
    head, _, _ = text.partition(f"\n{_SETTINGS}")
    lines = [head, _SETTINGS.rstrip()]
    for setting in settings:
        lines += [f"  # {line}" for line in setting.comment]
        lines.append(f"  {setting.name}: {json.dumps(setting.default)}")
    return "\n".join(lines) + "\n"


def _schema(text: str, settings: list[Setting]) -> str:
    schema = json.loads(text)
    schema["properties"]["settings"] = {
        "description": "Settings of the operator: docs/reference.md",
        "type": "object",
        "additionalProperties": False,
        "properties": {setting.name: _schema_of(setting) for setting in settings}
        | {
            name: {"description": f"Refused: it follows from the value `{value}`."}
            for name, value in DERIVED.items()
        },
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema_of(setting: Setting) -> dict[str, object]:
    said: dict[str, object] = {}
    if setting.comment:
        said["description"] = " ".join(setting.comment)
    if setting.name == "HTTPS_PROXY":
        # One with a user is refused by a template: a pattern would show the password.
        return said | {"type": "string"}
    if setting.default in ("true", "false"):
        return said | {"enum": [True, False, "true", "false"]}
    if re.fullmatch(_NUMBER, setting.default):
        return said | {
            "type": ["number", "string"],
            "exclusiveMinimum": 0,
            "pattern": f"^{_NUMBER}$",
        }
    return said | {"type": ["string", "integer"]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
