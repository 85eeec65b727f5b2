"""`python -m testbed`: the local world of the project."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from testbed import cluster, lifecycle, rights, status
from testbed.access import Testbed
from testbed.commands import PartError, end_running
from testbed.offline import gotools
from testbed.settings import Settings, SettingsError, from_environment

_EPILOG = """\
environment:
  TESTBED_NAME    name of the testbed (album); testbeds of different names live side by side
  TESTBED_CACHE   finished programs and images, kept by `down` (~/.cache/album-testbed)
  TESTBED_STATE   what `down` removes (~/.local/state/album-testbed)
  TESTBED_MIRROR  host:port of a registry that stands in for all public ones (none)
  DOCKER_HOST     the Docker Engine to use; without it, the one that answers, else one of our own

In a shell:  eval "$(python -m testbed env)"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments after the program's name; those of the process by default.

    Returns:
        The exit status: 0 done, 1 a part failed, 2 wrong use, 130 interrupted.
    """
    arguments = _parser().parse_args(argv)
    # A terminated command cleans up as an interrupted one does.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(arguments, from_environment())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except PartError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; `up` goes on from here, `down` removes it", file=sys.stderr)
        return 130
    finally:
        end_running()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testbed",
        description="A kind cluster with Argo CD, a git forge (Gitea) and a registry, locally.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="bring it up, or go on where that was broken off")
    commands.add_parser("down", help="remove everything but the cache")
    commands.add_parser("purge", help="remove everything, the cache too")
    commands.add_parser("env", help="print export lines for a shell")
    commands.add_parser("status", help="say what runs; status 0 if everything does")
    used = commands.add_parser("rights", help="say which of the operator's rights were used so far")
    used.add_argument("logs", nargs="*", type=Path, help="audit logs; those of the testbed if none")
    load = commands.add_parser("load-image", help="put an image archive into the node")
    load.add_argument("file", type=Path, help="archive as `docker save` writes it")
    tools = commands.add_parser("tools", help="build Go programs and print their folder")
    tools.add_argument("names", nargs="+", metavar="NAME", help="for example kubectl or etcd")
    return parser


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    match arguments.command:
        case "up":
            lifecycle.up(settings)
        case "down":
            lifecycle.down(settings)
        case "purge":
            lifecycle.purge(settings)
        case "env":
            for name, value in Testbed.from_settings(settings).env().items():
                print(f"export {name}={shlex.quote(value)}")
        case "status":
            return status.report(settings)
        case "rights":
            logs = arguments.logs or rights.find_logs(cluster.audit_log(settings))
            return rights.report(logs)
        case "load-image":
            Testbed.from_settings(settings).load_image(arguments.file)
        case "tools":
            print(gotools.ensure(arguments.names, settings))
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
