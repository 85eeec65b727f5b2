"""The builder's arguments and variables where layers of earlier builds are used."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from album_operator.domain.build_cache import ResolvedCache
from album_operator.domain.release import BuildType, Release
from album_operator.domain.resolved import Resolved
from album_operator.render.job import EngineSettings, render_job

ENGINE = EngineSettings("operator", "kaniko", "buildkit")
CACHE = ResolvedCache("ghcr.io/owner/album-app-backend-cache", timedelta(hours=36))


def _builder(release: Release, resolved: Resolved, **changes: Any) -> Mapping[str, Any]:  # noqa: ANN401
    build = replace(resolved.build, **changes)
    job = render_job(release, replace(resolved, build=build), 1, ENGINE)
    container: Mapping[str, Any]
    [container] = job["spec"]["template"]["spec"]["containers"]
    return container


def test_kaniko_is_given_the_repository_and_the_lifetime(
    release: Release, resolved: Resolved
) -> None:
    plain = _builder(release, resolved)["args"]
    added = [arg for arg in _builder(release, resolved, cache=CACHE)["args"] if arg not in plain]
    assert added == [
        "--cache=true",
        "--cache-repo=ghcr.io/owner/album-app-backend-cache",
        "--cache-ttl=129600s",
        "--cache-copy-layers=true",
    ]


def test_kanikos_keys_know_the_values_of_arguments_and_where_a_file_ends(
    release: Release, resolved: Resolved
) -> None:
    assert "env" not in _builder(release, resolved)
    assert _builder(release, resolved, cache=CACHE)["env"] == [
        {"name": "FF_KANIKO_RESOLVE_CACHE_KEY", "value": "true"},
        {"name": "FF_KANIKO_HASH_DIR_FRAMING", "value": "true"},
        {"name": "FF_KANIKO_ROLLING_CACHE_KEY", "value": "true"},
    ]


def test_buildkit_is_given_the_repository_and_the_lifetime(
    release: Release, resolved: Resolved
) -> None:
    def variables(cache: ResolvedCache | None) -> dict[str, str]:
        container = _builder(release, resolved, type=BuildType.BUILDKIT, cache=cache)
        return {item["name"]: item["value"] for item in container["env"]}

    added = variables(CACHE).items() - variables(None).items()
    assert dict(added) == {
        "ALBUM_CACHE": "ghcr.io/owner/album-app-backend-cache",
        "ALBUM_CACHE_TTL": "129600",
        "ALBUM_CACHE_EXPORT": (
            "mode=max,oci-mediatypes=true,image-manifest=true,ignore-error=true"
        ),
    }


def test_a_cache_on_docker_hub_goes_by_the_name_the_credential_is_looked_for(
    release: Release, resolved: Resolved
) -> None:
    cache = replace(CACHE, repository="registry-1.docker.io/acme/backend-cache")
    args = _builder(release, resolved, image="registry-1.docker.io/acme/backend:v1", cache=cache)
    assert "--cache-repo=docker.io/acme/backend-cache" in args["args"]
