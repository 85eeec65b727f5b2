"""What others say is cut where no half of a secret stays, and freed of the credential's own."""

import json
from typing import Any

import pytest

from album_operator.adapters.foreign_words import scrub
from album_operator.adapters.git.failures import translate, words
from album_operator.adapters.gitea import answers as gitea_answers
from album_operator.adapters.github.answers import parse_answer, printable
from album_operator.domain.places import Credential, ForgePlace, GitHubApp, GitPlace
from tests.unit.core.canaries import CANARIES, forms, shout

CREDENTIAL = Credential(
    "album-git",
    "https://git.example.org",
    CANARIES["username"],
    CANARIES["note"],
    CANARIES["identity"],
    CANARIES["known_hosts"],
    GitHubApp("1", 2, CANARIES["privateKey"]),
)
OWN = ("username", "note", "identity", "privateKey")
FORGE = ForgePlace("https://git.example.org/api/v1", "owner/name", CREDENTIAL)
GIT = GitPlace("https://git.example.org/owner/name", CREDENTIAL)


def _said(said: str) -> dict[str, str]:
    """Give what each adapter makes of these words."""
    body = json.dumps({"message": said})
    gitea = gitea_answers.parse_answer(FORGE, 500, {}, body.encode())
    github = parse_answer(500, {}, body, lambda text: scrub(text, CREDENTIAL))
    return {
        "git": words(said, CREDENTIAL),
        "git, failed": translate(GIT, "read", f"fatal: {said}").sentence,
        "Gitea": gitea.said,
        "GitHub": github.said,
    }


def test_no_adapter_repeats_its_own_credential() -> None:
    for name in OWN:
        for form in forms(CANARIES[name]):
            for adapter, text in _said(f"it knows {form} now").items():
                assert form not in text, (adapter, name)
                assert "it knows" in text


@pytest.mark.parametrize("length", range(360, 400, 3))
def test_no_adapter_cuts_a_secret_it_does_not_know_in_two(length: int) -> None:
    secret = CANARIES["docker-auth-password"]
    for adapter, text in _said(f"{'x ' * (length // 2)}{secret} follows").items():
        assert secret in text or secret[:5] not in text, adapter


def test_a_long_answer_is_cut_at_a_word() -> None:
    assert all(len(text) < 600 for text in _said(shout()).values())
    assert printable("x" * 500) == ""


def test_a_credential_is_not_told_by_its_repr() -> None:
    shown: Any = repr(CREDENTIAL)

    assert not [name for name in ("note", "identity", "privateKey") if CANARIES[name] in shown]
