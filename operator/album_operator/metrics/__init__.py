"""What the operator counts and measures, for Prometheus."""
