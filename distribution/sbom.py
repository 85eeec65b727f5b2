"""The bill of materials of the image's Python packages, CycloneDX 1.6 in JSON, from the lock file.

It is the same bytes for the same lock file. Debian's packages are not in it: what the base image
brings is known once an image is built, and BuildKit's own bill, attached to the image, has both.
"""

from __future__ import annotations

import json
import sys
import uuid
from importlib.metadata import metadata, version
from typing import Any

from album_cli import VERSION
from distribution.lock import OURSELVES, Pin, read_pins

_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")  # of OIDs, RFC 9562 section 6.6
_PUBLISHERS = ("author", "maintainer", "author_email", "maintainer_email")


class NotInstalledError(Exception):
    """This environment has another version than the lock file, so what it tells is not of it."""


def make_sbom(lock: str) -> str:
    """Make the bill of materials of `requirements/<lock>.txt`.

    Raises:
        NotInstalledError: Licences are read from the packages installed here, which are others.
    """
    pins = read_pins(lock)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"lifecycles": [{"phase": "pre-build"}], "component": _ourselves()},
        "components": [_component(pin) for pin in pins],
        "dependencies": [
            {"ref": ref, "dependsOn": [_ref(pin) for pin in pins if name in pin.wanted_by]}
            for name, ref in [(OURSELVES, OURSELVES), *((pin.name, _ref(pin)) for pin in pins)]
        ],
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(bill))
    return json.dumps({"serialNumber": f"urn:uuid:{serial}", **bill}, indent=2) + "\n"


def _ourselves() -> dict[str, Any]:
    return {
        "type": "application",
        "bom-ref": OURSELVES,
        "name": OURSELVES,
        "version": VERSION,
        "licenses": [{"expression": "Apache-2.0"}],
    }


def _component(pin: Pin) -> dict[str, Any]:
    if version(pin.name) != pin.version:
        raise NotInstalledError(
            f"{pin.name} is locked at {pin.version} and installed as {version(pin.name)}: "
            "run make setup."
        )
    told = metadata(pin.name).json
    publisher = next(filter(None, map(told.get, _PUBLISHERS)), None)
    return {
        "type": "library",
        "bom-ref": _ref(pin),
        "name": pin.name,
        "version": pin.version,
        "purl": _ref(pin),
        **({"publisher": publisher} if publisher else {}),
        "licenses": _licences(pin.name),
        # The files of all platforms, one of which is installed.
        "externalReferences": [
            {"type": "distribution", "url": _ref(pin), "hashes": [_hash(one) for one in pin.hashes]}
        ],
    }


def _licences(name: str) -> list[dict[str, Any]]:
    """Give what the package says: an SPDX expression where it has one, else its own words."""
    told = metadata(name).json
    if expression := told.get("license_expression"):
        return [{"expression": expression}]
    words = told.get("license") or next(
        kind.rpartition(" :: ")[2] for kind in told["classifier"] if kind.startswith("License :: ")
    )
    return [{"license": {"name": words}}]


def _ref(pin: Pin) -> str:
    return f"pkg:pypi/{pin.name}@{pin.version}"


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


if __name__ == "__main__":
    sys.stdout.write(make_sbom("operator"))
