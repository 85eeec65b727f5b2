"""The main job from nothing to Released, each asserted fact a line: `make demo`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch

from testbed import lifecycle, progress, samples
from testbed.access import Testbed
from testbed.commands import PartError
from testbed.deploy import NAMESPACE, deploy, ensure_webhooks
from testbed.github_forge import GitHubForge, forge_of
from testbed.samples.git import Git
from testbed.settings import SettingsError, from_environment
from testbed.state import ForgeKind

GROUP, VERSION = "album.dev", "v1alpha1"
RELEASE = "backend-v1.1.1"
"""The tag that is pushed, and the release it makes."""

NEWEST = "backend-v1.1.0"
"""The tag before it: once the pipeline tells of that, it is a webhook that tells of the new one."""

APPLICATION = "album-app-backend"
SOURCE, CONFIG = "album/album-app", "album/album-app-config"
OLD, NEW = "v1.0.0", "v1.1.1"

RELEASE_SECONDS = 600

_FORGES = f"the forge is {' or '.join(ForgeKind)}"


class FactError(Exception):
    """Something the demo asserts is not so."""


@dataclass(frozen=True)
class Fact:
    """One asserted fact, already found true."""

    name: str
    text: str


def main() -> int:
    """Run the demo; 0 when every fact held."""
    parser = argparse.ArgumentParser(prog="python -m testbed.demo", description=__doc__)
    parser.add_argument("--forge", type=_forge_kind, default=ForgeKind.GITEA, help=_FORGES)
    forge = parser.parse_args().forge
    try:
        settings = from_environment()
        lifecycle.up(settings, forge)
        testbed = Testbed.from_settings(settings)
        deploy(testbed)
        _begin_anew(testbed)
        before = samples.running_version(testbed, "backend")
        _require("version before", before == OLD, f"the app runs {before}, not {OLD}")
        asked_before = _counted_requests(testbed)
        status = _release(testbed)
        asked = _counted_requests(testbed)[len(asked_before) :]
        for fact in _facts(testbed, status, before, asked):
            print(f"✔ {fact.name:<12} {fact.text}", flush=True)
    except (PartError, SettingsError, FactError) as error:
        print(f"✖ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What runs goes on running: make demo goes on, make demo-down ends it.")
        return 130
    _say_how_to_go_on(testbed)
    return 0


def _forge_kind(text: str) -> ForgeKind:
    try:
        return ForgeKind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is none; {_FORGES}") from None


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
            for kind in ("albumpipelines", "albumreleases"):
                testbed.kubectl("delete", kind, "--all", "-n", NAMESPACE, "--timeout=60s")
            samples.reset(testbed)
            ensure_webhooks(testbed)  # they went with the repositories


def _release(testbed: Testbed) -> dict[str, Any]:
    """Apply the pipeline, push a tag, merge as a reviewer, and give the final status."""
    pipeline = samples.render_pipeline(testbed.forge_url, testbed.registry, testbed.forge)
    print("\n".join(f"    {line}" for line in pipeline.splitlines()))
    with progress.step("kubectl apply: AlbumPipeline album-app, and wait until it is Ready"):
        testbed.kubectl("apply", "-f", "-", stdin=pipeline)
        for what in ("condition=Ready", f"jsonpath={{.status.apps[0].newestTag.name}}={NEWEST}"):
            wait = ("wait", "albumpipeline", "album-app", "-n", NAMESPACE, "--timeout=120s")
            testbed.kubectl(*wait, f"--for={what}")
    with progress.step(f"git push: tag {RELEASE} of {SOURCE}"):
        _push_tag(testbed)
    with progress.step("release"):
        for release in _changes(testbed):
            ready = condition(release, "Ready")
            progress.note(f"  {ready.get('reason', 'Pending'):<14} {ready.get('message', '')}")
            if ready.get("reason") == "AwaitingMerge":
                _merge(testbed, release["status"]["pullRequest"]["number"])
    status: dict[str, Any] = release["status"]
    _require("Ready", ready["status"] == "True", f"{ready['reason']}: {ready['message']}")
    return status


def _push_tag(testbed: Testbed) -> None:
    """Tag the source's last commit and push that, as a developer does."""
    url = f"{testbed.forge_url}/{SOURCE}.git"
    developer = (testbed.reviewer, testbed.reviewer_token)
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        git = Git.init(Path(folder))
        git.run_as(*developer, "fetch", "--quiet", url, "main")
        git.run_as(*developer, "push", "--quiet", url, f"FETCH_HEAD:refs/tags/{RELEASE}")


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
    forge = forge_of(testbed).of_reviewer(testbed)
    open_ones = {item["number"] for item in forge.pull_requests(CONFIG, "open")}
    if number in open_ones:
        forge.merge(CONFIG, number)
        progress.note(
            f"  (the demo, as user {testbed.reviewer}, merged #{number} through the forge's API)"
        )


def _facts(
    testbed: Testbed, status: dict[str, Any], before: str, asked: list[str]
) -> Iterator[Fact]:
    asked_by = status["requestedBy"]
    _require("tag", testbed.reviewer in asked_by, f"the release was asked for by {asked_by}")
    yield Fact("tag", f"{RELEASE}, pushed by {asked_by}, made the release of that name")

    image = status["image"]
    digest = _digest(testbed, image["reference"])
    _require("image", digest == image["digest"], f"the registry has {digest}")
    yield Fact("image", f"{image['reference']}@{digest}")

    pull = status["pullRequest"]
    merge = pull["mergeCommit"]
    changed = _changed_lines(_diff(testbed, merge))
    _require("diff", len(changed) == 2, f"the pull request changes {changed}")
    _require("diff", NEW in changed[1], f"the pull request writes {changed[1]}")
    _require("diff", _differs_in_value_only(*changed), f"more than the value differs: {changed}")
    yield Fact("diff", f"one line of backend/values.yaml: {changed[0]}  ->  {changed[1]}")

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
    yield Fact("apart", f"a webhook tells of the merge, the app settles for {settle}")

    forge = forge_of(testbed).of_reviewer(testbed)
    if isinstance(forge, GitHubForge):
        violations = forge.violations()
        _require("requests", not violations, "not as GitHub describes it: " + "; ".join(violations))
        yield Fact("requests", f"{len(asked)} the operator sent, aim 8 ({_in_words(asked)})")


def _counted_requests(testbed: Testbed) -> list[str]:
    """Give the requests of the operator's user so far that count at GitHub, none at Gitea."""
    forge = forge_of(testbed).of_owner(testbed)
    if not isinstance(forge, GitHubForge):
        return []
    return forge.counted_requests(testbed.forge_user)


def _in_words(requests: list[str]) -> str:
    """Give each request once with how often it was sent, without what all paths begin with."""
    short = [request.replace(f"/api/v3/repos/{CONFIG}", "…") for request in requests]
    counts = {request: short.count(request) for request in short}
    return ", ".join(f"{count} {request}" for request, count in counts.items())


def _diff(testbed: Testbed, merge: str) -> str:
    """Give what the pull request changed, by a merge commit's parents, as git itself reads it."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        git = Git.init(Path(folder))
        url = f"{testbed.forge_url}/{CONFIG}.git"
        git.run_as(testbed.reviewer, testbed.reviewer_token, "fetch", "--quiet", url, "main")
        parents = git.run("rev-parse", f"{merge}^@").split()
        _require("merge", len(parents) == 2, f"{merge} is no merge commit")
        return git.run("diff", f"{parents[0]}...{parents[1]}")


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
  {testbed.forge_url}/{CONFIG} is the config repository (git and API; there are no web pages)
  make demo-down removes everything but the cache"""
    )


if __name__ == "__main__":
    sys.exit(main())
