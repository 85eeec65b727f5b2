"""Whom a pipeline may have its releases told to: where an admin lets pipelines, signed."""

from collections.abc import Collection
from urllib.parse import urlsplit

from album_operator.domain.errors import TerminalError
from album_operator.domain.notifications import (
    KEY_FORM,
    NEW_KEY,
    TOLD,
    Sink,
    SinkFormat,
    SinkSecret,
    find_key,
    find_url_fault,
)
from album_operator.domain.pipeline import NotificationSink
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref

HOSTS = "ALBUM_NOTIFICATION_HOSTS"


def sink_of(
    pipeline: Ref, wish: NotificationSink, secret: SinkSecret | None, hosts: Collection[str]
) -> Sink:
    """Give a sink as its pipeline wants it.

    Args:
        pipeline: the AlbumPipeline.
        wish: one of its sinks.
        secret: what its Secret holds; None where there is none.
        hosts: `host[:port]` that pipelines may name; without a port, on all of its ports.

    Raises:
        TerminalError: `CredentialsMissing` or `HostNotAllowed`.
    """
    ref = Ref(pipeline.namespace, wish.secret_ref.name)
    if secret is None:
        raise TerminalError(
            Reason.CREDENTIALS_MISSING,
            f"Secret {ref} of notification sink {wish.name} does not exist.",
            f"Create it (kubectl create secret generic -n {ref.namespace} {ref.name} "
            "--from-literal=url=https://… --from-literal=key=whsec_…)",
        )
    _check_url(ref, secret.url, hosts)
    return Sink(
        f"{pipeline}/{wish.name}",
        secret.url,
        wish.format,
        frozenset(wish.events) or TOLD[wish.format],
        _key_of(ref, wish.format, secret.key),
        owner=pipeline.namespace,
    )


def none_allowed(wish: NotificationSink) -> TerminalError:
    """Say that pipelines may name no sink at all."""
    return TerminalError(
        Reason.HOST_NOT_ALLOWED,
        f"Notification sink {wish.name} is told nothing: no host is listed in {HOSTS}, so that no "
        "pipeline may name one.",
        f"Take it out of spec.notifications, or have an admin add its host to the operator's "
        f"{HOSTS}",
    )


def _check_url(ref: Ref, url: str, hosts: Collection[str]) -> None:
    fault = find_url_fault(url)
    if fault is None and not url.startswith("https:"):
        fault = "must begin with https://"
    if fault is not None:
        said = f"Key `url` of Secret {ref} {fault}."
        raise TerminalError(Reason.CREDENTIALS_MISSING, said, "Correct it")
    parts = urlsplit(url)
    host = parts.netloc.lower()
    name = host.removesuffix(f":{parts.port}") if parts.port else host
    if not {name, f"{name}:{parts.port or 443}"} & {one.lower() for one in hosts}:
        raise TerminalError(
            Reason.HOST_NOT_ALLOWED,
            f"Secret {ref} has notifications sent to {host}, which is not in {HOSTS}.",
            f"Name another host in its key `url`, or have an admin add {host} to the operator's "
            f"{HOSTS}",
        )


def _key_of(ref: Ref, form: SinkFormat, text: str) -> bytes | None:
    key = find_key(text)
    if key is None and (text or form is SinkFormat.CLOUD_EVENTS):
        fault = (
            f"Key `key` of Secret {ref} must be {KEY_FORM}"
            if text
            else (f"Secret {ref} has no key `key`, which a sink of CloudEvents knows us by")
        )
        raise TerminalError(Reason.CREDENTIALS_MISSING, f"{fault}.", f"Make one by {NEW_KEY}")
    return key
