"""The local world of the project: a cluster, Argo CD, a git forge and a registry."""

from testbed.access import Testbed
from testbed.commands import PartError
from testbed.settings import Settings, from_environment

__all__ = ["PartError", "Settings", "Testbed", "from_environment"]
