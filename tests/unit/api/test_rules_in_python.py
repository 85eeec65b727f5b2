"""The rules the API server is given, asked in Python, judge each row of its table alike."""

import re
from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from album_operator.api import (
    argocd,
    build,
    build_args,
    pipeline,
    places,
    resources,
    templates,
    types,
)
from album_operator.api.model import obeys
from tests.integration.admission_rows import APP_AND_VERSION, PIPELINES, RELEASES, Row

KINDS: dict[str, object] = {
    "spec.tag": types.TagName,
    "spec.version": types.Version,
    "spec.app": types.AppName,
    "spec.pipelineRef.name": types.PipelineName,
    "spec.apps[0].contextDir": places.ContextDir,
    "spec.apps[0].dockerfile": places.DockerfilePath,
    "spec.apps[0].image": places.ImageName,
    "spec.apps[0].tagPrefix": types.TagPrefix,
    "spec.apps[0].applications[0].name": types.ObjectName,
    "spec.build.args[0].name": build_args.ArgName,
    "spec.build.args[0].value": build_args.ArgValue,
    "spec.build.versionArg": build_args.VersionArg,
    "spec.apps[0].versionArg": build_args.VersionArg,
    "spec.build.image.registry": places.RegistryHost,
    "spec.build.image.repository": places.ImageRepository,
    "spec.build.target": build.Target,
    "spec.build.timeout": build.BuildTimeout,
    "spec.build.resources.limits.cpu": resources.Cpu,
    "spec.build.resources.limits.memory": resources.Bytes,
    "spec.argocd.settle": argocd.Settle,
    "spec.argocd.timeout": argocd.Timeout,
    "spec.config.author.email": pipeline.AuthorEmail,
    "spec.config.author.name": pipeline.AuthorName,
    "spec.config.branch": places.BranchName,
    "spec.config.forge.apiURL": places.ApiURL,
    "spec.environment": templates.Environment,
    "spec.config.commitMessage": templates.CommitMessage,
    "spec.config.pullRequest.branch": templates.BranchTemplate,
    "spec.config.pullRequest.title": templates.TitleTemplate,
    "spec.config.pullRequest.body": templates.BodyTemplate,
    "spec.config.pullRequest.labels[0]": pipeline.LabelName,
    "spec.config.pullRequest.milestone": pipeline.MilestoneTitle,
    "spec.config.repository": places.RepositoryURL,
    "spec.source.repository": places.RepositoryURL,
}

OTHERS = (
    "may not be more than",
    "must be of type",
    "tag already says",
    "should be at least",
    "two apps would have the same branch",
    "stands for spec.environment",
)
"""Refusals by the schema, or by a rule on a whole object."""

ROWS = [
    row
    for row in (*RELEASES, *APP_AND_VERSION, *PIPELINES)
    if row.path in KINDS
    and isinstance(row.value, str)
    and not any(other in (row.refusal or "") for other in OTHERS)
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_rule_says_in_python_what_it_says_to_the_api_server(row: Row) -> None:
    kind = KINDS[row.path]
    check = obeys(kind).func
    value: object = row.value
    if kind in {build.BuildTimeout, argocd.Settle, argocd.Timeout}:
        try:
            value = TypeAdapter(types.Duration).validate_python(row.value)
        except ValidationError:
            assert row.refusal is not None
            return
        assert isinstance(value, timedelta)
    if row.refusal is None:
        assert check(value) == value  # type: ignore[call-arg]
        return
    with pytest.raises(ValueError, match=f"{re.escape(row.refusal)}|is no quantity"):
        check(value)  # type: ignore[call-arg]


def test_the_table_has_rows_for_most_kinds() -> None:
    assert len(ROWS) > 250
    assert len({row.path for row in ROWS}) > 15
