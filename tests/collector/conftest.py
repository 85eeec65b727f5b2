"""An API server with the operator's rights, and a real OpenTelemetry Collector."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import yaml

from testbed.offline import gotools
from tests.integration.manifests.conftest import Installed, installing

RunCollector = Callable[[dict[str, object], Path], AbstractContextManager[Path]]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with installing(tmp_path_factory.mktemp("manifests")) as result:
        yield result


@pytest.fixture(scope="session")
def collector() -> RunCollector:
    """Give a function that runs a collector with a configuration, and gives the file of its log."""
    program = gotools.ensure(["otelcol"]) / "otelcol"

    @contextmanager
    def run(configuration: dict[str, object], folder: Path) -> Iterator[Path]:
        path, log = folder / "collector.yaml", folder / "collector.log"
        path.write_text(yaml.safe_dump(configuration))
        with log.open("ab") as out:
            process = subprocess.Popen(
                [program, f"--config={path}"], cwd=folder, stdout=out, stderr=subprocess.STDOUT
            )
            try:
                yield log
            finally:
                process.terminate()
                process.wait(timeout=30)

    return run
