"""The container in which BuildKit builds, without a daemon of its own."""

import json
import posixpath
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from album_operator.domain.build_outputs import references
from album_operator.domain.image_labels import labels_of
from album_operator.domain.resolved import Resolved, ResolvedBuild
from album_operator.render.build_cache import BUILDKIT_CACHE_SCRIPT, buildkit_variables
from album_operator.render.build_secrets import render_secret_mounts, secret_options
from album_operator.render.buildkit_modes import way_of
from album_operator.render.engines import (
    TERMINATION_LOG,
    WORKSPACE,
    EngineSettings,
    build_args,
    context_of,
    insecure_hosts_of,
    literal,
    named,
    network_env,
    render_env,
    render_push_mounts,
)

BUILDKIT_DOCKER_CONFIG = "/var/run/secrets/album/registry"
BUILDKIT_SECRETS = "/var/run/secrets/album/build"
BUILDKIT_CA = "/var/run/secrets/album/ca"
BUILDKIT_CA_FOLDERS = f"/etc/ssl/certs:{BUILDKIT_CA}"

# Everything a user can choose comes as an argument or in the environment. buildctl renames its
# metadata file into place, so that file cannot be the termination log. It writes the file with Go's
# json.MarshalIndent by two blanks: only a key of the top level matches, and a quote in any value
# is escaped. A failed build is told by numbers alone, for the rest of its log may hold secrets:
# buildctl ends with the place of a step, `Dockerfile:3`, and with `error: … exit code: 7`. What
# steps print begins with `#` or the seconds it took, and BuildKit keeps 2 MiB of it for each. The
# shell waits for what runs in the background alone while it obeys SIGTERM, which the first process
# of a container ignores else: a build that ends well while its Pod is taken away tells nobody.
BUILDKIT_SCRIPT = (
    BUILDKIT_CACHE_SCRIPT
    + r"""work=$(mktemp -d)
printf '%s' "$BUILDKITD_TOML" >"$work/buildkitd.toml"
export BUILDKITD_FLAGS="--config $work/buildkitd.toml"
mkfifo "$work/pipe"
tee "$work/log" <"$work/pipe" & copying=$!
trap 'exit 143' TERM
code=0
buildctl-daemonless.sh build "$@" --metadata-file "$work/metadata.json" >"$work/pipe" 2>&1 &
wait $! || code=$?
wait "$copying"
if [ "$code" != 0 ]; then
  line=$(sed -n '/^error: /d; s/^[^ #0-9].*:\([1-9][0-9]\{0,5\}\)$/line \1/p' "$work/log" |
    tail -n 1)
  with=$(tail -n 1 "$work/log" |
    sed -n 's/^error: .* exit code: \([0-9]\{1,3\}\)$/, exit code \1/p')
  if [ -n "$line" ] && [ -z "$ALBUM_SHOWS_LOG" ]; then
    printf '%s%s' "$line" "$with" >"$ALBUM_TERMINATION_LOG"
  fi
  exit "$code"
fi
digest=$(sed -n 's/^  "containerimage\.digest": "\(sha256:[0-9a-f]\{64\}\)",\{0,1\}$/\1/p' \
  "$work/metadata.json")
if [ -z "$digest" ]; then
  echo "buildctl left no digest of the pushed image in its metadata file:" >&2
  cat "$work/metadata.json" >&2
  exit 1
fi
printf '%s' "$digest" >"$ALBUM_TERMINATION_LOG"
"""
)


def render_buildkit(resolved: Resolved, engine: EngineSettings) -> dict[str, Any]:
    """Render the container, without what all containers share."""
    way = way_of(engine)
    command = ["sh", "-c", f"set -eu\n{way.check}{BUILDKIT_SCRIPT}", "album-build"]
    cache, variables = resolved.build.cache, dict[str, str]()
    if cache is not None:
        variables = dict(buildkit_variables(cache, named(cache.repository)))
    return {
        "image": engine.buildkit_image,
        "command": [literal(word) for word in command],
        "args": [literal(arg) for arg in _buildkit_args(resolved, engine)],
        "env": [
            *render_env(
                {
                    "BUILDKITD_TOML": render_buildkitd_toml(resolved.build, engine),
                    # The default of 10 gives up after 3 s, too short for a busy node; 60 is 43 s.
                    "BUILDCTL_CONNECT_RETRIES_MAX": "60",
                    "DOCKER_CONFIG": BUILDKIT_DOCKER_CONFIG,
                    "ALBUM_TERMINATION_LOG": TERMINATION_LOG,
                    **({"ALBUM_STATE": way.state} if way.check else {}),
                    # A termination message would take the place of the log's end.
                    "ALBUM_SHOWS_LOG": "true" if resolved.build.failure_log else "",
                    **variables,
                }
            ),
            *network_env(resolved.build, engine, BUILDKIT_CA_FOLDERS),
        ],
        "securityContext": dict(way.security),
        "volumeMounts": [
            {"name": "source", "mountPath": WORKSPACE},
            *render_push_mounts(resolved.build, BUILDKIT_DOCKER_CONFIG),
            *render_secret_mounts(resolved.build.secrets, BUILDKIT_SECRETS),
            *engine.network.render_mounts(BUILDKIT_CA),
            {"name": "buildkit", "mountPath": way.state},
        ],
    }


def _buildkit_args(resolved: Resolved, engine: EngineSettings) -> list[str]:
    build = resolved.build
    context = context_of(build)
    directory, filename = posixpath.split(f"{context}/{build.dockerfile}")
    options = [f"filename={filename}"]
    options += [f"build-arg:{name}={value}" for name, value in build_args(build, engine).items()]
    if build.target is not None:
        options.append(f"target={build.target}")
    options += [f"label:{name}={value}" for name, value in labels_of(resolved).items()]
    if build.platforms:
        options.append(f"platform={','.join(build.platforms)}")
    names = ",".join(map(named, references(build.image, build.tags)))
    output = ["type=image", f"name={names}", "push=true"]
    if build.insecure:
        output.append("registry.insecure=true")
    args = ["--frontend", "dockerfile.v0"]
    args += ["--local", f"context={context}", "--local", f"dockerfile={directory}"]
    for option in options:
        args += ["--opt", option]
    for option in secret_options(build.secrets, BUILDKIT_SECRETS):
        args += ["--secret", option]
    return [*args, "--output", _csv(output), "--progress", "plain"]


def render_buildkitd_toml(build: ResolvedBuild, engine: EngineSettings) -> str:
    """Render buildkitd's configuration: mirrors, hosts with plain HTTP, and what a mode wants."""
    mirrors, registries = defaultdict[str, list[str]](list), dict[str, list[str]]()
    for mirror in engine.registry_mirrors:
        mirrors[mirror.registry].append(_toml(mirror.place))
    for registry, places in mirrors.items():
        registries[registry] = [f"mirrors = [{', '.join(places)}]"]
    for host in insecure_hosts_of(build, engine):
        registries.setdefault(host, []).append("http = true")
    tables = {f"registry.{_toml(host)}": lines for host, lines in registries.items()}
    if not way_of(engine).process_sandbox:
        tables["worker.oci"] = ["noProcessSandbox = true"]
    return "\n".join("\n".join([f"[{name}]", *lines, ""]) for name, lines in tables.items())


def _toml(text: str) -> str:
    """Write a TOML basic string; JSON's, without the pairs of surrogates TOML does not know."""
    return json.dumps(text, ensure_ascii=False)


def _csv(fields: Iterable[str]) -> str:
    """Write one record of comma-separated values (RFC 4180), as buildctl reads `--output`."""
    return ",".join(
        '"' + field.replace('"', '""') + '"' if set(field) & set(',"\r\n') else field
        for field in fields
    )
