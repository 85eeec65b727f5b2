"""Merge patches (RFC 7386) of what changed in a status."""


def replaced(old: dict[str, object], changed: dict[str, object]) -> dict[str, object]:
    """Make a merge patch that replaces objects whole: keys they lost become null."""
    patch: dict[str, object] = {}
    for key, value in changed.items():
        known = old.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            inner = {name: item for name, item in value.items() if known.get(name) != item}
            patch[key] = {
                **replaced(known, inner),
                **dict.fromkeys(known.keys() - value.keys()),
            }
        else:
            patch[key] = value
    return patch
