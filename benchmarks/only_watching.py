"""A Kopf that only watches what the operator watches: `python -m benchmarks.only_watching`.

What it needs is what anybody pays for Kopf. It is told by the environment:

- `KUBECONFIG`: where the API server is;
- `NAMESPACE`: where it watches;
- `LAST`: name of a release;
- `SEEN`: a file that it makes once it has seen that one.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import kopf

from album_operator.render.job import RELEASE_LABEL
from album_operator.waking.handlers import JOBS, RELEASES


def main() -> None:
    """Watch until the process is ended."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - as Kopf calls
        return kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event(*RELEASES, registry=registry)
    async def release_changed(name: str, **_: Any) -> None:  # noqa: ANN401 - as Kopf calls
        if name == os.environ["LAST"]:
            Path(os.environ["SEEN"]).touch()

    @kopf.on.event(*JOBS, registry=registry, labels={RELEASE_LABEL: kopf.PRESENT})
    async def job_changed(**_: Any) -> None:  # noqa: ANN401 - as Kopf calls
        pass

    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.label_selectors[JOBS] = RELEASE_LABEL
    asyncio.run(
        kopf.operator(
            registry=registry,
            settings=settings,
            namespaces=[os.environ["NAMESPACE"]],
            standalone=True,
        )
    )


if __name__ == "__main__":
    main()
