"""Ways to release, and how each ends when nothing goes wrong."""

import asyncio
from typing import Any

from tests.fakes.builders import BRANCH, IMAGE
from tests.unit.core.stage import REPOSITORY, Stage

TAGS = ["latest", "edge"]


def end_of(stage: Stage) -> dict[str, Any]:
    """Give all that must be the same however a release got there."""
    status = stage.status()
    main = stage.config.branches["main"]
    # It is deleted with nobody waiting for that: after a death it may stay.
    stage.config.branches.pop(BRANCH, None)
    # The merge commit itself is the reviewer's and dated by when he came to it.
    assert status["config"].pop("mergedCommit") == main
    return {
        "jobs": [job["metadata"]["name"] for job in stage.jobs],
        "branches": {**stage.config.branches, "main": stage.config.commits[main].files},
        "pushes": stage.config.pushes,
        "commits": len(stage.config.commits),
        "pull requests": stage.forge.count(REPOSITORY),
        "policy": stage.application()["spec"].get("syncPolicy"),
        "previous policy": stage.application()["metadata"]["annotations"].get(
            "album.dev/previous-sync-policy"
        ),
        "own syncs": [
            operation["operation"]["info"]
            for operation in stage.argocd.operations
            if "info" in operation["operation"]
        ],
        "labels": stage.cluster.all_of("AlbumRelease")[0]["metadata"]["labels"],
        "conditions": stage.conditions(),
        "reasons": [(item["type"], item["reason"]) for item in status["conditions"]],
        "image": status["image"],
        "tags": {tag: stage.registry.digest_of(IMAGE, tag) for tag in ("v1.1.0", *TAGS)},
        "config": status["config"],
        "attempt": status["attempt"],
        "resolved": status["resolved"],
    }


# Ways to release that write different things.
WAYS: dict[str, dict[str, Any]] = {
    "PullRequest": {},
    "Commit": {"delivery": "Commit"},
    "External": {"build": {"type": "External"}},
    "Reused": {"build": {"tags": TAGS}, "is_built": True},
    "Operation": {"argocd": {"sync": "Operation"}},
    "Observe": {"argocd": {"sync": "Observe"}},
    "Checked": {"checks": ["unit", "lint"]},
    "Platforms": {"build": {"platforms": ["linux/amd64", "linux/arm64"], "tags": TAGS}},
    "Auto": {"pull_request": {"merge": "Auto", "labels": ["release"], "reviewers": ["reviewer"]}},
}


async def _undisturbed(way: str) -> tuple[dict[str, Any], list[str]]:
    stage = Stage(**WAYS[way])
    stage.apply()
    await stage.release()
    return end_of(stage), stage.faults.writes


UNDISTURBED = {way: asyncio.run(_undisturbed(way)) for way in WAYS}
EXPECTED = {way: end for way, (end, _) in UNDISTURBED.items()}
