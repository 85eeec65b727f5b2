"""The push credential, written for the builder where that cannot read the Secret's own form."""

from collections.abc import Mapping
from pathlib import Path

from album_operator.codec.docker_config import for_builders
from album_operator.fetch_source.task import TaskError

PUSH_SECRET = "/var/run/secrets/album/push"  # noqa: S105
"""Where the push credential is mounted, where the builder cannot read it as it is."""


def hand_over_registry(environment: Mapping[str, str]) -> None:
    """Write the push credential for the builder, where the Job asks for that.

    Raises:
        TaskError: it is no Docker configuration.
    """
    target = environment.get("ALBUM_BUILDERS_CONFIG", "")
    if not target:
        return
    secret = Path(environment.get("ALBUM_PUSH_CREDENTIAL") or PUSH_SECRET)
    try:
        text = for_builders((secret / "config.json").read_text("utf-8"))
    except ValueError:
        # `from None`: the text of a JSON error quotes what it could not read.
        raise TaskError("the push Secret has no `auths` in its key .dockerconfigjson") from None
    (Path(target) / "config.json").write_text(text, "utf-8")
