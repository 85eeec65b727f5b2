"""Which releases wait until another's build of their image has ended.

Known in this process only: after a restart each of them looks again, and finds the build that runs.
"""

from collections.abc import Callable, Iterable

from album_operator.domain.release import Ref


class ImageWaits:
    """Releases, and the images they wait for.

    Args:
        wake: lets a release look again; None where time alone does.
    """

    def __init__(self, wake: Callable[[Ref], None] | None = None) -> None:
        self._wake = wake
        self._waiting: dict[Ref, frozenset[str]] = {}

    def join(self, release: Ref, labels: Iterable[str]) -> None:
        """Have a release woken once a build of an image, given by its label, has ended there."""
        self._waiting[release] = frozenset(labels)

    def leave(self, release: Ref) -> None:
        """Have it woken no more."""
        self._waiting.pop(release, None)

    def end(self, namespace: str, label: str) -> None:
        """Wake those of a namespace that wait for an image, given by its label: a build ended."""
        for release, wanted in list(self._waiting.items()):
            if release.namespace == namespace and label in wanted:
                self.leave(release)
                if self._wake is not None:
                    self._wake(release)
