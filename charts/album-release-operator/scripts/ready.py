"""What `helm test` runs: whether an operator becomes ready, or what it says is in the way."""

import sys
import time
import urllib.error
import urllib.request


def ask(url: str) -> tuple[bool, str]:
    """Ask whether it is ready, and give its words."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the chart's own URL
            return True, answer.read().decode()
    except urllib.error.HTTPError as error:
        return False, error.read().decode()
    except OSError as error:
        return False, str(error)


def main(url: str, seconds: str) -> str | None:
    """Ask until it is ready or the time is over.

    Returns:
        What is in the way; None where nothing is, for `sys.exit`.
    """
    deadline = time.monotonic() + float(seconds)
    while True:
        is_ready, words = ask(url)
        if is_ready:
            print(words)  # noqa: T201
            return None
        if time.monotonic() > deadline:
            return words or "it answers nothing"
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
