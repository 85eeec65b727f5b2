"""What servers say, freed of secrets and cut before it goes into a message."""

from functools import lru_cache

from album_operator.domain.places import Credential
from album_operator.domain.redaction import Redactor
from album_operator.domain.secret_words import words_of

WORDS_LENGTH = 400
"""Longest part of what a server said that goes into a message, in characters."""


def scrub(text: str, credential: Credential) -> str:
    """Take all secrets of a credential out of a text, in each form somebody could show them."""
    return _redactor(credential).clean(text)


@lru_cache(maxsize=256)
def _redactor(credential: Credential) -> Redactor:
    app = credential.app
    keys = {
        "username": credential.username,
        "token": credential.token,
        "identity": credential.identity,
        "privateKey": app.private_key if app is not None else "",
    }
    return Redactor([words_of({key: value.encode() for key, value in keys.items()})])
