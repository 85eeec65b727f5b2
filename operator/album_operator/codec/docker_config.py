"""A Docker configuration (`config.json`) as builders read it."""

import json

from album_operator.codec.foreign_json import parse_json
from album_operator.domain.images import DOCKER_HUB, DOCKER_HUB_KEY, host_in, registry_named


def for_builders(text: str) -> str:
    """Put a credential for Docker Hub, under whichever of its names, where builders look for it.

    Args:
        text: the configuration, of which nothing is certain.

    Raises:
        ValueError: it is no JSON with `auths`.
    """
    config = parse_json(text)
    auths = config.get("auths") if isinstance(config, dict) else None
    if not isinstance(auths, dict):
        raise ValueError("no auths")  # noqa: TRY004 - as JSON that cannot be read
    for key, credential in list(auths.items()):
        if registry_named(host_in(key)) == DOCKER_HUB:
            auths.setdefault(DOCKER_HUB_KEY, credential)
    return json.dumps(config)
