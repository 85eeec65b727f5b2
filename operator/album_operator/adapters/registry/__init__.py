"""Registries of images (OCI distribution specification 1.1), which are only read."""
