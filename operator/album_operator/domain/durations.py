"""Durations as people write them in a spec, and read them in a message."""

from datetime import timedelta


def in_short(duration: timedelta) -> str:
    """Write a duration of whole seconds in the API's form, such as `1h30m`."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
