"""The sample repositories of the testbed, and the two apps in them, running under Argo CD."""

from testbed.samples.applications import (
    root_application,
    running_version,
    sync_once,
    wait_healthy,
)
from testbed.samples.deploy import ensure, prepare, reset
from testbed.samples.examples import render_pipeline
from testbed.samples.publish import publish, reset_repositories

__all__ = [
    "ensure",
    "prepare",
    "publish",
    "render_pipeline",
    "reset",
    "reset_repositories",
    "root_application",
    "running_version",
    "sync_once",
    "wait_healthy",
]
