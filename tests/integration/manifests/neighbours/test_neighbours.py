"""Everything a hostile namespace can do at once, while another makes ten releases."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from testbed.commands import wait_until
from tests.contract.http_backend import running_backend
from tests.contract.memory_of_tree import MIB, TO_SPARE, shipped_limit, watched
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.neighbours.attacks import EXPECTED, attack, make_repositories
from tests.integration.manifests.neighbours.controllers import Controllers
from tests.integration.manifests.neighbours.hostile_servers import running_hostile_server
from tests.integration.manifests.neighbours.teams import (
    OWNER,
    PASSWORD,
    Namespace,
    await_reasons,
    delete_applications,
    release_all,
    running_forge,
    set_up_team,
)
from tests.integration.manifests.operator_process import running_operator

READY_SECONDS = 60
TOGGLE_SECONDS = 2.0


@contextmanager
def _toggled_rights(namespace: Namespace) -> Iterator[None]:
    """Take the operator's rights in a namespace and give them back, again and again."""
    ending = threading.Event()

    def toggle() -> None:
        are_there = True
        while not ending.wait(TOGGLE_SECONDS):
            are_there = not are_there
            namespace.toggle_rights(are_there=are_there)

    thread = threading.Thread(target=toggle)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        namespace.toggle_rights(are_there=True)


def test_ten_releases_take_no_longer_beside_a_hostile_namespace(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    team, mallory = Namespace(server, "melody"), Namespace(server, "mallory")
    with ExitStack() as stack:
        forge = stack.enter_context(running_forge(tmp_path / "forge"))
        backend = stack.enter_context(running_backend(tmp_path / "hostile"))
        hostile = stack.enter_context(running_hostile_server())
        make_repositories(backend)
        for namespace in (team, mallory):
            namespace.serve()
        # Other tests on the same server watch Argo CD's namespace too.
        stack.callback(delete_applications, server)
        set_up_team(team, forge)
        last_words = {mallory.name: f"error: cannot log in with bot:{PASSWORD}"}
        controllers = Controllers(
            server,
            [team.name, mallory.name],
            forge.git_dir(f"{OWNER}/album-app-config"),
            last_words,
        )
        stack.enter_context(controllers.running())
        operator = stack.enter_context(
            running_operator(
                installed,
                tmp_path,
                f"{team.name},{mallory.name}",
                ALBUM_INSECURE_HOSTS=f"{forge.host},{backend.host},{hostile.host}",
                ALBUM_CACHE_DIR=str(tmp_path / "cache"),
                ALBUM_FETCH_BYTES=str(16 * MIB),
                ALBUM_MERGE_POLL_SECONDS="0.3",
            )
        )
        wait_until(operator.is_ready, part="operator", what="become ready", seconds=READY_SECONDS)

        usual = release_all(team, "v1.1.0")
        with watched(operator.process.pid, tmp_path / "cache") as peak:
            attack(mallory, backend, hostile)
            wait_until(hostile.asked.is_set, part="attack", what="begin", seconds=30)
            with _toggled_rights(mallory):
                beside = release_all(team, "v1.2.0")
            await_reasons(mallory, EXPECTED)
        assert operator.is_ready()
        assert 0 < peak.memory < shipped_limit() - TO_SPARE, f"{peak.memory / MIB:.0f} MiB"
        assert max(beside.values()) <= 2 * max(usual.values()), (usual, beside)
        assert PASSWORD not in str(mallory.releases())
        assert PASSWORD not in operator.log.read_text()
