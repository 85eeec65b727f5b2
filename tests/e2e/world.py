"""A running testbed with the operator on it, as tests use it: apply, watch, merge, freeze, kill."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import yaml
from kubernetes import client, config

from testbed import PartError, Testbed, samples
from testbed.demo import condition
from testbed.deploy import NAMESPACE, POD_LABEL, SYSTEM, find_leader
from testbed.forge import Forge

T = TypeVar("T")

ALBUM = ("album.dev", "v1alpha1")
ARGO = ("argoproj.io", "v1alpha1")
SOURCE, CONFIG = "album/album-app", "album/album-app-config"
OPERATOR = "system:serviceaccount:album-system:album-operator"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
REVIEWS = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews"})

STEP_SECONDS = 240.0


def wait_for(
    what: str,
    look: Callable[[], T | None],
    seconds: float = STEP_SECONDS,
    pause: float = 0.1,
) -> T:
    """Look until something is there; fail with its name when the deadline passes.

    Args:
        what: is waited for.
        look: gives it once it is there.
        seconds: until the deadline.
        pause: seconds between two looks; each costs the server that is tested a request.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)


@dataclass
class World:
    """One testbed, its API server's client, and what tests made on it.

    Attributes:
        namespace: of the releases that are made and read.
        minors: the last minor version that was tagged; shared with copies for other namespaces.
    """

    testbed: Testbed
    forge: Forge
    reviewer: Forge
    # The client's models make every field optional, which tests of a real server need not doubt.
    objects: Any
    batch: Any
    core: Any
    made: list[str] = field(default_factory=list)
    namespace: str = NAMESPACE
    minors: list[int] = field(default_factory=list)
    quick: dict[str, str] = field(default_factory=dict)
    engine: str = "BuildKit"

    @classmethod
    def of(cls, testbed: Testbed) -> World:
        """Connect to a testbed that is up."""
        api = config.new_client_from_config(str(testbed.kubeconfig))
        return cls(
            testbed,
            Forge.of_owner(testbed),
            Forge.of_reviewer(testbed),
            client.CustomObjectsApi(api),
            client.BatchV1Api(api),
            client.CoreV1Api(api),
        )

    # --- resources ---

    def pipeline(self, name: str = "album-app", **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """Apply the samples' pipeline, with parts of its spec replaced."""
        text = samples.render_pipeline(self.testbed.forge_url, self.testbed.registry)
        found: dict[str, Any] = yaml.safe_load(text)
        found["metadata"] |= {"name": name, "namespace": self.namespace}
        # Tests make their releases themselves, but those of triggers.
        found["spec"].pop("triggers", None)
        found["spec"]["build"]["type"] = self.engine
        found["spec"]["argocd"] = {"settle": "1s", "timeout": "4m"}
        for key, value in changes.items():
            part = found["spec"]
            *way, last = key.split("__")
            for word in way:
                part = part.setdefault(word, {})
            part[last] = value
        self.testbed.kubectl("apply", "-f", "-", stdin=json.dumps(found))
        return found

    def release(
        self,
        tag: str,
        name: str | None = None,
        pipeline: str = "album-app",
        **more: Any,  # noqa: ANN401 - of its spec
    ) -> str:
        """Create an AlbumRelease."""
        name = name or tag
        spec = {"pipelineRef": {"name": pipeline}, "tag": tag, **more}
        body = {
            "apiVersion": "/".join(ALBUM),
            "kind": "AlbumRelease",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        }
        self.objects.create_namespaced_custom_object(*ALBUM, self.namespace, "albumreleases", body)
        self.made.append(name)
        return name

    def new_tag(self, app: str = "backend", target: str | None = None, major: int = 1) -> str:
        """Tag the source, with the next version nobody has used yet.

        Args:
            app: that is tagged.
            target: branch of the source; None for one whose image is the first version's in a
                second, as most tests are not about what is built.
            major: version.
        """
        if target is None:
            target = self.quick.get(app) or self._make_quick(app)
        if not self.minors:
            # A testbed that was up before has tags of earlier runs.
            known = self.forge.call("GET", f"/repos/{SOURCE}/tags?limit=50")
            found = [re.search(r"-v\d+\.(\d+)\.0$", item["name"]) for item in known]
            self.minors.append(max(int(each.group(1)) for each in found if each))
        self.minors[0] += 1
        tag = f"{app}-v{major}.{self.minors[0]}.0"
        self.forge.call(
            "POST", f"/repos/{SOURCE}/tags", {"tag_name": tag, "target": target, "message": tag}
        )
        return tag

    def _make_quick(self, app: str) -> str:
        image = f"{self.testbed.registry}/album/album-app-{app}:v1.0.0"
        branch = f"quick-{uuid.uuid4().hex[:8]}"
        self.branch_source(f"{app}/Dockerfile", f"FROM {image}\n", branch)
        self.quick[app] = branch
        return branch

    def branch_source(self, path: str, text: str, branch: str) -> None:
        """Make a branch of the source that has another text in a file."""
        where = f"/repos/{SOURCE}/contents/{path}"
        found = self.forge.call("GET", where)
        self.forge.call(
            "PUT",
            where,
            {
                "content": base64.b64encode(text.encode()).decode(),
                "sha": found["sha"],
                "branch": "main",
                "new_branch": branch,
                "message": "A change for a test",
            },
        )

    def get(self, name: str) -> dict[str, Any]:
        """Read a release."""
        found: dict[str, Any] = self.objects.get_namespaced_custom_object(
            *ALBUM, self.namespace, "albumreleases", name
        )
        return found

    def condition(self, name: str, kind: str) -> dict[str, Any]:
        """Give one condition of a release, empty for none."""
        return condition(self.get(name), kind)

    def reason(self, name: str) -> str:
        """Give the reason of a release's Ready."""
        return str(self.condition(name, "Ready").get("reason", ""))

    def await_reason(
        self, name: str, reason: str, seconds: float = STEP_SECONDS, said: str = ""
    ) -> dict[str, Any]:
        """Wait until Ready has a reason; fail at once when the release finished with another.

        Args:
            name: of the release.
            reason: of its Ready.
            seconds: until the deadline.
            said: words of its message; what is tried again and again changes its words.

        Returns:
            The release as it was then: a moment later it may say something else.
        """

        def look() -> dict[str, Any] | None:
            release = self.get(name)
            ready = condition(release, "Ready")
            if ready.get("reason") == reason and said in ready["message"]:
                return release
            if condition(release, "Finished"):
                raise AssertionError(f"{name} finished: {ready['reason']}: {ready['message']}")
            return None

        return wait_for(f"{name} {reason} {said}", look, seconds)

    def await_finished(self, name: str, seconds: float = STEP_SECONDS) -> dict[str, Any]:
        """Wait until nothing will change by itself; give the Ready condition."""

        def look() -> dict[str, Any] | None:
            release = self.get(name)
            return condition(release, "Ready") if condition(release, "Finished") else None

        return wait_for(f"{name} finished", look, seconds)

    def merge_and_finish(self, name: str) -> dict[str, Any]:
        """Merge the pull request as the reviewer once it waits, and wait for the end."""
        number = self.await_reason(name, "AwaitingMerge")["status"]["pullRequest"]["number"]
        self.reviewer.merge(CONFIG, number)
        ready = self.await_finished(name)
        assert ready["status"] == "True", f"{ready['reason']}: {ready['message']}"
        return self.get(name)

    def application(self, name: str) -> dict[str, Any]:
        """Read an Application."""
        found: dict[str, Any] = self.objects.get_namespaced_custom_object(
            *ARGO, "argocd", "applications", name
        )
        return found

    def patch_application(self, name: str, patch: dict[str, Any]) -> None:
        """Patch an Application as its owner."""
        self.testbed.kubectl(
            "patch", "application", name, "-n", "argocd", "--type=merge", "-p", json.dumps(patch)
        )

    # --- what a release left behind ---

    def jobs(self, release: str) -> list[str]:
        """Give the build Jobs of a release."""
        uid = self.get(release)["metadata"]["uid"]
        return [
            job.metadata.name
            for job in self.batch.list_namespaced_job(self.namespace).items
            if any(owner.uid == uid for owner in job.metadata.owner_references or [])
        ]

    def find_branch(self, branch: str) -> dict[str, Any] | None:
        """Give a branch of the config repository, None where there is none.

        By git's own refs: Gitea answers 500 for a branch that is being deleted.
        """
        refs = self.forge.find(f"/repos/{CONFIG}/git/refs/heads/{quote(branch)}") or []
        return next((ref for ref in refs if ref["ref"] == f"refs/heads/{branch}"), None)

    def pull_requests(self, branch: str) -> list[dict[str, Any]]:
        """Give all pull requests from a branch."""
        return [
            item for item in self.forge.pull_requests(CONFIG) if item["head"]["label"] == branch
        ]

    def commits(self, branch: str) -> list[dict[str, Any]]:
        """Give the commits of a branch, newest first."""
        path = f"/repos/{CONFIG}/commits?sha={quote(branch, safe='')}&limit=50&stat=false"
        found: list[dict[str, Any]] = self.forge.call("GET", path)
        return found

    def change_base(self, path: str, old: str, new: str) -> str:
        """Push a change of a file to the base branch as somebody else; give its text after."""
        where = f"/repos/{CONFIG}/contents/{path}"
        found = self.forge.call("GET", f"{where}?ref=main")
        text = base64.b64decode(found["content"]).decode()
        assert old in text
        text = text.replace(old, new)
        body = {
            "branch": "main",
            "sha": found["sha"],
            "content": base64.b64encode(text.encode()).decode(),
            "message": f"change {path}",
        }
        self.reviewer.call("PUT", where, body)
        return text

    # --- the operator's life ---

    def operator_writes(self, since: int) -> list[dict[str, Any]]:
        """Give the operator's writes in the audit log from an offset on.

        Reviews of its own rights are no writes, though the API calls them `create`; nor is what it
        asks for as a dry run.
        """
        return [
            event
            for event in self.audit(since)
            if event["user"]["username"] == OPERATOR
            and event["verb"] in WRITES
            and event["objectRef"]["resource"] not in REVIEWS
            and "dryRun=All" not in event["requestURI"]
        ]

    def audit_offset(self) -> int:
        """Give the present end of the audit log."""
        return self.testbed.audit_log.stat().st_size

    def audit(self, since: int) -> Iterator[dict[str, Any]]:
        """Give the audit log's finished requests from an offset on."""
        with self.testbed.audit_log.open("rb") as log:
            log.seek(since)
            for line in log:
                if line.endswith(b"\n"):
                    event = json.loads(line)
                    if event["stage"] == "ResponseComplete" and "objectRef" in event:
                        yield event

    def operator_pod(self) -> str:
        """Give the name of the operator's Pod that leads."""
        return wait_for("an operator that leads", lambda: find_leader(self.testbed))

    def operator_logs(self) -> str:
        """Give what all of the operator's Pods have said."""
        pods = f"--selector={POD_LABEL}"
        return self.testbed.kubectl("-n", SYSTEM, "logs", pods, "--tail=-1")

    @contextmanager
    def forge_down(self) -> Iterator[None]:
        """Stop the forge, and start it again afterwards."""
        docker = ["docker", f"--host={self.testbed.docker_host}"]
        gitea = f"{self.testbed.settings.name}-gitea"
        _output([*docker, "stop", "--time=1", gitea])
        try:
            yield
        finally:
            _output([*docker, "start", gitea])
            wait_for("the forge answers", self._forge_answers, 60)

    def _forge_answers(self) -> bool:
        try:
            return bool(self.forge.call("GET", "/version"))
        except PartError:
            return False

    @contextmanager
    def killer(self) -> Iterator[Callable[[], None]]:
        """Give a function that stops the operator at once, then kills it and removes its Pod.

        A shell on the node is held open, so that the stop takes effect within a millisecond.
        """
        pod = self.operator_pod()
        node = f"{self.testbed.settings.name}-control-plane"
        docker = ["docker", f"--host={self.testbed.docker_host}", "exec", "-i", node]
        container = _output(
            [*docker, "crictl", "ps", "-q", f"--label=io.kubernetes.pod.name={pod}"]
        )
        found = json.loads(_output([*docker, "crictl", "inspect", container.split()[0]]))
        pid = int(found["info"]["pid"])
        shell = subprocess.Popen([*docker, "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert shell.stdin is not None
        assert shell.stdout is not None
        stdin, stdout = shell.stdin, shell.stdout

        def tell(command: str) -> None:
            stdin.write(f"{command}; echo done\n".encode())
            stdin.flush()
            stdout.readline()

        def kill() -> None:
            tell(f"kill -STOP {pid}")
            tell(f"kill -KILL {pid}")
            self.core.delete_namespaced_pod(pod, SYSTEM, grace_period_seconds=0)

        try:
            tell("true")
            yield kill
        finally:
            stdin.close()
            shell.wait(timeout=30)
            stdout.close()


def _output(argv: list[str]) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
