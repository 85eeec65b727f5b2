"""Whom a pipeline has its releases told to, by the Secrets that it names."""

from collections.abc import Collection

from album_operator.decisions import sinks
from album_operator.domain.notifications import Sink
from album_operator.domain.pipeline import NotificationSink
from album_operator.domain.release import Ref
from album_operator.ports import Secrets


async def read_sink(
    secrets: Secrets, pipeline: Ref, wish: NotificationSink, hosts: Collection[str]
) -> Sink:
    """Give one of a pipeline's sinks; no Secret is read where none may be named.

    Raises:
        TransientError: the Secret could not be read.
        TerminalError: `CredentialsMissing` or `HostNotAllowed`.
    """
    if not hosts:
        raise sinks.none_allowed(wish)
    secret = await secrets.find_sink_secret(Ref(pipeline.namespace, wish.secret_ref.name))
    return sinks.sink_of(pipeline, wish, secret, hosts)
