"""The manifest of a rollback, and the command that applies it."""

import json
import shlex
from dataclasses import replace

from album_operator.codec import parse_release
from album_operator.domain.release import Ref
from album_operator.render.rollback import command, render_rollback
from tests.fakes.builders import NAMESPACE, RELEASE, raw_release
from tests.fakes.crd_schema import faults_of_spec

WISH = replace(
    RELEASE,
    ref=Ref(NAMESPACE, "back"),
    tag=None,
    app="backend",
    version="v1.0.0",
    rollback_of="backend-v1.1.0",
    allow_downgrade=True,
)


def test_the_manifest_is_what_the_operator_reads_as_the_rollback() -> None:
    raw = render_rollback(WISH)

    assert faults_of_spec("albumreleases", raw["spec"]) == []
    known = raw_release("back")["metadata"]
    read = parse_release({**raw, "metadata": known | raw["metadata"]})
    assert (read.ref, read.pipeline, read.app, read.version, read.rollback_of) == (
        WISH.ref,
        WISH.pipeline,
        WISH.app,
        WISH.version,
        WISH.rollback_of,
    )
    assert read.allow_downgrade


def test_the_command_hands_the_manifest_to_kubectl_whole() -> None:
    echo, manifest, pipe, *kubectl = shlex.split(command(WISH))

    assert (echo, pipe, kubectl) == ("echo", "|", ["kubectl", "apply", "-f", "-"])
    assert json.loads(manifest) == render_rollback(WISH)
