"""Git's configuration, all of it: no file of the system, a user or a repository adds to it."""

STALL_SECONDS = 20
STALL_BYTES_PER_SECOND = 10_000

SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    # Longer files go through git in pieces, and are not for people: as long as any that is read.
    "core.bigFileThreshold": "4m",
    # What is kept of bases while deltas are resolved; of packs, how much is mapped at a time.
    "core.deltaBaseCacheLimit": "8m",
    "core.packedGitLimit": "32m",
    "core.packedGitWindowSize": "8m",
    "core.fsmonitor": "false",
    # All that is written here can be fetched again, so no disk is waited for.
    "core.fsync": "none",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    # One pack and no loose objects, so that a limit of a file's length is one of all that comes.
    "fetch.unpackLimit": "1",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": str(STALL_BYTES_PER_SECOND),
    "http.lowSpeedTime": str(STALL_SECONDS),
    "maintenance.auto": "false",
    # Each thread has memory of its own, and there are few objects.
    "pack.threads": "1",
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
