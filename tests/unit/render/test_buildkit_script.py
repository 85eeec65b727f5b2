"""BuildKit's shell script, run by a real shell, with a recorder in buildctl's place."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from album_operator.domain.build_cache import ResolvedCache
from album_operator.domain.release import BuildArg, BuildType, Release
from album_operator.domain.resolved import Resolved
from album_operator.render.engines import EngineSettings, Mirror
from album_operator.render.job import render_job

DIGEST = "sha256:" + "0a" * 32
ENGINE = EngineSettings("op", "kaniko", "buildkit", (Mirror("m:5000"),), frozenset({"m:5000"}))

# The form buildctl 0.34 writes: Go's json.MarshalIndent, keys sorted.
METADATA = f"""{{
  "containerimage.config.digest": "sha256:{"ff" * 32}",
  "containerimage.descriptor": {{
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": "{DIGEST}",
    "size": 480
  }},
  "containerimage.digest": "{DIGEST}",
  "image.name": "h/a:v1"
}}"""

RECORDER = """#!/bin/sh
printf '%s\\n' "$BUILDKITD_FLAGS" >"$RECORD/flags"
cat "${BUILDKITD_FLAGS#--config }" >"$RECORD/toml"
for arg; do printf '%s\\0' "$arg"; last=$arg; done >"$RECORD/args"
printf '%s' "$METADATA" >"$last"
printf '%s\\n' "$SAID" >&2
[ ! -p "$RECORD/begun" ] || { echo >"$RECORD/begun"; exec sleep 60; }
exit "$CODE"
"""

Start = Callable[..., "subprocess.Popen[str]"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(tmp_path: Path, release: Release, resolved: Resolved) -> Start:
    """Start the rendered command as the kubelet would: `$$` is `$`."""
    recorder = tmp_path / "buildctl-daemonless.sh"
    recorder.write_text(RECORDER)
    recorder.chmod(0o755)

    def start(
        metadata: str = METADATA,
        code: int = 0,
        args: tuple[BuildArg, ...] = (),
        cache: ResolvedCache | None = None,
        said: str = "",
        failure_log: bool = False,
    ) -> "subprocess.Popen[str]":
        build = replace(
            resolved.build, type=BuildType.BUILDKIT, args=args, cache=cache, failure_log=failure_log
        )
        job = render_job(release, replace(resolved, build=build), 1, ENGINE)
        [container] = job["spec"]["template"]["spec"]["containers"]
        argv = [word.replace("$$", "$") for word in container["command"] + container["args"]]
        env: Mapping[str, str] = {
            **{item["name"]: item["value"].replace("$$", "$") for item in container["env"]},
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "ALBUM_TERMINATION_LOG": str(tmp_path / "termination-log"),
            "RECORD": str(tmp_path),
            "METADATA": metadata,
            "CODE": str(code),
            "SAID": said,
            "TMPDIR": str(tmp_path),
        }
        return subprocess.Popen(
            argv,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    return start


@pytest.fixture
def run(start: Start) -> Run:
    """Run the rendered command to its end."""

    def run(**options: Any) -> "subprocess.CompletedProcess[str]":  # noqa: ANN401 - handed on
        script = start(**options)
        stdout, stderr = script.communicate()
        return subprocess.CompletedProcess(script.args, script.returncode, stdout, stderr)

    return run


def test_only_the_digest_gets_into_the_termination_log(run: Run, tmp_path: Path) -> None:
    assert run().returncode == 0
    assert (tmp_path / "termination-log").read_text() == DIGEST


def test_buildkitd_gets_its_configuration(run: Run, tmp_path: Path) -> None:
    run()
    assert (tmp_path / "toml").read_text() == (
        '[registry."docker.io"]\nmirrors = ["m:5000"]\n\n[registry."m:5000"]\nhttp = true\n'
    )


def test_every_argument_arrives_as_one(run: Run, tmp_path: Path) -> None:
    nasty = (
        BuildArg("A", "$(touch x)"),
        BuildArg("B", "`id` \"q\" 'q' $HOME"),
        BuildArg("C", "two\nlines"),
    )
    assert run(args=nasty).returncode == 0
    args = (tmp_path / "args").read_text().split("\0")
    assert args[0] == "build"
    for arg in nasty:
        assert f"build-arg:{arg.name}={arg.value}" in args
    assert args[-3] == "--metadata-file"


def test_the_tag_of_a_cache_says_when_its_period_began(run: Run, tmp_path: Path) -> None:
    cache, day = ResolvedCache("r.example.org:5000/a/b-cache", timedelta(days=1)), "%Y%m%d"
    before = datetime.now(UTC).strftime(day)
    assert run(cache=cache).returncode == 0
    args = (tmp_path / "args").read_text().split("\0")
    place, other = (
        f"type=registry,ref=r.example.org:5000/a/b-cache:buildkit-{today}T000000Z"
        for today in (before, datetime.now(UTC).strftime(day))
    )
    assert args[args.index("--import-cache") + 1] in {place, other}
    exported = args[args.index("--export-cache") + 1]
    options = ",mode=max,oci-mediatypes=true,image-manifest=true,ignore-error=true"
    assert exported in {place + options, other + options}


def test_without_a_cache_buildkit_is_told_of_none(run: Run, tmp_path: Path) -> None:
    run()
    assert "-cache\0" not in (tmp_path / "args").read_text()


def test_a_failed_build_fails_with_its_own_code_and_leaves_no_digest(
    run: Run, tmp_path: Path
) -> None:
    assert run(code=3).returncode == 3
    assert not (tmp_path / "termination-log").exists()


@pytest.mark.parametrize(
    "metadata",
    [
        "{}",
        "",
        '{\n  "containerimage.digest": "sha256:short"\n}',
        # A digest in a value of the user's, or at a place that is not the top level.
        '{\n  "x": "\\n  \\"containerimage.digest\\": \\"' + DIGEST + '\\""\n}',
        '{\n  "x": {\n    "containerimage.digest": "' + DIGEST + '"\n  }\n}',
    ],
)
def test_a_build_without_a_digest_fails_aloud(run: Run, tmp_path: Path, metadata: str) -> None:
    done = run(metadata=metadata)
    assert done.returncode == 1
    assert "left no digest" in done.stderr
    assert not (tmp_path / "termination-log").exists()


ENDED = """\
#5 [2/3] RUN make
#5 0.333 Dockerfile:99
#5 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2
------
 > [2/3] RUN make:
0.333 Makefile:42
------
Dockerfile.prod:12
--------------------
  12 | >>> RUN make
--------------------
error: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2"""
"""How buildctl 0.34 ends when a step has failed."""


def test_the_line_and_exit_code_of_a_step_that_failed_are_left(run: Run, tmp_path: Path) -> None:
    done = run(code=1, said=ENDED)
    assert (done.returncode, done.stdout.rstrip()) == (1, ENDED)
    assert (tmp_path / "termination-log").read_text() == "line 12, exit code 2"


def test_the_line_of_an_instruction_without_a_process_is_left(run: Run, tmp_path: Path) -> None:
    run(code=1, said=f"{ENDED}\nerror: failed to solve: /nowhere: not found")
    assert (tmp_path / "termination-log").read_text() == "line 12"


@pytest.mark.parametrize(
    "said",
    [
        "#5 0.333 Dockerfile:99\n0.333 Makefile:42\n > [2/3] RUN x:7\nerror: exit code: 2",
        "error: failed to do request: dial tcp 192.0.2.1:5000",
        "Dockerfile:0",
        "",
    ],
)
def test_what_is_no_place_in_the_dockerfile_is_not_left(
    run: Run, tmp_path: Path, said: str
) -> None:
    run(code=1, said=said)
    assert not (tmp_path / "termination-log").exists()


def test_where_the_log_is_shown_nothing_takes_its_place(run: Run, tmp_path: Path) -> None:
    run(code=1, said=ENDED, failure_log=True)
    assert not (tmp_path / "termination-log").exists()


def test_a_build_whose_pod_is_taken_away_ends_at_once_and_not_well(
    start: Start, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "begun")
    with start() as script:
        (tmp_path / "begun").read_text()
        script.terminate()
        code = script.wait(10)
        os.killpg(script.pid, signal.SIGKILL)  # as the end of a container ends all that is in it
    assert code == 143
    assert not (tmp_path / "termination-log").exists()
