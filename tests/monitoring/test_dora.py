"""The five figures are what they say, on series of which they are known."""

import json
from pathlib import Path

from distribution.dora import FINISHED, Figure, Window, figures
from tests.monitoring.conftest import Promtool
from tests.monitoring.queries import unknown_in
from tests.unit.docs.documents import fences, read

MONTH = figures(Window("30d", "30"))
OF_APPS = figures(Window("30d", "30", 'namespace="album"', "app"))

WEB = 'namespace="album",pipeline="shop",app="web"'
LEAD, RECOVERY = "album_release_lead_time_seconds_bucket", "album_recovery_seconds_bucket"
REWORK = "album_releases_rework_total"

QUIET = {
    f'{FINISHED}{{{WEB},reason="Released"}}': 30,
    # Never merged.
    f'{FINISHED}{{{WEB},reason="BuildFailed"}}': 50,
    f'{LEAD}{{{WEB},le="1800"}}': 0,
    f'{LEAD}{{{WEB},le="3600"}}': 30,
    f'{LEAD}{{{WEB},le="+Inf"}}': 30,
}
"""How much each series of an app grew in which nothing failed."""

TROUBLED = QUIET | {
    f'{FINISHED}{{{WEB},reason="Degraded"}}': 6,
    f'{FINISHED}{{{WEB},reason="RolledBack"}}': 4,
    f"{REWORK}{{{WEB}}}": 3,
    f'{RECOVERY}{{{WEB},le="900"}}': 0,
    f'{RECOVERY}{{{WEB},le="3600"}}': 10,
    f'{RECOVERY}{{{WEB},le="+Inf"}}': 10,
}


def _check(
    promtool: Promtool,
    folder: Path,
    grown: dict[str, int],
    wanted: dict[Figure, float | None],
    labels: str = "{}",
) -> None:
    """Let Prometheus say what the figures are of series that grew on the second day."""
    asked = [
        {
            # increase() looks a little beyond what it knows, so that hundredths are right.
            "expr": f"round(100 * ({figure.query}))",
            "eval_time": "30d",
            "exp_samples": [] if value is None else [{"labels": labels, "value": 100 * value}],
        }
        for figure, value in wanted.items()
    ]
    series = [{"series": name, "values": f"0x24 {by}x720"} for name, by in grown.items()]
    case = {"interval": "1h", "input_series": series, "promql_expr_test": asked}
    path = folder / "figures.json"
    path.write_text(json.dumps({"evaluation_interval": "1h", "tests": [case]}))
    assert "SUCCESS" in promtool("test", "rules", path)


def test_of_a_month_with_failures(promtool: Promtool, tmp_path: Path) -> None:
    values = (2700.0, 1.0, 2250.0, 0.25, 0.1)
    _check(promtool, tmp_path, TROUBLED, dict(zip(MONTH, values, strict=True)))
    _check(promtool, tmp_path, TROUBLED, dict(zip(OF_APPS, values, strict=True)), '{app="web"}')


def test_where_nothing_failed_the_shares_are_none_and_not_unknown(
    promtool: Promtool, tmp_path: Path
) -> None:
    values = (2700.0, 1.0, None, 0.0, 0.0)
    _check(promtool, tmp_path, QUIET, dict(zip(MONTH, values, strict=True)))


def test_a_counter_that_begins_anew_with_another_leader_is_added_up(
    promtool: Promtool, tmp_path: Path
) -> None:
    released = f'{FINISHED}{{{WEB},reason="Released",pod='
    grown = {f'{released}"a"}}': 20, f'{released}"b"}}': 10}
    _check(promtool, tmp_path, grown, {MONTH[1]: 1.0})


def test_the_page_has_these_five() -> None:
    page = read("docs/dora.md")
    assert [one.text.split() for one in fences(page)] == [one.query.split() for one in MONTH]
    assert all(f"**{one.name}**" in page for one in MONTH)


def test_what_they_ask_for_exists() -> None:
    assert [unknown_in(one.query) for one in (*MONTH, *OF_APPS)] == [[]] * 10
