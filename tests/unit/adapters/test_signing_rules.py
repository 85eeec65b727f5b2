"""Rules that want signed commits are told where a forge tells them, and hold nothing up else."""

from typing import Any

import pytest

from album_operator.adapters.git.push import UNSAID, UNSIGNED
from album_operator.domain.pull_requests import SigningRule
from tests.unit.adapters import github_server, test_gitea_answers
from tests.unit.adapters.github_server import REPOSITORY, Asked, reply

BRANCH = "release/a_v1.0.0"
RULES = "/repos/o/n/rules/branches/release/a_v1.0.0"

Json = Any


def _rule(kind: str = "required_signatures", number: int = 42) -> dict[str, Json]:
    return {"type": kind, "ruleset_id": number, "ruleset_source": "o/n"}


def _ruleset(bypass: str | None) -> dict[str, Json]:
    more = {} if bypass is None else {"current_user_can_bypass": bypass}
    return {"id": 42, "name": "safe", "source": "o/n", **more}


async def _at_github(rules: Json, ruleset: Json = None, status: int = 200) -> tuple[Json, int]:
    """Ask a GitHub; give what it told and how many requests that took."""

    def answer(asked: Asked) -> Json:
        if "/rules/" in asked.path:
            return reply(rules, status)
        return reply(ruleset if "/rulesets/" in asked.path else REPOSITORY)

    async with github_server.forge(answer) as github:
        seen = await github.adapter.get_repository(github.place, BRANCH)
        assert seen.may_push
        return seen.signing_rule, len(github.asked)


@pytest.mark.parametrize("bypass", ["never", "pull_requests_only"])
async def test_a_ruleset_that_binds_our_user_is_named(bypass: str) -> None:
    rule, _ = await _at_github([_rule("deletion", 1), _rule()], _ruleset(bypass))

    assert rule is not None
    assert rule.name == "ruleset safe of o/n"
    assert "Secret album-git bypass it" in rule.way_out


@pytest.mark.parametrize("bypass", ["always", "exempt", None])
async def test_a_ruleset_that_does_not_bind_our_user_is_none(bypass: str | None) -> None:
    assert (await _at_github([_rule()], _ruleset(bypass)))[0] is None


async def test_without_such_a_rule_one_request_is_all() -> None:
    assert await _at_github([_rule("deletion"), _rule("update")]) == (None, 2)


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_github_that_tells_no_rules_holds_nothing_up(status: int) -> None:
    assert (await _at_github({"message": "Upgrade to GitHub Pro"}, status=status))[0] is None


@pytest.mark.parametrize("rules", [{}, [1], [{"type": "required_signatures"}]])
async def test_rules_that_are_none_of_githubs_hold_nothing_up(rules: Json) -> None:
    assert (await _at_github(rules))[0] is None


def _protection(name: str, *, signed: bool = True) -> dict[str, Json]:
    return {"rule_name": name, "require_signed_commits": signed}


async def _at_gitea(rules: Json, *, admin: bool = True) -> SigningRule | None:
    repository = {"archived": False, "permissions": {"push": True, "admin": admin}}
    answers = {
        "/api/v1/repos/o/n": repository,
        "/api/v1/repos/o/n/branch_protections": rules,
    }
    async with test_gitea_answers.forge(answers) as (adapter, place):
        return (await adapter.get_repository(place, BRANCH)).signing_rule


@pytest.mark.parametrize(
    "name", ["**", "release/*", "release/**", "r?lease/a_v1.0.0", "Release/A_v1.0.0"]
)
async def test_a_rule_of_gitea_whose_pattern_fits_is_named(name: str) -> None:
    rule = await _at_gitea([_protection("main"), _protection(name)])

    assert rule is not None
    assert rule.name == f"rule {name}"


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [_protection("*"), _protection("main"), _protection("release/a_v1.0.?0")],
        [_protection("**", signed=False), _protection("release/*")],
        [_protection("{release,prod}/*"), _protection("**")],
        [{}],
        {"message": "x"},
        403,
        404,
    ],
)
async def test_other_rules_of_gitea_and_what_is_none_hold_nothing_up(rules: Json) -> None:
    assert await _at_gitea(rules) is None


async def test_who_is_no_admin_of_gitea_asks_for_no_rules() -> None:
    assert await _at_gitea([_protection("**")], admin=False) is None


@pytest.mark.parametrize(
    "said",
    [
        "remote: - Commits must have verified signatures.",
        "remote: Gitea: branch release/a is protected from unverified commit 0123",
    ],
)
def test_the_words_of_a_refusal_for_a_missing_signature_are_known(said: str) -> None:
    assert UNSIGNED.search(said)
    assert not UNSAID.search(said)
