"""What a Secret lacks, or must not be used for, whoever finds that out."""

from album_operator.domain.errors import TerminalError
from album_operator.domain.names import origin_of, without_user
from album_operator.domain.places import Credential
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref

KNOW_HOST = (
    "Add what ssh-keyscan says of it (-p for another port than 22), after comparing its "
    "fingerprint (ssh-keygen -lf) with those the forge publishes"
)

KEYS = {
    "token": (
        "which {url} is reached with: `identity` serves ssh:// URLs alone",
        "Add a token of the forge",
    ),
    "identity": (
        "the private key {url} is reached with over SSH",
        "Add it and `known_hosts`, or name an https:// URL in the pipeline",
    ),
    "known_hosts": (
        "without which the server of {url} cannot be told from an impostor",
        KNOW_HOST,
    ),
}
"""What each key of a git Secret is for, and the way out where it is missing."""


def missing_secret(ref: Ref, what: str) -> TerminalError:
    """Say that a Secret does not exist, with the command that makes it.

    Args:
        ref: the Secret.
        what: what it is for: `git`, `ssh`, `forge` or `registry`.
    """
    if what == "registry":
        command = (
            f"kubectl create secret docker-registry -n {ref.namespace} {ref.name} "
            "--docker-server=… --docker-username=… --docker-password=…"
        )
    elif what == "ssh":
        command = (
            f"kubectl create secret generic -n {ref.namespace} {ref.name} "
            "--from-literal=url=ssh://… --from-file=identity=… --from-file=known_hosts=…"
        )
    else:
        command = (
            f"kubectl create secret generic -n {ref.namespace} {ref.name} "
            "--from-literal=url=https://… --from-literal=token=…"
        )
    return TerminalError(
        Reason.CREDENTIALS_MISSING,
        f"Secret {ref} with the {what} credential does not exist.",
        f"Create it ({command})",
    )


def missing_key(secret: str, key: str, url: str) -> TerminalError:
    """Say that a Secret lacks what a URL of the pipeline is reached with.

    Args:
        secret: name of the Secret.
        key: `token`, `identity` or `known_hosts`.
        url: where it would be used.
    """
    use, remedy = KEYS[key]
    said = f"Secret {secret} has no key `{key}`, {use.format(url=without_user(url))}."
    return TerminalError(Reason.CREDENTIALS_MISSING, said, remedy)


def foreign_host(secret: str, credential: Credential, url: str) -> TerminalError:
    """Say that a Secret's own `url` keeps it from being used where a pipeline points."""
    return TerminalError(
        Reason.HOST_NOT_ALLOWED,
        f"Secret {secret} is for {origin_of(credential.url)} by its key `url`, so it is not sent "
        f"to {url}.",
        "Name another Secret in the pipeline or correct the Secret's url",
    )
