"""The bill of materials says what the lock file does, in the form of CycloneDX 1.6."""

import json
import re
from typing import Any

import pytest

from distribution import lock, sbom
from distribution.lock import OURSELVES, Pin

BILL: dict[str, Any] = json.loads(sbom.make_sbom("operator"))


def test_it_lists_every_pin_with_its_hashes_and_nothing_else() -> None:
    text = (lock.ROOT / "requirements/operator.txt").read_text()
    pinned = re.findall(r"^([a-z0-9-]+)(?:\[\S+\])?==([^ ;]+)", text, re.MULTILINE)
    components = BILL["components"]
    assert [(one["name"], one["version"]) for one in components] == pinned
    hashes = [one["content"] for c in components for one in c["externalReferences"][0]["hashes"]]
    assert hashes == re.findall(r"sha256:(\w+)", text)


def test_every_component_has_a_licence() -> None:
    licences = {one["name"]: one["licenses"] for one in BILL["components"]}
    assert licences["kubernetes"] == [{"expression": "Apache-2.0"}]
    assert licences["certifi"] == [{"license": {"name": "MPL-2.0"}}]
    assert licences["google-re2"] == [{"license": {"name": "BSD License"}}]
    assert all(licences.values())


def test_who_needs_what_is_told_and_everything_is_needed() -> None:
    needs = {one["ref"]: one["dependsOn"] for one in BILL["dependencies"]}
    assert "pkg:pypi/kopf@" in " ".join(needs[OURSELVES])
    assert {ref for refs in needs.values() for ref in refs} == needs.keys() - {OURSELVES}
    refs = {one["bom-ref"] for one in BILL["components"]}
    assert needs.keys() == refs | {BILL["metadata"]["component"]["bom-ref"]}


def test_the_same_lock_file_makes_the_same_bytes() -> None:
    assert sbom.make_sbom("operator") == sbom.make_sbom("operator")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", BILL["serialNumber"])


def test_an_environment_of_other_versions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = [Pin("click", "0.1", (), (OURSELVES,))]
    monkeypatch.setattr(sbom, "read_pins", lambda _name: stale)

    with pytest.raises(sbom.NotInstalledError, match=r"click is locked at 0\.1 .* run make setup"):
        sbom.make_sbom("operator")
