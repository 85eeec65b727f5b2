"""What tags may begin in one namespace, on a real API server, and that the next one waits for none.

Another process of the operator knows what was made within the hour by the releases themselves.
"""

from pathlib import Path

from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_stage import Stage
from tests.integration.manifests.tag_desk import Desk, desk_in

APPS = tuple(f"app{number}" for number in range(6))
MADE, IN_FLIGHT = 4, 2
LIMITS = {
    "ALBUM_TRIGGERED_RELEASES_PER_HOUR": str(MADE),
    "ALBUM_RELEASES_PER_NAMESPACE": str(IN_FLIGHT),
}
LATER = f"triggers have made {MADE} in namespace greedy within an hour"
WAITS = f"Of at most {IN_FLIGHT} in flight at once there"


def test_a_forge_full_of_tags_begins_so_many_releases_and_keeps_no_other_team_waiting(
    installed: Installed, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("greedy", "modest")]
    for folder in folders:
        folder.mkdir()
    with (
        desk_in(installed, "greedy", folders[0], {}, APPS) as greedy,
        desk_in(installed, "modest", folders[1], {}) as modest,
    ):
        greedy.push(*(f"{app}-v1.1.0" for app in APPS))
        with greedy.operator(beside=(modest,), **LIMITS) as operator:
            _await_limits(greedy, operator)
            modest.push("backend-v1.1.0")
            assert modest.deliver("backend-v1.1.0", port=greedy.port) == 204
            operator.until(lambda: modest.jobs() == {"backend-v1.1.0"}, "build for the other team")
            made, building = greedy.names(), greedy.jobs()

        with greedy.operator(beside=(modest,), **LIMITS) as operator:
            last = sorted(building)[0]
            patch = {"spec": {"cancel": True}}
            assert greedy.server.request("PATCH", f"{greedy.releases}/{last}", patch).status == 200
            operator.until(
                lambda: len(greedy.jobs()) == IN_FLIGHT and last not in greedy.jobs(),
                "begin one in the place of that which was cancelled",
            )
            late = next(app for app in APPS if f"{app}-v1.1.0" not in made)
            greedy.push(f"{late}-v1.2.0")
            greedy.deliver(f"{late}-v1.2.0")
            operator.until(
                lambda: greedy.trigger(late).get("message", "").startswith(f"Tag {late}-v1.2.0 "),
                "tell of a tag that is beyond the limit",
            )
            assert LATER in greedy.trigger(late)["message"]
            assert greedy.names() == made


def _await_limits(desk: Desk, operator: Stage) -> None:
    """Wait until as much has begun as may, and all else says what it waits for."""
    operator.until(
        lambda: (
            sorted(desk.reason(name) for name in desk.names())
            == ["Building"] * IN_FLIGHT + ["Queued"] * (MADE - IN_FLIGHT)
        ),
        f"make {MADE} releases and begin {IN_FLIGHT}",
    )
    queued = [name for name in desk.names() if desk.reason(name) == "Queued"]
    assert all(WAITS in str(desk.find(name).body["status"]["conditions"]) for name in queued)
    assert desk.jobs() == desk.names() - {*queued}

    def told() -> list[str]:
        return [app for app in APPS if LATER in desk.trigger(app).get("message", "")]

    operator.until(lambda: len(told()) == len(APPS) - MADE, "tell of the other tags")
