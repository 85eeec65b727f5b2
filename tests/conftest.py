"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# A busy machine is no failure: nothing is timed, and what is slow is told by pytest's own figures.
settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")
