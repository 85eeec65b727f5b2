"""The operations of the REST API that are there, by GitHub's own `operationId`."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.github.rest import accounts, commits, deployments, issues, pulls, repositories
from testbed.github.rest.call import Endpoint

ENDPOINTS: Mapping[str, Endpoint] = {
    **accounts.ENDPOINTS,
    **commits.ENDPOINTS,
    **deployments.ENDPOINTS,
    **issues.ENDPOINTS,
    **pulls.ENDPOINTS,
    **repositories.ENDPOINTS,
}
