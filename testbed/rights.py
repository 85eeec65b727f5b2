"""Which of the operator's rights a run has used, as the API server's audit log tells.

A right that nothing uses is one too many: it is taken out of the Role, or its reason is written
down here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed.commands import PartError

MANIFESTS = Path(__file__).parents[1] / "manifests"

ACCOUNT = ":album-operator"
"""End of the user name of the operator's ServiceAccount, whatever its namespace."""

AGENTS = ("album-operator", "kopf/")
"""How user agents of the operator begin; tests use its account too."""

ASKED = ("apiGroup", "resource", "subresource")
"""Fields of an audit event's `objectRef`, each left out where it is empty."""


@dataclass(frozen=True, order=True)
class Right:
    """What a rule of RBAC grants, one verb on one resource.

    Attributes:
        resource: as kubectl names it, `jobs.batch` or `albumreleases.album.dev/status`.
        verb: such as `patch`.
    """

    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


EXPLAINED = {
    Right("leases.coordination.k8s.io", verb): "the testbed's audit log leaves Leases out"
    for verb in ("create", "get", "update")
}
"""Rights that no run on a testbed uses, and why they are there all the same."""


def report(logs: Iterable[Path]) -> int:
    """Print how often each right was used, and what was refused.

    Args:
        logs: audit logs, JSON lines.

    Returns:
        The exit status: 0 where each right was used or is explained.

    Raises:
        PartError: a log cannot be read.
    """
    used, refused = _count(logs)
    granted = sorted(read_granted())
    for right in granted:
        count = f"{used[right]:8}" if used[right] else "  UNUSED"
        print(f"{count}  {right}  {EXPLAINED.get(right, '')}".rstrip())
    for right, times in sorted(refused.items()):
        print(f"{times:8}  {right}  refused")
    return int(any(not used[right] and right not in EXPLAINED for right in granted))


def find_logs(newest: Path) -> list[Path]:
    """Give an audit log and those before it, which the API server names by their time.

    Raises:
        PartError: there is none.
    """
    found = sorted(newest.parent.glob(f"{newest.stem}*{newest.suffix}"))
    if not found:
        raise PartError("rights", f"there is no audit log {newest}; `up` makes one")
    return found


def read_granted(manifests: Path = MANIFESTS) -> frozenset[Right]:
    """Give what the Roles of the manifests grant the operator."""
    return frozenset(
        right
        for path in manifests.rglob("*.yaml")
        for raw in yaml.safe_load_all(path.read_text())
        if isinstance(raw, dict) and raw.get("kind") == "Role"
        for rule in raw["rules"]
        for right in _rights_of(rule)
    )


def _rights_of(rule: Mapping[str, Any]) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                plural, _, subresource = resource.partition("/")
                yield Right(_name(plural, group, subresource), verb)


def _name(plural: str | None, group: str | None, subresource: str | None) -> str:
    return "/".join(filter(None, (".".join(filter(None, (plural, group))), subresource)))


def _count(logs: Iterable[Path]) -> tuple[Counter[Right], Counter[Right]]:
    """Count the operator's requests that RBAC let through, and those it refused."""
    used: Counter[Right] = Counter()
    refused: Counter[Right] = Counter()
    for event in _events(logs):
        group, plural, subresource = map(event["objectRef"].get, ASKED)
        right = Right(_name(plural, group, subresource), event["verb"])
        decision = event.get("annotations", {}).get("authorization.k8s.io/decision")
        (refused if decision == "forbid" else used)[right] += 1
    return used, refused


def _events(logs: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for log in logs:
        try:
            with log.open() as lines:
                # The last line may not be whole yet.
                events = (json.loads(line) for line in lines if line.endswith("\n"))
                yield from filter(_is_ours, events)
        except (OSError, ValueError) as error:
            raise PartError("rights", f"{log} cannot be read as an audit log: {error}") from error


def _is_ours(event: Mapping[str, Any]) -> bool:
    return (
        "objectRef" in event
        and event["user"]["username"].endswith(ACCOUNT)
        and event.get("userAgent", "").startswith(AGENTS)
    )
