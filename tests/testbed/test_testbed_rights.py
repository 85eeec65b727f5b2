"""Which rights a run has used, told from audit logs of the form that the API server writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from testbed import rights
from testbed.commands import PartError
from testbed.rights import Right, read_granted

OPERATOR = "system:serviceaccount:album-system:album-operator"


def _event(
    verb: str, user: str = OPERATOR, agent: str = "kopf/1", decision: str = "allow", **asked: str
) -> str:
    event: dict[str, Any] = {
        "user": {"username": user},
        "userAgent": agent,
        "verb": verb,
        "objectRef": asked,
        "annotations": {"authorization.k8s.io/decision": decision},
    }
    return json.dumps(event) + "\n"


JOBS = {"resource": "jobs", "apiGroup": "batch"}
STATUS = {"resource": "albumreleases", "subresource": "status", "apiGroup": "album.dev"}


@pytest.fixture(autouse=True)
def _two_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    granted = frozenset(
        {Right("jobs.batch", "create"), Right("albumreleases.album.dev/status", "patch")}
    )
    monkeypatch.setattr(rights, "read_granted", lambda: granted)


def _report(tmp_path: Path, *lines: str) -> int:
    log = tmp_path / "audit.log"
    log.write_text("".join(lines))
    return rights.report([log])


def test_all_is_well_where_each_right_was_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _report(tmp_path, _event("create", **JOBS), _event("patch", **STATUS)) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split() for line in said] == [
        ["1", "patch", "albumreleases.album.dev/status"],
        ["1", "create", "jobs.batch"],
    ]


@pytest.mark.parametrize(
    "other",
    [
        _event("create", user="system:serviceaccount:album:default", **JOBS),
        _event("create", agent="kubectl/v1", **JOBS),
        _event("create", decision="forbid", **JOBS),
        _event("delete", **JOBS),
        _event("create", **JOBS).rstrip("\n"),
    ],
    ids=["another's", "a test's", "refused", "another verb", "a line that is not whole"],
)
def test_a_right_that_nobody_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    assert _report(tmp_path, _event("patch", **STATUS), other) == 1
    said = capsys.readouterr().out
    assert "UNUSED  create jobs.batch" in said
    assert ("refused" in said) == ("forbid" in other)


def test_a_right_that_is_explained_may_stay_unused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "EXPLAINED", {Right("jobs.batch", "create"): "one day"})
    assert _report(tmp_path, _event("patch", **STATUS)) == 0
    assert "UNUSED  create jobs.batch  one day" in capsys.readouterr().out


def test_a_log_that_is_not_there_or_none_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(PartError, match=r"no audit log .*audit\.log"):
        rights.find_logs(tmp_path / "audit.log")
    with pytest.raises(PartError, match=r"gone\.log cannot be read"):
        rights.report([tmp_path / "gone.log"])
    with pytest.raises(PartError, match=r"audit\.log cannot be read"):
        _report(tmp_path, "no JSON\n")


def test_what_is_granted_is_read_from_the_manifests() -> None:
    granted = read_granted()
    assert Right("secrets", "get") in granted
    assert Right("applications.argoproj.io", "patch") in granted
    assert Right("albumreleases.album.dev", "update") not in granted  # A role of people.
