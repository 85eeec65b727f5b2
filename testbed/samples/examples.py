"""The YAML a user writes, for the samples on a testbed."""

from __future__ import annotations

from pathlib import Path

from testbed.samples.history import substitute
from testbed.samples.publish import addresses
from testbed.state import ForgeKind


def render_pipeline(forge_url: str, registry: str, forge: ForgeKind = ForgeKind.GITEA) -> str:
    """Return the YAML of the pipeline, with a testbed's addresses.

    Args:
        forge_url: URL of the forge, without a slash at its end.
        registry: The registry, `host:port`.
        forge: Which forge it is.
    """
    text = (Path(__file__).parent / "pipeline.yaml").read_text()
    return substitute(text, addresses(forge_url, registry, forge))
