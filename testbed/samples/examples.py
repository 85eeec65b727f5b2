"""The two YAML files a user writes, for the samples on a testbed."""

from __future__ import annotations

from pathlib import Path

from testbed.samples.history import substitute
from testbed.samples.publish import addresses
from testbed.state import ForgeKind

_FILES = ("pipeline.yaml", "release.yaml")


def render_examples(
    forge_url: str, registry: str, forge: ForgeKind = ForgeKind.GITEA
) -> dict[str, str]:
    """Return the YAML of the pipeline and of a release, with a testbed's addresses.

    Args:
        forge_url: URL of the forge, without a slash at its end.
        registry: The registry, `host:port`.
        forge: Which forge it is.

    Returns:
        File name to text: `pipeline.yaml` and `release.yaml`, to be applied in this order.
    """
    known = addresses(forge_url, registry, forge)
    folder = Path(__file__).parent
    return {name: substitute((folder / name).read_text(), known) for name in _FILES}
