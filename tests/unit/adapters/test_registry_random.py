"""Whatever a registry says in JSON, the operator has a sentence for it."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from album_operator.adapters.registry.challenge import parse_challenge
from album_operator.adapters.registry.manifests import (
    CONFIGURATIONS,
    MANIFESTS,
    Part,
    digest_of,
    parse_config,
    parse_manifest,
)
from album_operator.domain.errors import OutsideError
from album_operator.domain.registry import ImagePlace

PLACE = ImagePlace("registry.example.org/acme/shop")

WORDS = some.sampled_from(
    [*MANIFESTS, *CONFIGURATIONS, f"sha256:{'a' * 64}", "unknown", "linux", "", "vnd.x"]
)
NAMES = some.sampled_from(
    [
        "schemaVersion", "mediaType", "manifests", "config", "layers", "digest", "platform", "os",
        "architecture", "variant", "annotations", "vnd.docker.reference.type", "Labels",
    ]
)  # fmt: skip
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(0, 3) | WORDS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)
OBJECTS = some.dictionaries(NAMES, VALUES, max_size=6)


@settings(max_examples=300, deadline=None)
@given(OBJECTS)
def test_every_manifest_and_configuration_is_read_or_refused(raw: dict[str, Any]) -> None:
    data = json.dumps(raw).encode()
    with suppress(OutsideError):
        parse_manifest(PLACE, "v1", data)
    with suppress(OutsideError):
        parse_config(PLACE, Part(digest_of(data)), data)


@settings(max_examples=300, deadline=None)
@given(some.lists(some.text('Bearsic lm="\\,/:.?x \t', max_size=60), max_size=3))
def test_every_challenge_is_read_or_refused(headers: list[str]) -> None:
    with suppress(OutsideError):
        parse_challenge(PLACE, headers)
