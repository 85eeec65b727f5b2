"""A status is acted upon, so what somebody else wrote into it is refused like a bad spec."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from album_operator.api.model import obeys
from album_operator.api.resolved import Resolved
from album_operator.codec import parse_status, render_status
from album_operator.domain.record import Outcome, Record, StepName
from album_operator.domain.release import MergeMode, PullRequestWish
from tests.fakes.builders import NOW, RELEASE, RESOLVED, record_before

MOUNTED = "../../var/run/secrets/album/registry"

Raw = dict[str, Any]


def _status(**resolved: Any) -> Raw:  # noqa: ANN401 - fields of one dataclass
    record = replace(record_before(StepName.DEPLOYED), resolved=replace(RESOLVED, **resolved))
    status: Raw = json.loads(json.dumps(render_status(RELEASE, record, NOW)))
    return status


def _with(status: Raw, path: str, value: object) -> Raw:
    *way, last = path.split(".")
    inner: Any = status
    for name in way:
        inner = inner[int(name)] if name.isdigit() else inner.setdefault(name, {})
    if isinstance(inner, list):
        inner[int(last)] = value
    else:
        inner[last] = value
    return status


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("resolved.build.contextDir", MOUNTED, "contextDir must be a path below"),
        ("resolved.build.contextDir", "/var/run/secrets", "contextDir must be a path below"),
        ("resolved.build.dockerfile", "../Dockerfile", "dockerfile must be a path below"),
        ("resolved.build.args.0.name", "DEPLOY_TOKEN", "must not hold secrets"),
        ("resolved.build.args.0.name", "LD_PRELOAD", "change how every command"),
        ("resolved.build.args.0.value", "$(HOME)", "must not contain $("),
        ("resolved.build.target", "--flag", "target must be the name of a build stage"),
        ("resolved.build.image", "ghcr.io/owner/app:v1.0.0,push=false", "image must be registry"),
        ("resolved.build.image", "ghcr.io/owner/app", "image must be registry"),
        ("resolved.build.timeout", "100h", "must be a duration between"),
        ("resolved.build.pushSecretName", "a/b", "must be the name of an object"),
        ("resolved.build.type", "Shell", "Input should be"),
        ("resolved.build.resources", {"limits": {"memory": "9Ti"}}, "must be a quantity"),
        ("resolved.build.resources", {"limits": {"cpu": "two"}}, "is no quantity"),
        ("resolved.source.repository", "ext::sh -c id", "the URL must begin with"),
        ("resolved.source.repository", "https://u:p@git.example.org/o/n", "must not hold"),
        ("resolved.source.tag", "--upload-pack=x", "tag must be the name of a git tag"),
        ("resolved.source.commit", "HEAD", "String should match pattern"),
        ("resolved.config.repository", "file:///etc", "the URL must begin with"),
        ("resolved.config.baseBranch", "--force", "must be the name of a git branch"),
        ("resolved.config.branch", "a..b", "must be the name of a git branch"),
        ("resolved.config.forgeURL", "https://evil.example.org/?x", "the URL must be of the form"),
        ("resolved.config.delivery", "Push", "Input should be"),
        ("resolved.config.authorName", "A <b>", "must be one line without"),
        ("resolved.config.authorEmail", "nobody", "must be an address"),
        ("resolved.config.edits.0.path", ".github/workflows/x", "no segment beginning with .git"),
        ("resolved.config.edits.0.key", "a b", "key must be the names on the way"),
        ("resolved.argocd.applications.0.namespace", "Argo", "this must be a namespace"),
        ("resolved.argocd.settle", "2h", "must be a duration between"),
        ("resolved.pipeline.generation", -1, "greater than or equal to 0"),
        ("app", "../x", "an app's name must be"),
        ("version", "latest", "version must be of the form"),
        ("attempt", 0, "greater than or equal to 1"),
        ("attempt", 2**40, "less than or equal to"),
        ("image.digest", "sha256:1", "String should match pattern"),
        ("image.revision", "main", "String should match pattern"),
        ("config.mergedCommit", "main", "String should match pattern"),
        ("config.branch", "-f", "must be the name of a git branch"),
        ("pullRequest.url", "javascript:alert(1)", "url must be a page of the forge"),
        ("pullRequest.number", 0, "greater than or equal to 1"),
        ("pullRequest.headSHA", "x", "String should match pattern"),
        ("applications", [{"namespace": "a/b", "name": "x"}], "this must be a namespace"),
        ("steps.0.startedAt", "0000-01-01T00:00:00Z", "datetime"),
    ],
)
def test_what_no_operator_writes_is_a_fault_and_nothing_is_taken_from_it(
    path: str, value: object, said: str
) -> None:
    record = parse_status(_with(_status(), path, value))

    assert record.fault is not None
    assert record.fault.startswith("status.")
    assert said in record.fault
    assert record.fault.endswith(".")
    assert (record.resolved, record.image, record.proposal) == (None, None, None)
    assert (record.pull_request, record.merged_commit, record.applications) == (None, None, ())


def test_a_value_that_is_refused_is_not_repeated() -> None:
    record = parse_status(_with(_status(), "resolved.build.contextDir", MOUNTED))

    assert MOUNTED not in (record.fault or "")
    assert "status.resolved.build.contextDir" in (record.fault or "")


def test_a_merged_draft_is_a_fault() -> None:
    wish = PullRequestWish(merge=MergeMode.AUTO, labels=("release",))
    status = _status(config=replace(RESOLVED.config, pull_request=wish))

    assert parse_status(status).fault is None
    assert "a draft is not merged" in str(
        parse_status(_with(status, "resolved.config.pullRequest.draft", value=True)).fault
    )


def test_what_is_resolved_for_no_app_is_a_fault() -> None:
    status = _status()
    del status["app"]

    assert "without status.app" in str(parse_status(status).fault)


def test_a_faulty_status_keeps_what_a_halt_and_a_retry_need() -> None:
    status = _with(_status(), "resolved.build.contextDir", MOUNTED)
    status |= {"attempt": 3, "lastHandledRetry": "1", "lastHandledRefresh": "2"}
    record = parse_status(status)

    assert (record.attempt, record.last_handled_retry, record.last_handled_refresh) == (3, "1", "2")
    assert record.outcome is Outcome.WORKING


def _texts(model: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - a type
    """Give all fields of a model and those below it, by path."""
    for name, known in model.model_fields.items():
        inner = [known.annotation, *get_args(known.annotation)]
        models = [kind for kind in inner if hasattr(kind, "model_fields")]
        models += [arg for kind in inner for arg in get_args(kind) if hasattr(arg, "model_fields")]
        yield from (_texts(models[0], f"{path}{name}.") if models else [(f"{path}{name}", known)])


FREE = {
    # What stands in no rule of a pipeline: the API server's own, words of a closed set, switches.
    "pipeline.uid",
    "pipeline.generation",
    "config.edits.key",  # by its format, as a whole object
}


def test_every_text_that_is_resolved_has_the_rules_of_a_pipeline() -> None:
    free = set()
    for path, known in _texts(Resolved):
        kind = TypeAdapter(known.annotation)
        if known.metadata:
            kind = TypeAdapter(known.rebuild_annotation())
        try:
            kind.validate_python("\x00 ../$(x)")
        except ValidationError:
            continue
        free.add(path)

    assert free == FREE - {"pipeline.generation"}


def test_a_rule_only_the_api_server_knows_is_no_rule_of_a_status() -> None:
    with pytest.raises(TypeError, match="has no rule"):
        obeys(str)


@pytest.mark.parametrize("merge", list(MergeMode))
def test_a_status_of_an_older_operator_is_read(merge: MergeMode) -> None:
    wish = PullRequestWish(merge=merge)
    record = replace(
        record_before(StepName.MERGED),
        resolved=replace(RESOLVED, config=replace(RESOLVED.config, pull_request=wish)),
    )
    status = render_status(RELEASE, record, NOW)
    del status["resolved"]["config"]["delivery"]
    for edit in status["resolved"]["config"]["edits"]:
        del edit["value"], edit["format"], edit["create"]

    assert parse_status(status) == record
    assert isinstance(parse_status(status), Record)
