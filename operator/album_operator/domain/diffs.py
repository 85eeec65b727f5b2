"""Diffs where there is room for a part of them only."""

import re
from itertools import accumulate

DIFF_BYTES = 4096
"""Longest diff of a pull request, in bytes of UTF-8; the status keeps it too."""

PLAN_DIFF_BYTES = 8192
"""Longest diff of a plan, in bytes of UTF-8."""

UNKNOWN_DIGEST = f"sha256:{'0' * 64}"
"""Stands for the digest of an image not built yet, to find out whether an edit is possible."""

UNKNOWN_DIGEST_NOTE = "The digest is known once the image is built: zeros stand for it here."
"""Said with each diff that `has_unknown_digest`."""

_ZEROS = UNKNOWN_DIGEST.partition(":")[2]

DIFF_CUT = "… the rest of the diff is left out\n"


def cut_diff(diff: str, limit: int) -> str:
    """Make a diff fit a limit in bytes of UTF-8: it ends between two lines, with a note."""
    if len(diff.encode()) <= limit:
        return diff
    # As git: only "\n" ends a line. What lies beyond the limit is not looked at.
    lines = re.findall(r"[^\n]*\n|[^\n]+", diff[:limit])
    sizes = accumulate((len(line.encode()) for line in lines), initial=len(DIFF_CUT.encode()))
    kept = sum(size <= limit for size in sizes) - 1
    return "".join([*lines[:kept], DIFF_CUT])


def has_unknown_digest(diff: str) -> bool:
    """Tell whether zeros stand for a digest in a diff; some charts want its digits alone."""
    return _ZEROS in diff
