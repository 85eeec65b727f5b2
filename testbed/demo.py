"""The main job from nothing to Released, each asserted fact a line: `make demo`."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubernetes import client, config, watch

from testbed import lifecycle, progress, samples
from testbed.access import Testbed
from testbed.commands import PartError
from testbed.deploy import NAMESPACE, deploy
from testbed.forge import Forge
from testbed.settings import SettingsError, from_environment

GROUP, VERSION = "album.dev", "v1alpha1"
RELEASE = "backend-v1.1.0"
APPLICATION = "album-app-backend"
CONFIG = "album/album-app-config"
OLD, NEW = "v1.0.0", "v1.1.0"

RELEASE_SECONDS = 600


class FactError(Exception):
    """Something the demo asserts is not so."""


@dataclass(frozen=True)
class Fact:
    """One asserted fact, already found true."""

    name: str
    text: str


def main() -> int:
    """Run the demo; 0 when every fact held."""
    try:
        settings = from_environment()
        lifecycle.up(settings)
        testbed = Testbed.from_settings(settings)
        deploy(testbed)
        _begin_anew(testbed)
        before = samples.running_version(testbed, "backend")
        _require("version before", before == OLD, f"the app runs {before}, not {OLD}")
        status = _release(testbed)
        for fact in _facts(testbed, status, before):
            print(f"✔ {fact.name:<12} {fact.text}", flush=True)
    except (PartError, SettingsError, FactError) as error:
        print(f"✖ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What runs goes on running: make demo goes on, make demo-down ends it.")
        return 130
    _say_how_to_go_on(testbed)
    return 0


def condition(release: dict[str, Any], kind: str) -> dict[str, Any]:
    """Give one condition of a release, empty where it has none of that type."""
    conditions = release.get("status", {}).get("conditions", [])
    return next((item for item in conditions if item["type"] == kind), {})


def _begin_anew(testbed: Testbed) -> None:
    """Take a second run back to the samples' first state, so that it shows the same."""
    version = samples.running_version(testbed, "backend")
    found = testbed.kubectl(
        "get", "albumreleases", "-n", NAMESPACE, "-o", "name", "--ignore-not-found"
    )
    if found or version != OLD:
        with progress.step("samples back to their first state"):
            testbed.kubectl("delete", "albumreleases", "--all", "-n", NAMESPACE, "--timeout=60s")
            samples.reset(testbed)


def _release(testbed: Testbed) -> dict[str, Any]:
    """Apply pipeline and release, merge as a reviewer, and give the final status."""
    examples = "---\n".join(samples.render_examples(testbed.forge_url, testbed.registry).values())
    print("\n".join(f"    {line}" for line in examples.splitlines()))
    with progress.step(f"kubectl apply: AlbumPipeline album-app, AlbumRelease {RELEASE}"):
        testbed.kubectl("apply", "-f", "-", stdin=examples)
    with progress.step("release"):
        for release in _changes(testbed):
            ready = condition(release, "Ready")
            progress.note(f"  {ready.get('reason', 'Pending'):<14} {ready.get('message', '')}")
            if ready.get("reason") == "AwaitingMerge":
                _merge(testbed, release["status"]["pullRequest"]["number"])
    status: dict[str, Any] = release["status"]
    _require("Ready", ready["status"] == "True", f"{ready['reason']}: {ready['message']}")
    return status


def _changes(testbed: Testbed) -> Iterator[dict[str, Any]]:
    """Give the release whenever its Ready condition reads differently, until it is finished."""
    deadline, said = time.monotonic() + RELEASE_SECONDS, ("", "")
    objects = client.CustomObjectsApi(config.new_client_from_config(str(testbed.kubeconfig)))
    while time.monotonic() < deadline:
        # A watch, for to ask again and again would take from the machine what is measured on it.
        events = watch.Watch().stream(
            objects.list_namespaced_custom_object,
            *(GROUP, VERSION, NAMESPACE, "albumreleases"),
            field_selector=f"metadata.name={RELEASE}",
            timeout_seconds=int(deadline - time.monotonic()) + 1,
        )
        for event in events:
            release: dict[str, Any] = event["object"]
            ready = condition(release, "Ready")
            now = (ready.get("reason", ""), ready.get("message", ""))
            if now != said:
                said = now
                yield release
            if condition(release, "Finished").get("status") == "True":
                return
    raise FactError(f"{RELEASE} is not finished after {RELEASE_SECONDS} s: {said}")


def _merge(testbed: Testbed, number: int) -> None:
    """Merge once, as a person would; the operator is not told."""
    forge = Forge.of_reviewer(testbed)
    open_ones = {item["number"] for item in forge.pull_requests(CONFIG, "open")}
    if number in open_ones:
        forge.merge(CONFIG, number)
        progress.note(
            f"  (the demo, as user {testbed.reviewer}, merged #{number} through the forge's API)"
        )


def _facts(testbed: Testbed, status: dict[str, Any], before: str) -> Iterator[Fact]:
    image = status["image"]
    digest = _digest(testbed, image["reference"])
    _require("image", digest == image["digest"], f"the registry has {digest}")
    yield Fact("image", f"{image['reference']}@{digest}")

    pull = status["pullRequest"]
    changed = _changed_lines(Forge.of_reviewer(testbed).diff(CONFIG, pull["number"]))
    _require("diff", len(changed) == 2, f"the pull request changes {changed}")
    _require("diff", NEW in changed[1], f"the pull request writes {changed[1]}")
    _require("diff", _differs_in_value_only(*changed), f"more than the value differs: {changed}")
    yield Fact("diff", f"one line of backend/values.yaml: {changed[0]}  ->  {changed[1]}")

    merge = pull["mergeCommit"]
    found = Forge.of_owner(testbed).call("GET", f"/repos/{CONFIG}/git/commits/{merge}")
    _require("merge", len(found["parents"]) == 2, f"{merge} is no merge commit")
    yield Fact("merge", f"#{pull['number']} as {merge}: {pull['url']}")

    application = json.loads(
        testbed.kubectl("get", "application", APPLICATION, "-n", "argocd", "-o", "json")
    )
    policy = application["spec"]["syncPolicy"]
    good = policy["automated"]["selfHeal"] and "ApplyOutOfSyncOnly=true" in policy["syncOptions"]
    _require("sync policy", bool(good), f"it is {policy}")
    yield Fact("sync policy", json.dumps(policy))

    sync, health = application["status"]["sync"], application["status"]["health"]["status"]
    proven = status["applications"][0]
    same = sync["status"] == "Synced" and sync["revision"] == proven["revision"] == merge
    _require("argo cd", same, f"it is {sync['status']} at {sync['revision']}")
    _require("argo cd", health == "Healthy", f"it is {health}")
    yield Fact("argo cd", f"{sync['status']}, {health} at {sync['revision']}")

    after = samples.running_version(testbed, "backend")
    _require("version", after == NEW, f"the app runs {after}, not {NEW}")
    yield Fact("version", f"/version was {before}, is {after}")

    settle = status["resolved"]["argocd"]["settle"]
    steps = ", ".join(f"{step['name']} {step['overhead']}" for step in status["steps"])
    yield Fact("overhead", f"{status['overhead']} s of the operator's own time, aim 2 s ({steps})")
    yield Fact("apart", f"the merge is polled every second, the app settles for {settle}")


def _digest(testbed: Testbed, reference: str) -> str:
    path, _, tag = reference.partition("/")[2].rpartition(":")
    request = urllib.request.Request(
        f"http://{testbed.registry}/v2/{path}/manifests/{tag}",
        method="HEAD",
        headers={
            "Accept": "application/vnd.oci.image.index.v1+json, "
            "application/vnd.oci.image.manifest.v1+json, "
            "application/vnd.docker.distribution.manifest.v2+json"
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return str(answer.headers["Docker-Content-Digest"])


def _changed_lines(diff: str) -> list[str]:
    """Give the removed and added lines of a unified diff."""
    return [
        line
        for line in diff.splitlines()
        if line[:1] in {"-", "+"} and not line.startswith(("---", "+++"))
    ]


def _differs_in_value_only(old: str, new: str) -> bool:
    """Tell whether two diff lines are equal but for the version."""
    return old[1:].replace(OLD, NEW) == new[1:]


def _require(name: str, holds: bool, otherwise: str) -> None:
    if not holds:
        raise FactError(f"{name}: {otherwise}")


def _say_how_to_go_on(testbed: Testbed) -> None:
    print(
        f"""
Released. It all goes on running; look around:
  eval "$(TESTBED_NAME={testbed.settings.name} make -s testbed-env)"
  kubectl get albumreleases -n {NAMESPACE}
  kubectl describe albumrelease {RELEASE} -n {NAMESPACE}
  {testbed.forge_url}/{CONFIG}/pulls is the forge (its API only: built without its web pages)
  make demo-down removes everything but the cache"""
    )


if __name__ == "__main__":
    sys.exit(main())
