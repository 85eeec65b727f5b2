"""What templates give, and which names a branch can have."""

from dataclasses import replace

import pytest

from album_operator.domain import templates
from album_operator.domain.release import PullRequestWish
from album_operator.domain.resolved import Resolved
from tests.fakes.builders import DIGEST, RESOLVED


def _with(wish: PullRequestWish, environment: str | None = "prod") -> Resolved:
    return replace(
        RESOLVED,
        pipeline=replace(RESOLVED.pipeline, environment=environment),
        config=replace(RESOLVED.config, pull_request=wish),
    )


def test_without_a_template_the_names_are_the_conventions() -> None:
    assert templates.branch_of(RESOLVED) == "release/backend_v1.1.0"
    assert templates.title_of(RESOLVED, DIGEST) == "release: backend v1.1.0"


@pytest.mark.parametrize(
    ("template", "prefix"),
    [(None, "release/"), ("${app}/${version}", ""), ("bot/${app}", "bot/"), ("next", "next")],
)
def test_branches_are_found_by_what_all_of_a_template_begin_with(
    template: str | None, prefix: str
) -> None:
    assert templates.branch_prefix(template) == prefix


def test_every_variable_has_its_value() -> None:
    title = " ".join(f"${{{name}}}" for name in templates.VARIABLES)

    assert templates.title_of(_with(PullRequestWish(title=title)), DIGEST).split() == [
        "backend",
        "v1.1.0",
        "backend-v1.1.0",
        "album-app",
        "ghcr.io/owner/album-app-backend:v1.1.0",
        DIGEST,
        "prod",
    ]


def test_a_branch_is_made_of_what_is_known_before_the_build() -> None:
    made = templates.branch_of(_with(PullRequestWish(branch="${environment}/${tag}-${digest}")))

    assert made == "prod/backend-v1.1.0-${digest}"
    assert not templates.is_branch(made)


def test_what_is_no_variable_stays_as_it_is_written() -> None:
    title = "$5 for ${nobody} and $${app} {app}"

    said = templates.title_of(_with(PullRequestWish(title=title), None), DIGEST)

    assert said == "$5 for ${nobody} and $backend {app}"


@pytest.mark.parametrize(
    "name", ["a", "release/x_v1.0.0", "prod/@acme/x@v1", "@acme/x@v1", "a-b/c+d"]
)
def test_such_a_branch_there_can_be(name: str) -> None:
    assert templates.is_branch(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "-a", "a..b", "a b", "a@{1}", "a.lock", "a.lock/b", "/a", "a/", "a//b", "a/.b"),
        *(".a", "a.", "a\n", "a~1", "a:b", "refs/heads/a", "${app}"),
    ],
)
def test_no_such_branch_there_can_be(name: str) -> None:
    assert not templates.is_branch(name)
