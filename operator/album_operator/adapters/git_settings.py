"""Git's configuration, all of it: no file of the system, a user or a repository adds to it."""

STALL_SECONDS = 20
STALL_BYTES_PER_SECOND = 1000

SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "core.fsmonitor": "false",
    # All that is written here can be fetched again, so no disk is waited for.
    "core.fsync": "none",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": str(STALL_BYTES_PER_SECOND),
    "http.lowSpeedTime": str(STALL_SECONDS),
    # Proxies of the process's environment are not trusted with a token.
    "http.proxy": "",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "push.recurseSubmodules": "no",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "true",
}

KEPT = {
    # Without it git writes the filter of a fetch into the repository's own configuration.
    "remote.origin.promisor": "true",
    "remote.origin.partialclonefilter": "tree:0",
}
"""More for fetches into kept repositories. Nothing else gets it: git shall fetch none by itself."""

PARTLY = KEPT | {
    # What is here is never told: the server would take a part of a commit for all of it.
    "fetch.negotiationAlgorithm": "noop",
}
"""More for fetches of single objects."""
