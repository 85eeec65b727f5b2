"""Fetches what the environment says, and ends with one sentence where that cannot be done."""

import os
import sys
from pathlib import Path

from album_operator.adapters.servers.authorities import AuthoritiesError, trusting
from album_operator.domain.errors import OutsideError
from album_operator.domain.proxies import HTTPS_PROXY, parse_proxy
from album_operator.domain.redaction import Redactor, head
from album_operator.domain.remedy import THEN_RETRY, in_words
from album_operator.domain.secret_words import words_of
from album_operator.fetch_source.registry import hand_over_registry
from album_operator.fetch_source.source import fetch_with_patience
from album_operator.fetch_source.task import CREDENTIAL, TaskError, read_task
from album_operator.render.network import CA_KEY

TERMINATION_LOG = Path("/dev/termination-log")
MESSAGE_LENGTH = 2048


def main() -> int:
    """Fetch what the environment says; the exit code is 0 only if all files are there."""
    clean = _redactor(Path(os.environ.get("ALBUM_CREDENTIAL") or CREDENTIAL)).clean

    def say(line: str) -> None:
        sys.stdout.write(f"fetch-source: {clean(line)}\n")
        sys.stdout.flush()

    try:
        with trusting(Path(file) if (file := os.environ.get("ALBUM_CA_FILE")) else None):
            task = read_task(os.environ)
            hand_over_registry(os.environ)
            fetch_with_patience(task, say)
    except (OutsideError, TaskError) as error:
        message = str(error)
    except AuthoritiesError as error:
        message = _no_authorities(os.environ.get("ALBUM_BUILD_CA_CONFIGMAP", ""), error)
    except OSError as error:
        message = f"The source cannot be written: {error}."
    else:
        say("done")
        return 0
    message = clean(message)
    sys.stderr.write(f"{message}\n")
    # The kubelet makes the file; elsewhere there is none and none is made.
    if TERMINATION_LOG.exists():
        TERMINATION_LOG.write_text(head(message, MESSAGE_LENGTH))
    return 1


def _no_authorities(config_map: str, error: AuthoritiesError) -> str:
    """Say what lacks: the kubelet starts a container also where such a ConfigMap is not there."""
    said = f"ConfigMap {config_map} of the release's namespace gives no authorities: {error}."
    remedy = (
        f"Put them into its key `{CA_KEY}` as PEM, or have the operator's ALBUM_BUILD_CA_CONFIGMAP "
        "corrected"
    )
    return in_words(said, remedy, THEN_RETRY)


def _redactor(folder: Path) -> Redactor:
    """Take all keys of the mounted Secret, and a proxy's password, out of what is said."""
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    urls = [os.environ.get(name, "") for name in (HTTPS_PROXY, HTTPS_PROXY.lower())]
    proxies = filter(None, map(parse_proxy, urls))
    return Redactor(
        [
            words_of({path.name: path.read_bytes() for path in files}),
            *(proxy.words for proxy in proxies),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
